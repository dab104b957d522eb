import type { Configuration, RuleConfiguration } from '../config/schema.ts';
import type { PluginInstance } from '../domain/authentication.ts';
import { type Clock, systemClock } from '../domain/clock.ts';
import { createRateLimit, type MakeRateLimit, type TakeFromAllowance } from '../domain/rate-limit.ts';
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
  readonly take: TakeFromAllowance | null;
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
  readonly configuration: Pick<Configuration, 'paths' | 'auth'>;
  readonly plugins: ReadonlyMap<string, PluginInstance>;
  /** Where browsers reach gatelodge; its path is put in front of the plugins' paths. */
  readonly publicUrl: URL;
  readonly clock?: Clock;
  /** Default: in this process alone. */
  readonly makeRateLimit?: MakeRateLimit;
}

/** @throws RangeError where a rule names a plugin that is not there; the configuration's check has said so before */
export function buildGate({ configuration, plugins, publicUrl, clock = systemClock, ...parts }: GateParts): Gate {
  const makeRateLimit = parts.makeRateLimit ?? ((_name, limit) => createRateLimit(limit, clock).take);
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
  const access = (rule: Rule): Access => {
    const { authenticate, mode, rate_limit: limit, plugins: named, deny } = rule.required;
    const asked = authenticate === false || deny ? [] : instances(named ?? defaults);
    return {
      rule: rule.number,
      authenticate,
      mode: mode ?? auth.default_mode,
      denies: deny,
      requirements: requirementsOf(rule.required),
      take:
        limit === undefined
          ? null
          : makeRateLimit(`rule ${rule.number}`, { ...limit, burst: limit.burst ?? limit.requests }),
      ...asking(asked),
    };
  };
  const byDefault = (authenticate: boolean): Access =>
    accessBy(authenticate ? instances(defaults) : [], auth.default_mode, authenticate);
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
  return { rule: 0, authenticate, mode, denies: false, requirements: null, take: null, ...asking(plugins) };
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
