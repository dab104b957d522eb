import { z } from 'zod';
import { duration, secretText } from './values.ts';

/** Other systems whose calls gatelodge speaks too, so that their clients need no change. */
const jwthenticator = z
  .strictObject({
    path: z
      .string()
      .regex(/^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/, 'expected a path such as /jwthenticator')
      .default('/jwthenticator')
      .describe('Where its calls are, below the path of `public_url`.'),
    jwt_lifetime: duration('25h').prefault('25h').describe('How long a JWT is valid.'),
    key_lifetime: duration('120d')
      .prefault('120d')
      .describe('How long a key can be authenticated with, from its last registration.'),
    refresh_lifetime: duration('60d').prefault('60d').describe('How long a refresh token gets new JWTs.'),
    audience: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .optional()
      .describe('`aud` of the JWTs, one or several. Default: none.'),
    private_key: secretText()
      .optional()
      .describe('RSA key in PEM, 2048 bits or more, best as `private_key_file`. Default: generated once, in storage.'),
    internal: z
      .enum(['trusted', 'listener'])
      .default('trusted')
      .describe(
        'Who may register keys: `trusted`, direct calls of `trusted_proxies` that hand on nobody else’s request; `listener`, whoever reaches the listener that serves `internal`.',
      ),
  })
  .describe('JWThenticator’s calls. See [its page](jwthenticator.md).');

export const compat = z
  .strictObject({ jwthenticator: jwthenticator.optional() })
  .prefault({})
  .describe('Calls of other systems, for their own clients.');
