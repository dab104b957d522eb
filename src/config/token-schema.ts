import { z } from 'zod';
import { SIGNING_ALGORITHMS } from '../domain/signing-key.ts';
import { duration } from './values.ts';

export const identityJwt = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe('Whether the application gets one, in `X-Auth-Token` and as `Authorization: Bearer`.'),
    algorithm: z.enum(SIGNING_ALGORITHMS).default('ES256').describe('How it is signed.'),
    subject: z
      .enum(['id', 'user'])
      .default('id')
      .describe(
        'Its `sub`: `id`, the stable id of `X-Auth-Subject`; or `user`, the user name where it is a user of the directory, as Atoti’s targets expect.',
      ),
    issuer: z.string().min(1).optional().describe('Its `iss`. Default `public_url`.'),
    audience: z
      .string()
      .min(1)
      .default('host')
      .describe('Its `aud`: `host`, the request’s, without port; `none`, no such claim; or any other text.'),
    lifetime: duration('5m')
      .prefault('5m')
      .describe('How long it is valid. The same one is handed on until a minute before its end.'),
    roles_claim: z.string().min(1).default('roles').describe('The claim that holds the roles.'),
    private_key: z
      .string()
      .optional()
      .describe(
        'Your own key that fits `algorithm`: PEM, unencrypted (PKCS#8, PKCS#1 or SEC1). Default: generated and rotated in storage.',
      )
      .meta({ secret: true }),
  })
  .prefault({})
  .describe(
    'A signed statement about whose request it is, which the application verifies. See [identity JWT](identity-jwt.md).',
  );

export const tokens = z
  .strictObject({
    format: z
      .enum(['jwt', 'encrypted'])
      .default('jwt')
      .describe(
        '`jwt`: signed (RFC 9068), so that applications can verify it. `encrypted`: opaque to everybody but instances with the same secret (RFC 7516).',
      ),
    algorithm: z.enum(SIGNING_ALGORITHMS).default('ES256').describe('How they are signed.'),
    lifetime: duration('1h').prefault('1h').describe('How long they are valid.'),
    refresh_lifetime: duration('30d')
      .prefault('30d')
      .describe('How long a login can be refreshed. Nothing extends it.'),
    issuer: z.string().min(1).optional().describe('Default `public_url`.'),
    audience: z.string().min(1).optional().describe('Default `public_url`.'),
  })
  .prefault({})
  .describe('Access and refresh tokens of `POST /auth`. See [tokens](tokens.md).');
