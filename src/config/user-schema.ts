import { z } from 'zod';
import { isUsername } from '../domain/user.ts';
import { emailAddress, network, secretText } from './values.ts';

export const user = z.strictObject({
  username: z
    .string()
    .refine(isUsername, {
      message: 'expected a user name without colons, commas, slashes, quotes or control characters',
    })
    .describe('The name people log in with. At most 128 characters, no colons, commas, slashes or quotes.'),
  password: secretText()
    .optional()
    .describe('Plain text becomes its argon2id hash, in place, at the next start. bcrypt hashes are accepted.'),
  name: z.string().default('').describe('Display name.'),
  email: z
    .union([z.literal(''), emailAddress])
    .default('')
    .describe('E-mail address.'),
  roles: z.array(z.string().min(1)).default([]).describe('Roles, which rules can ask for.'),
  groups: z.array(z.string().min(1)).default([]).describe('Groups, likewise.'),
  networks: z
    .array(network)
    .min(1, 'an empty list would let nobody in from anywhere: leave it out, or name a network')
    .default([])
    .describe('Where requests of this user may come from, by whichever credential. Default: from anywhere.'),
  locked: z.boolean().default(false).describe('A locked user is refused everywhere, with every credential.'),
});
