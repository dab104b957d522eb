import { z } from 'zod';
import { REASONS } from '../domain/decision.ts';
import { isIdentityHeaderName } from '../domain/identity-header.ts';
import { SIGNING_ALGORITHMS } from '../domain/signing-key.ts';
import { isUsername } from '../domain/user.ts';
import { compat } from './compat-schema.ts';
import { rateLimit, rule } from './rule-schema.ts';
import { duration, headerName, httpUrl, lokiUrl, network, secretText } from './values.ts';

/**
 * The one schema of gatelodge.yaml: types, defaults and documentation in one place. `docs/configuration.md` and
 * `docs/gatelodge.schema.json` are generated from it. What needs more than one key to judge is in `check-rules.ts`.
 */

const identityPreset = z.enum(['x-auth', 'remote', 'x-forwarded', 'python-auth-proxy']);
const identityHeaders = z
  .object({ preset: identityPreset.optional().describe('The names to begin with. Default `x-auth`.') })
  .catchall(z.string().min(1))
  .refine((headers) => Object.keys(headers).every((name) => name === 'preset' || isIdentityHeaderName(name)), {
    message:
      'names a header that cannot carry an identity: letters, digits and hyphens, and none that means something else',
  });

const serves = z
  .array(z.enum(['decisions', 'public', 'internal']))
  .min(1)
  .default(['decisions', 'public'])
  .describe(
    '`decisions` is /validate, `public` is the rest. `internal`, alone, is what `compat` keeps for internal callers. The health checks are on each.',
  );

const tcp = (port: number) => ({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  port: z.int().min(0).max(65_535).default(port).describe('Port; 0 takes any free one.'),
});
const socket = {
  socket: z.string().min(1).describe('Path of a Unix socket, relative to the configuration file.').meta({ path: true }),
  socket_chmod: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'expected an octal mode in quotes, such as "660"')
    .default('660')
    .describe('Its mode, octal, in quotes.'),
};
const listener = z.union([z.strictObject({ ...socket, serves }), z.strictObject({ ...tcp(9190), serves })]);
const metricsListener = z.union([z.strictObject(socket), z.strictObject(tcp(9191))]);
export type Listener = z.output<typeof listener>;

const user = z.strictObject({
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
    .union([z.literal(''), z.email()])
    .default('')
    .describe('E-mail address.'),
  roles: z.array(z.string().min(1)).default([]).describe('Roles, which rules can ask for.'),
  groups: z.array(z.string().min(1)).default([]).describe('Groups, likewise.'),
  networks: z
    .array(network)
    .default([])
    .describe('Where requests of this user may come from, by whichever credential. Default: from anywhere.'),
  locked: z.boolean().default(false).describe('A locked user is refused everywhere, with every credential.'),
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
  ip: network.optional().describe('The client’s address.'),
  headers: z.record(headerName, z.string()).optional().describe('Header fields of the request.'),
  expect: z.enum(EXPECTATIONS).describe('What must come of it.'),
  reason: z.enum(REASONS).optional().describe('And why.'),
});

const loki = z.strictObject({
  url: lokiUrl().describe('Its base URL, such as https://loki.example.com, or the whole one of its push call.'),
  username: z.string().min(1).optional().describe('For Basic. May stand in the URL too.'),
  password: secretText().optional().describe('For Basic.'),
  tenant: z
    .string()
    .regex(/^[A-Za-z0-9!_.*'()|-]{1,150}$/, "expected a tenant of letters, digits and !-_.*'()")
    .optional()
    .describe('Sent as `X-Scope-OrgID`.'),
  labels: z
    .record(
      z.string().regex(/^(?!__)[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'expected a label of letters, digits and underscores'),
      z.string().min(1).max(256),
    )
    .default({})
    .describe('Labels of every line, besides `job: gatelodge` and `level`.'),
});

const window = (attempts: number, withLock: boolean) =>
  z.strictObject({
    attempts: z.int().min(1).default(attempts).describe('Failures that are let pass.'),
    window: duration('10m').prefault('10m').describe('In which time.'),
    ...(withLock
      ? { lock: duration('10m').prefault('10m').describe('How long nobody logs in then, except from a known device.') }
      : {}),
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
      .refine((text) => Buffer.byteLength(text) >= 32, { message: 'needs at least 32 bytes' })
      .optional()
      .describe('32 bytes or more, from which all keys are derived. Absent: made once in `data_dir`, mode 0600.'),
    previous_secrets: z
      .array(secretText().refine((text) => Buffer.byteLength(text) >= 32, { message: 'needs at least 32 bytes' }))
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
    identity_jwt: z
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
      ),
    tokens: z
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
      .describe('Access and refresh tokens of `POST /auth`. See [tokens](tokens.md).'),
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
    login_limits: z
      .strictObject({
        account: window(10, true).prefault({}).describe('For one user name, and for one device that is known to it.'),
        address: window(100, false)
          .prefault({})
          .describe('From one address; of IPv6, from one /64. Keys and tokens that are no good count here too.'),
      })
      .prefault({})
      .describe('Failed logins by account, device and address. See [brute force](brute-force.md).'),
    rate_limits: z
      .strictObject({
        requests: rateLimit
          .optional()
          .describe('Requests of one user by whatever credentials, or of one address where nobody is known.'),
        auth: rateLimit
          .optional()
          .describe('Tries to log in or to refresh, good or bad, by one user name and from one address.'),
      })
      .prefault({})
      .describe('How often somebody may ask. Default: as often as they like. See [rate limits](rate-limits.md).'),
    hashing: z
      .strictObject({
        concurrency: z
          .int()
          .min(1)
          .max(16)
          .default(2)
          .describe('Passwords hashed at once, off the event loop; never more than there are processors.'),
        queue: z
          .int()
          .min(1)
          .max(10_000)
          .default(64)
          .describe('Passwords that may wait; beyond it the answer is `overloaded`.'),
      })
      .prefault({})
      .describe('Password hashing (argon2id, 19 MiB, t=2, p=1).'),
    log: z
      .strictObject({
        level: z
          .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
          .default('info')
          .describe('What is logged at least.'),
        pretty: z.boolean().default(false).describe('For people: indented lines instead of JSON.'),
        pii: z
          .enum(['hash', 'plain'])
          .default('hash')
          .describe('`hash`: users, e-mails, addresses and session ids are keyed hashes.'),
        loki: z
          .union([lokiUrl(), loki])
          .optional()
          .describe('Lines go to a Loki too: its URL, or a map. See [operations](operations.md#loki).'),
      })
      .prefault({})
      .describe('One JSON line an event, on standard output and, where it is configured, to Loki.'),
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
