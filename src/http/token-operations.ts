import { z } from 'zod';
import { answerSchema, bodySchema, type Operation, timeAnswer } from './management/operation.ts';
import type { ProblemCode } from './problems.ts';

/** What the calls about tokens take and give, for programs to read; docs/tokens.md is for people. */

const text = z.string();
const given = z.string().min(1);

export const passwordBody = bodySchema('Password', z.object({ username: given, password: given }));
export const refreshBody = bodySchema('Refresh', z.object({ refresh_token: given }));
export const tokenBody = bodySchema(
  'Token',
  z.object({ token: given, token_type_hint: text.nullish().describe('Not needed: tokens tell what they are.') }),
);

const tokensAnswer = answerSchema(
  'Tokens',
  z.object({
    token: text.describe('The access token.'),
    token_type: z.literal('Bearer'),
    expires_at: timeAnswer,
    expires_in: z.int().describe('Seconds.'),
    refresh_token: text,
    refresh_expires_at: timeAnswer,
  }),
);
const introspectionAnswer = answerSchema(
  'Introspection',
  z.object({
    active: z.boolean().describe('Where it is false, nothing else is told.'),
    ...{ sub: text.optional(), username: text.optional(), scope: text.optional(), jti: text.optional() },
    ...{ roles: z.array(text).optional(), groups: z.array(text).optional() },
    ...{ iat: z.int().optional(), exp: z.int().optional(), token_type: text.optional() },
  }),
);
const statisticsAnswer = answerSchema(
  'TokenStatistics',
  z.object({
    users: z.array(
      z.object({
        user: text,
        logins: z.int().describe('How many can be refreshed.'),
        access_tokens: z.int(),
        ...{ last_issued_at: timeAnswer, access_expires_at: timeAnswer, refresh_expires_at: timeAnswer },
      }),
    ),
  }),
);
const keySetAnswer = answerSchema('KeySet', z.object({ keys: z.array(z.looseObject({ kty: text, kid: text })) }));

const BAD_BODY: readonly ProblemCode[] = ['invalid-request', 'payload-too-large', 'unsupported-media-type'];
const forAnybody = { callers: { kind: 'none' }, alsoForm: true } as const;

export const passwordOperation: Operation = {
  ...{ id: 'authenticate', summary: 'Tokens for a user name and password', ...forAnybody, body: passwordBody },
  answer: { status: 200, description: 'The tokens.', schema: tokensAnswer },
  problems: [...BAD_BODY, 'invalid-credentials', 'rate-limited', 'overloaded'],
};
export const refreshOperation: Operation = {
  ...{ id: 'refresh', summary: 'New tokens for a refresh token', ...forAnybody, body: refreshBody },
  description: 'The refresh token is spent by that; the answer has the next one.',
  answer: { status: 200, description: 'The tokens.', schema: tokensAnswer },
  problems: [...BAD_BODY, 'invalid-credentials', 'conflict', 'rate-limited'],
};
export const revokeOperation: Operation = {
  ...{
    id: 'revoke',
    summary: 'Ends an access token, a login or an API key (RFC 7009)',
    ...forAnybody,
    body: tokenBody,
  },
  answer: { status: 200, description: 'It is of no use now, if it was of any.' },
  problems: BAD_BODY,
};
export const introspectOperation: Operation = {
  ...{ id: 'introspect', summary: 'Whether a token would be taken, and whose it is (RFC 7662)', alsoForm: true },
  callers: { kind: 'management', scope: 'introspect' },
  body: tokenBody,
  answer: { status: 200, description: 'What is known of it.', schema: introspectionAnswer },
  problems: BAD_BODY,
};
export const statisticsOperation: Operation = {
  ...{ id: 'tokenStatistics', summary: 'How many tokens each user holds' },
  callers: { kind: 'management', scope: 'tokens' },
  answer: { status: 200, description: 'One entry for each user who holds any.', schema: statisticsAnswer },
};
export const keySetOperation: Operation = {
  ...{ id: 'keySet', summary: 'The public keys that tokens are verified with (RFC 7517)', callers: { kind: 'none' } },
  answer: { status: 200, description: 'The keys.', schema: keySetAnswer },
};
