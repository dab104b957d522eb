import type { Configuration, RuleConfiguration } from '../config/schema.ts';
import type { PluginInstance } from '../domain/authentication.ts';
import { type Clock, systemClock } from '../domain/clock.ts';
import { type Allowance, type MakeRateLimit, type Quota, quotaOf, rateLimitOf } from '../domain/rate-limit.ts';
import { createRateLimits } from '../domain/rate-limits.ts';
import { compilePolicy, type Policy } from './policy.ts';
import type { Rule } from './rule.ts';

/** What a rule asks of the request, with its plugins at hand. */
export interface Access {
  /** 0 for the default. */
  readonly rule: number;
  readonly authenticate: true | false | 'optional';
  readonly plugins: readonly PluginInstance[];
  readonly mode: 'any' | 'all';
  readonly challenges: readonly string[];
  readonly login: boolean;
  /** Whether a plugin that is asked knows the users of the directory, whose names are meant then. */
  readonly directory: boolean;
  /** Whether it refuses whatever matches. */
  readonly denies: boolean;
  /** What it asks of whoever it is; null where being somebody is enough. */
  readonly requirements: Requirements | null;
  readonly limit: AccessLimit | null;
}

/** How much may be let through. Users and addresses are kept apart, so that nobody's name is somebody's address. */
export interface AccessLimit {
  readonly subjects: Allowance;
  readonly addresses: Allowance;
  readonly quota: Quota;
}

/** A page or call of a plugin's own. gatelodge answers it itself, so a check of it is allowed, or login would lead to login. */
export interface OwnPath {
  readonly path: string;
  readonly plugin: string;
  readonly description: string;
}

export type Requirements = Pick<
  RuleConfiguration,
  'users' | 'roles' | 'groups' | 'scopes' | 'permission' | 'mfa' | 'max_age'
>;

/** Most rules ask for nothing, and then a check need not look. */
function requirementsOf({
  users,
  roles,
  groups,
  scopes,
  permission,
  mfa,
  max_age,
}: RuleConfiguration): Requirements | null {
  const asked = { users, roles, groups, scopes, permission, mfa, max_age };
  return Object.values(asked).every((one) => one === undefined || one === false) ? null : asked;
}

/** The pages of whichever plugin has its credential from the login page. */
const LOGIN_PATHS = [
  { path: '/login', description: 'Login page' },
  { path: '/logout', description: 'Logout page' },
];

/** Everything a decision is made from: compiled once, never changed. */
export interface Gate {
  readonly policy: Policy;
  readonly accesses: readonly Access[];
  readonly whenNoRule: Access | 'deny';
  /** For a check that names no target, and asks only whether a credential is good. */
  readonly anyCredential: Access;
  readonly own: { readonly host: string; readonly port: number; readonly paths: ReadonlyMap<string, OwnPath> };
  readonly clock: Clock;
}

export interface GateParts {
  readonly configuration: Pick<Configuration, 'paths' | 'auth' | 'rate_limits'>;
  readonly plugins: ReadonlyMap<string, PluginInstance>;
  /** Where browsers reach gatelodge; its path is put in front of the plugins' paths. */
  readonly publicUrl: URL;
  readonly clock?: Clock;
  /** Default: in this process alone. */
  readonly makeRateLimit?: MakeRateLimit;
}

/** @throws RangeError where a rule names a plugin that is not there; the configuration's check has said so before */
export function buildGate({ configuration, plugins, publicUrl, clock = systemClock, ...parts }: GateParts): Gate {
  const makeRateLimit = parts.makeRateLimit ?? createRateLimits(clock).get;
  const policy = compilePolicy(configuration);
  const { auth } = configuration;
  const defaults = auth.default_plugins ?? [...plugins.keys()];
  const base = publicUrl.pathname.replace(/\/+$/, '');
  const paths = new Map<string, OwnPath>();
  for (const { name, plugin } of plugins.values()) {
    for (const own of [...(plugin.login ? LOGIN_PATHS : []), ...(plugin.paths ?? [])])
      paths.set(base + own.path, { path: base + own.path, plugin: name, description: own.description });
  }
  const instances = (names: readonly string[]) =>
    names.map((name) => {
      const instance = plugins.get(name);
      if (instance === undefined) throw new RangeError(`no plugin instance is named ${name}`);
      return instance;
    });
  const general = accessLimit('requests', configuration.rate_limits.requests, makeRateLimit);
  const access = (rule: Rule): Access => {
    const { authenticate, mode, plugins: named, deny } = rule.required;
    const asked = authenticate === false || deny ? [] : instances(named ?? defaults);
    return {
      rule: rule.number,
      authenticate,
      mode: mode ?? auth.default_mode,
      denies: deny,
      requirements: requirementsOf(rule.required),
      limit: limitOf(rule.required, general, makeRateLimit),
      ...asking(asked),
    };
  };
  const byDefault = (authenticate: boolean): Access => ({
    ...accessBy(authenticate ? instances(defaults) : [], auth.default_mode, authenticate),
    limit: general,
  });
  return {
    policy,
    accesses: policy.rules.map(access),
    whenNoRule: auth.default_behavior === 'deny' ? 'deny' : byDefault(auth.default_behavior === 'authenticated'),
    anyCredential: byDefault(true),
    own: { host: publicUrl.hostname.replace(/^\[|\]$/g, ''), port: effectivePort(publicUrl), paths },
    clock,
  };
}

/** An access outside all rules: somebody by these plugins, and nothing more is asked of them. */
export function accessBy(
  plugins: readonly PluginInstance[],
  mode: Access['mode'] = 'any',
  authenticate: boolean = true,
): Access {
  return { rule: 0, authenticate, mode, denies: false, requirements: null, limit: null, ...asking(plugins) };
}

function accessLimit(
  name: string,
  configured: Configuration['rate_limits']['requests'],
  makeRateLimit: MakeRateLimit,
): AccessLimit | null {
  if (configured === undefined) return null;
  const limit = rateLimitOf(configured);
  return {
    subjects: makeRateLimit(`subjects of ${name}`, limit),
    addresses: makeRateLimit(`addresses of ${name}`, limit),
    quota: quotaOf('requests', limit),
  };
}

/** A rule's own limit, or the one that holds for all rules without. */
function limitOf(required: RuleConfiguration, general: AccessLimit | null, make: MakeRateLimit): AccessLimit | null {
  const own = required.rate_limit ?? required.rate_limits?.requests;
  if (own === false || required.deny) return null;
  if (own === undefined) return general;
  // Known by what it matches and not by its place: a rule put in before it by a reload gives nobody a new allowance.
  const { host, path, regex, methods, networks, headers, query } = required;
  return accessLimit(`rule ${JSON.stringify([host, path, regex, methods, networks, headers, query])}`, own, make);
}

function asking(plugins: readonly PluginInstance[]): Pick<Access, 'plugins' | 'challenges' | 'login' | 'directory'> {
  return {
    plugins,
    challenges: [...new Set(plugins.flatMap(({ plugin }) => plugin.challenge ?? []))],
    login: plugins.some(({ plugin }) => plugin.login === true),
    directory: plugins.some(({ plugin }) => plugin.directory === true),
  };
}

function effectivePort(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}
