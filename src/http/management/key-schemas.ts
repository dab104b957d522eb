import { z } from 'zod';
import { answerSchema, bodySchema, timeAnswer, timeBody } from './operation.ts';

const names = z.array(z.string());

const keyFields = {
  id: z.string().describe('`glk_<id>`, by which the key is rotated and revoked. No secret.'),
  user: z.string().describe("The owner's name, or their id where they are gone."),
  name: z.string(),
  scopes: names,
  roles: names.nullable().describe("Which of the owner's roles it has; null: all, as they are at the time."),
  networks: names.describe('Where it may be used from; empty: from anywhere.'),
  created_at: timeAnswer.nullable(),
  created_by: z.string().nullable().describe('The user or the key that made it; null: a command.'),
  not_before: timeAnswer.nullable(),
  expires_at: timeAnswer.nullable(),
  last_used_at: timeAnswer.nullable().describe('Up to five seconds behind.'),
  rotated_at: timeAnswer.nullable(),
  previous_until: timeAnswer
    .nullable()
    .describe('Until when the secret before the last rotation is good too; null where it is not.'),
};

export const keyAnswer = answerSchema('Key', z.object(keyFields));
/** A key as programs are shown it, by the API and by `gatelodge keys list --json`. */
export type KeyView = Readonly<z.output<typeof keyAnswer>>;

export const keysAnswer = answerSchema('Keys', z.object({ keys: z.array(keyAnswer) }));

export const keyWithSecretAnswer = answerSchema(
  'KeyWithSecret',
  z.object({ key: z.string().describe('`glk_<id>.<secret>`, shown in this answer and never again.'), ...keyFields }),
);

export const keysQuery = z.strictObject({
  user: z
    .string()
    .optional()
    .describe("Whose keys. Without it, everybody's for administrators, else the caller's own."),
});

export const newKeyBody = bodySchema(
  'NewKey',
  z.strictObject({
    user: z.string().optional().describe("The owner's name; default: the caller's own user."),
    name: z.string().describe('What it is for: 1 to 128 letters.'),
    scopes: names.default([]).describe('What it may be used for.'),
    roles: names
      .nullable()
      .default(null)
      .describe("Which of the owner's roles it has; null: all, as they are at the time."),
    networks: names.default([]).describe('Addresses and CIDR networks it may be used from; empty: from anywhere.'),
    not_before: timeBody.nullable().default(null),
    expires_at: timeBody.nullable().default(null),
  }),
);

const LONGEST_OVERLAP = 30 * 86_400;

export const rotationBody = bodySchema(
  'Rotation',
  z.strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(LONGEST_OVERLAP)
      .default(3_600)
      .describe('How long the old secret is good too; 0 ends it at once.'),
  }),
);
