import { z } from 'zod';
import { SIGNING_ALGORITHMS } from '../domain/signing-key.ts';
import { isUsername } from '../domain/user.ts';
import { duration, durationOrZero, httpUrl, secretText } from './values.ts';

/** Options of the built-in plugin types. The reference page and the editor schema are made from these. */

export const sessionOptions = z
  .strictObject({})
  .describe('The login page and its cookie. Cookie and lifetimes are set under `cookie` and `session`.');

export const basicOptions = z
  .strictObject({
    realm: z
      .string()
      .regex(/^[\x20\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'expected visible ASCII without quotes or backslashes')
      .default('Restricted')
      .describe('What the browser’s password box says (RFC 7617).'),
    users: z
      .record(
        z.string().refine(isUsername, {
          message: 'expected a user name without colons, commas, slashes, quotes or control characters',
        }),
        secretText(),
      )
      .optional()
      .describe(
        'Users of this instance alone, `name: password-or-hash`. They are nobody’s directory entry: no roles, subject `<instance>:<name>`. Without `users` and `htpasswd` the directory is asked.',
      ),
    htpasswd: z
      .string()
      .optional()
      .describe(
        'An htpasswd file with bcrypt (`htpasswd -B`) or argon2id hashes, as further users of this instance. Relative to the configuration file; read again when it changes.',
      )
      .meta({ path: true }),
    remember: duration('60s')
      .refine((milliseconds) => milliseconds <= 60_000, { message: 'at most 60s' })
      .prefault('60s')
      .describe('How long a checked password is remembered, under a keyed hash in memory. At most 60s.'),
  })
  .describe('HTTP Basic (RFC 7617) against the directory, or against users of its own.');

export const tokenOptions = z
  .strictObject({})
  .describe('Access tokens that `POST /auth` issued, as `Authorization: Bearer`. Set up under `tokens`.');

export const apikeyOptions = z
  .strictObject({})
  .describe('API keys that gatelodge issued, as `Authorization: Bearer` or `X-API-Key`.');

export const JWT_ALGORITHMS = ['HS256', 'HS384', 'HS512', ...SIGNING_ALGORITHMS] as const;

export const jwtOptions = z
  .strictObject({
    secret: secretText()
      .optional()
      .describe(
        'Shared secret of HS256, HS384 or HS512. Should have at least as many bytes as the hash (RFC 7518 section 3.2).',
      ),
    public_key: z.string().optional().describe('Public key or certificate in PEM, or a JWK or JWK set in JSON.'),
    jwks_url: httpUrl()
      .refine((text) => text.startsWith('https:') || isLoopback(new URL(text).hostname), {
        message: 'must be https, or loopback',
      })
      .optional()
      .describe('Where the issuer publishes its keys (RFC 7517). https, or loopback.'),
    algorithm: z
      .enum(JWT_ALGORITHMS)
      .optional()
      .describe('The one accepted algorithm. Default HS256 with `secret`, otherwise required here or in `algorithms`.'),
    algorithms: z
      .array(z.enum(JWT_ALGORITHMS))
      .min(1)
      .optional()
      .describe('The accepted algorithms, all of one family.'),
    audience: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .optional()
      .describe('The token’s `aud` must name one of these. Without it, a token for anybody is accepted: set it.'),
    issuer: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .optional()
      .describe('The token’s `iss` must be one of these.'),
    leeway: durationOrZero('10s')
      .optional()
      .describe('Tolerated clock difference for `exp`, `nbf` and `iat`. Default none.'),
    require_exp: z.boolean().default(true).describe('Refuse a token without `exp`.'),
    claims: z
      .strictObject({
        user: z.string().min(1).default('sub').describe('Claim that names the user.'),
        name: z.string().min(1).default('name').describe('Claim with the display name.'),
        email: z.string().min(1).default('email').describe('Claim with the e-mail address.'),
        roles: z
          .string()
          .min(1)
          .optional()
          .describe(
            'Claim with the roles, a list or a comma list. Without it the token gives no roles. Dots lead into objects (`realm_access.roles`).',
          ),
        groups: z.string().min(1).optional().describe('Claim with the groups, likewise.'),
        scopes: z.string().min(1).default('scope').describe('Claim with the scopes, a list or separated by blanks.'),
      })
      .prefault({})
      .describe('Which claims say what.'),
    user_claim: z.string().min(1).optional().describe('The same as `claims.user`, as python-auth-proxy spells it.'),
    role_claim: z.string().min(1).optional().describe('The same as `claims.roles`, as python-auth-proxy spells it.'),
    forward_claims: z
      .array(z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]*$/))
      .default([])
      .describe('Claims that go on to the application, each as `X-Auth-Claim-<Name>`.'),
    header_prefix: z.literal('Bearer').default('Bearer').describe('Scheme of the Authorization header.'),
    remember: duration('60s')
      .refine((milliseconds) => milliseconds <= 60_000, { message: 'at most 60s' })
      .prefault('60s')
      .describe('How long a verified token is remembered, never past its `exp`. At most 60s.'),
  })
  .describe('JSON Web Tokens that somebody else issued (RFC 7519).');

export const oidcOptions = z
  .strictObject({
    issuer: httpUrl().describe('The identity provider.'),
    client_id: z.string().min(1).describe('The client’s id there.'),
    client_secret: secretText().optional().describe('And its secret.'),
    redirect_uri: httpUrl().optional().describe('Default: `public_url` and `callback_path`.'),
    callback_path: z
      .string()
      .regex(/^\/[A-Za-z0-9._~/-]*$/, 'expected a path such as /auth/corp/callback')
      .optional()
      .describe('Where the identity provider sends browsers back to.'),
    scope: z.string().default('openid profile email').describe('What is asked for.'),
  })
  .describe(
    'OpenID Connect login. **Not in this version:** the options are checked and the path is reserved, but nobody is let in by it.',
  );

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

export type BasicOptions = z.output<typeof basicOptions>;
export type JwtOptions = z.output<typeof jwtOptions>;
export type OidcOptions = z.output<typeof oidcOptions>;

export const BUILT_IN_OPTIONS = {
  session: sessionOptions,
  basic: basicOptions,
  token: tokenOptions,
  apikey: apikeyOptions,
  jwt: jwtOptions,
  oidc: oidcOptions,
} as const;
export type BuiltInType = keyof typeof BUILT_IN_OPTIONS;

export function isBuiltIn(type: string): type is BuiltInType {
  return Object.hasOwn(BUILT_IN_OPTIONS, type);
}
