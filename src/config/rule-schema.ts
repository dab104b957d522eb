import { z } from 'zod';
import { duration, durationOrZero, headerName, network } from './values.ts';

const names = z.array(z.string().min(1)).min(1);
const method = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'expected an HTTP method')
  .max(32);

/** How much one user may ask for, or one address where nobody is known. */
export const rateLimit = z.strictObject({
  requests: z.int().min(1).max(1_000_000).default(1).describe('How many come back …'),
  per: duration('1m').describe('… in this time, one after the other.'),
  burst: z.int().min(1).max(1_000_000).optional().describe('How many may come at once. Default `requests`.'),
  block: durationOrZero('500ms')
    .optional()
    .describe('How long nothing is let through after one too many. Default 0: until one has come back.'),
});

/** One entry of `paths`. */
export const rule = z.strictObject({
  host: z
    .string()
    .regex(
      /^(?:\*\.)?(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)(?::\d{1,5})?$/,
      'expected a host such as app.example.com, *.example.com or app.example.com:8443',
    )
    .optional()
    .describe(
      '`app.example.com`, or `*.example.com` for one or more labels below it. With a port, that effective port only.',
    ),
  path: z
    .string()
    .min(1)
    .max(8_192)
    .optional()
    .describe('A literal path matches itself and everything below it (`/health` is not `/healthz`).'),
  regex: z
    .boolean()
    .default(false)
    .describe(
      '`path` is a regular expression in RE2 syntax, anchored at the start, that sees the canonical path without the query.',
    ),
  methods: z.array(method).min(1).optional().describe('GET covers HEAD. Case-sensitive.'),
  networks: z.array(network).min(1).optional().describe('Client addresses.'),
  headers: z
    .record(headerName, z.string())
    .optional()
    .describe('Header fields of the request with exactly these values.'),
  query: z.record(z.string().min(1), z.string()).optional().describe('Query parameters with exactly these values.'),
  authenticate: z
    .union([z.boolean(), z.literal('optional')])
    .default(true)
    .describe('`false` looks at no credential at all; `optional` hands on an identity where there is a good one.'),
  plugins: z
    .array(z.string().min(1))
    .optional()
    .describe('Plugin instances that may say who it is. Default `auth.default_plugins`.'),
  mode: z.enum(['any', 'all']).optional().describe('Whether one plugin is enough. Default `auth.default_mode`.'),
  users: names
    .optional()
    .describe(
      'Any of these user names. A name means a user of the directory where the rule asks a plugin that knows it; a foreign token’s or an instance’s own user is `<instance>:<name>`.',
    ),
  roles: names.optional().describe('Any of these roles.'),
  groups: names.optional().describe('Any of these groups.'),
  scopes: names
    .optional()
    .describe('Any of these scopes, where the credential carries scopes (API keys and foreign tokens always do).'),
  permission: z
    .string()
    .min(1)
    .optional()
    .describe('**Not in this version:** nobody has permissions yet, so the rule refuses everybody.'),
  mfa: z
    .boolean()
    .optional()
    .describe('**Not in this version:** there is no second factor yet, so `true` refuses everybody.'),
  max_age: duration('15m').optional().describe('How long ago the person may have logged in.'),
  rate_limit: z
    .union([z.literal(false), rateLimit])
    .optional()
    .describe(
      'Requests by one user, or by one address where nobody is known, in place of `rate_limits.requests`; `false` for none. See [rate limits](rate-limits.md).',
    ),
  rate_limits: z
    .strictObject({ requests: rateLimit.describe('The same as `rate_limit`.') })
    .optional()
    .describe('`rate_limit`, written as it is for all rules together.'),
  deny: z.boolean().default(false).describe('Refuse whatever matches.'),
});
