import { isIP } from 'node:net';
import { z } from 'zod';
import { REASONS } from '../domain/decision.ts';
import { isIdentityHeaderName } from '../domain/identity-header.ts';
import { compat } from './compat-schema.ts';
import { hashing, loginLimits, rateLimits } from './limit-schema.ts';
import { listener, metricsListener } from './listener-schema.ts';
import { log } from './log-schema.ts';
import { rule } from './rule-schema.ts';
import { identityJwt, tokens } from './token-schema.ts';
import { user } from './user-schema.ts';
import { duration, headerName, httpUrl, network, secretText } from './values.ts';

/**
 * The one schema of gatelodge.yaml, with the `*-schema.ts` beside it: types, defaults and documentation in one place. `docs/configuration.md` and
 * `docs/gatelodge.schema.json` are generated from it. What needs more than one key to judge is in `check-rules.ts`.
 */

const identityPreset = z.enum(['x-auth', 'remote', 'x-forwarded', 'python-auth-proxy']);
const identityHeaders = z
  .object({ preset: identityPreset.optional().describe('The names to begin with. Default `x-auth`.') })
  .catchall(z.string().min(1))
  .superRefine((headers, context) => {
    const names = Object.keys(headers);
    const refuse = (name: string, message: string) => context.addIssue({ code: 'custom', path: [name], message });
    for (const [index, name] of names.entries()) {
      if (name !== 'preset' && !isIdentityHeaderName(name))
        refuse(
          name,
          'no header that can carry an identity: letters, digits and hyphens, and none that means something else',
        );
      // The second would silently take the first one's place.
      else if (names.findIndex((other) => other.toLowerCase() === name.toLowerCase()) < index)
        refuse(name, 'names of header fields are the same in any case: this one stands above already');
    }
  });

export const EXPECTATIONS = ['allow', 'challenge', 'deny', 'limited', 'unavailable'] as const;

const policyTest = z.strictObject({
  request: z
    .string()
    .regex(/^[A-Za-z]+ https?:\/\/\S+$/, 'expected a method and an absolute URL, such as GET https://app.example.com/x')
    .describe('Method and URL.'),
  as: z
    .strictObject({
      user: z.string().optional().describe('User name.'),
      roles: z.array(z.string()).optional().describe('Roles.'),
      groups: z.array(z.string()).optional().describe('Groups.'),
      scopes: z.array(z.string()).optional().describe('Scopes of the credential.'),
    })
    .optional()
    .describe('Who asks. Without it, nobody.'),
  ip: z
    .string()
    .refine((text) => isIP(text) !== 0, 'expected an IP address')
    .optional()
    .describe('The client’s address.'),
  headers: z.record(headerName, z.string()).optional().describe('Header fields of the request.'),
  expect: z.enum(EXPECTATIONS).describe('What must come of it.'),
  reason: z.enum(REASONS).optional().describe('And why.'),
});

export const configurationSchema = z
  .strictObject({
    listen: z
      .union([listener, z.array(listener).min(1)])
      .prefault({})
      .transform((value) => (Array.isArray(value) ? value : [value]))
      .describe('Where gatelodge listens: `{host, port}`, `{socket, socket_chmod}`, or a list of these.'),
    public_url: httpUrl()
      .optional()
      .describe(
        'Where browsers reach gatelodge; its path is the base path of all pages and calls. Default: the address it listens on.',
      ),
    front_server: z
      .enum(['auto', 'nginx', 'caddy', 'traefik', 'envoy', 'haproxy'])
      .default('auto')
      .describe('What plain /validate speaks.'),
    trusted_proxies: z
      .array(network)
      .default(['127.0.0.0/8', '::1/128'])
      .describe('The only peers whose /validate calls and X-Forwarded-* are believed. Unix sockets always are.'),
    secret: secretText()
      .refine((text) => Buffer.byteLength(text) >= 32, {
        message: 'needs at least 32 bytes, such as openssl rand -hex 32 makes',
      })
      .optional()
      .describe('32 bytes or more, from which all keys are derived. Absent: made once in `data_dir`, mode 0600.'),
    previous_secrets: z
      .array(
        secretText().refine((text) => Buffer.byteLength(text) >= 32, {
          message: 'needs at least 32 bytes',
        }),
      )
      .max(5)
      .default([])
      .describe(
        'Secrets that were in use before. Encrypted access tokens made under them are read until they expire, and signing keys are taken over. See [tokens](tokens.md#a-new-secret).',
      ),
    data_dir: z
      .string()
      .min(1)
      .default('./data')
      .describe('Where the embedded database and the secret live, relative to the configuration file.')
      .meta({ path: true }),
    storage: z
      .string()
      .refine((text) => text === 'sqlite' || /^postgres(ql)?:\/\//.test(text), {
        message: 'expected sqlite or postgres://…',
      })
      .default('sqlite')
      .describe('`sqlite`. **PostgreSQL is not in this version** and is refused at the start.'),
    redis: z
      .union([z.null(), z.string().regex(/^rediss?:\/\//, 'expected redis://…')])
      .default(null)
      .describe('**Not in this version**, refused at the start.'),
    workers: z
      .union([z.int().min(1).max(256), z.literal('auto')])
      .default(1)
      .describe(
        'Processes that share the listeners; `auto`: one a core. A change needs a restart. See [operations](operations.md#workers).',
      ),
    shutdown_timeout: duration('10s').prefault('10s').describe('How long SIGTERM waits for what is in flight.'),
    cookie: z
      .strictObject({
        name: z
          .string()
          .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'expected letters, digits, dots, hyphens and underscores')
          .default('gatelodge')
          .describe('Gets `__Host-` in front without a domain and `__Secure-` with one, where the cookie is secure.'),
        domain: z
          .union([
            z.null(),
            z.string().regex(/^\.?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$/, 'expected a domain such as example.com'),
          ])
          .default(null)
          .describe('The domain whose hosts share the login. null: only the host of `public_url`.'),
        same_site: z
          .enum(['lax', 'strict', 'none'])
          .default('lax')
          .describe('The cookie’s SameSite attribute. `none` needs a secure cookie.'),
        secure: z
          .union([z.boolean(), z.literal('auto')])
          .default('auto')
          .describe('`auto`: when `public_url` is https.'),
      })
      .prefault({})
      .describe('The session’s cookie.'),
    session: z
      .strictObject({
        idle: duration('1h').prefault('1h').describe('Longest pause between two requests.'),
        lifetime: duration('12h').prefault('12h').describe('Absolute end, which nothing extends.'),
        remember: duration('30d')
          .prefault('30d')
          .describe('Absolute end of a session with “remember me”, which has no idle limit.'),
      })
      .prefault({})
      .describe('How long a login lasts.'),
    allowed_redirects: z
      .array(
        z
          .string()
          .regex(
            /^https?:\/\/(?:\*\.)?[A-Za-z0-9._-]+(?::\d{1,5})?$/,
            'expected an origin such as https://*.example.com',
          ),
      )
      .default([])
      .describe('Origins to which login may lead back, besides that of `public_url`. A port only where it is named.'),
    users: z
      .array(user)
      .default([])
      .describe('The directory’s file part. The other part is the embedded database (`gatelodge users`).'),
    auth_plugins: z
      .record(
        z
          .string()
          .regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected an instance name of letters, digits, hyphens and underscores'),
        z.looseObject({
          type: z.string().min(1).optional().describe('The plugin’s type. Default: the instance’s name.'),
          module: z
            .string()
            .min(1)
            .optional()
            .describe('Somebody else’s plugin: a file, relative to the configuration file, or an installed package.'),
        }),
      )
      .default({ session: {}, token: {}, apikey: {} })
      .describe(
        'Authentication methods: instance name → options. `type` defaults to the name; `module` loads somebody else’s plugin.',
      ),
    auth: z
      .strictObject({
        default_plugins: z.array(z.string()).optional().describe('Default: all configured instances, in their order.'),
        default_mode: z.enum(['any', 'all']).default('any').describe('Whether one plugin is enough.'),
        default_behavior: z
          .enum(['authenticated', 'unauthenticated', 'deny'])
          .default('authenticated')
          .describe('What happens to a request that no rule matches.'),
      })
      .prefault({})
      .describe('What holds where a rule does not say otherwise.'),
    paths: z.array(rule).default([]).describe('The rules. The first match wins.'),
    identity_headers: z
      .union([identityPreset, identityHeaders])
      .default('x-auth')
      .describe(
        'Names of the identity headers: a preset, or `{preset: remote, X-Auth-Claim-Department: department}`. A header is given the field or claim whose name is its value.',
      ),
    anonymous: z
      .strictObject({
        user: z.string().default('').describe('User name.'),
        roles: z.array(z.string()).default([]).describe('Roles.'),
      })
      .prefault({})
      .describe('The identity of an allowed request that is nobody’s. Default: empty headers.'),
    identity_jwt: identityJwt,
    tokens,
    branding: z
      .strictObject({
        name: z
          .string()
          .regex(/^[^\p{C}]{0,60}$/u, 'expected at most 60 letters')
          .default('')
          .describe('What the pages say whose login this is. Empty: nothing.'),
        logo: z
          .string()
          .min(1)
          .optional()
          .describe(
            'A picture for the pages: SVG, PNG, JPEG, WebP or GIF, at most 64 KiB, relative to the configuration file. Read at the start.',
          )
          .meta({ path: true }),
      })
      .prefault({})
      .describe('Your own name and logo on the pages.'),
    login_limits: loginLimits,
    rate_limits: rateLimits,
    hashing,
    log,
    metrics: z
      .strictObject({ listen: metricsListener.describe('Where: `{host, port}` or `{socket, socket_chmod}`.') })
      .optional()
      .describe(
        'Prometheus metrics, at `/metrics` on a listener of their own. Default: none. A change needs a restart. See [operations](operations.md#metrics).',
      ),
    compat,
    backend: z
      .unknown()
      .optional()
      .describe('Accepted from python-auth-proxy files, with a warning: the front server does that job.'),
    tests: z
      .array(policyTest)
      .default([])
      .describe('Requests and what must come of them; `gatelodge check` runs them.'),
  })
  .describe('gatelodge.yaml');

/** The configuration with every default filled in, as the program reads it. */
export type Configuration = z.output<typeof configurationSchema>;
export type RuleConfiguration = Configuration['paths'][number];
export type PolicyTest = Configuration['tests'][number];
export type FileUser = Configuration['users'][number];
