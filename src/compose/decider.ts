import { buildGate, type Gate } from '../decision/access.ts';
import type { PluginInstance } from '../domain/authentication.ts';
import type { LiveRecords } from '../domain/live.ts';
import type { BeginLogin } from '../domain/login-attempts.ts';
import type { CacheName, Measurements } from '../domain/measurements.ts';
import { type AccessTokens, createAccessTokens } from '../flows/access-tokens.ts';
import { createApiKeys } from '../flows/api-keys.ts';
import { createIssuedTokens, type IssuedTokens } from '../flows/issued-tokens.ts';
import { createPasswordLogin, type PasswordLogin } from '../flows/password-login.ts';
import { createTokenGrants, type TokenGrants } from '../flows/token-grants.ts';
import { type CallerDecisions, createCallerDecisions } from '../http/caller-decisions.ts';
import { sessionCookieName } from '../http/cookies.ts';
import { measureAttempts, measureLogins, measureLookups } from '../measure.ts';
import type { BuiltInContext } from '../plugins/built-in.ts';
import { createPluginInstance } from '../plugins/registry.ts';
import type { RememberedCounts } from '../plugins/remembered.ts';
import type { Core } from './core.ts';
import { writeHash, writeHtpasswd } from './written-hashes.ts';

/** What gatelodge issues for programs. */
export interface Tokens {
  readonly tokens: AccessTokens;
  readonly grants: TokenGrants;
  readonly issuedTokens: IssuedTokens;
}

export function openTokens(core: Core, publicUrl: URL): Tokens {
  const { configuration, clock, log, directory, store, signingKeys, revocations } = core;
  const issuer = configuration.tokens.issuer ?? publicUrl.href.replace(/\/$/, '');
  const tokens = createAccessTokens({
    keys: signingKeys,
    issuer,
    audience: configuration.tokens.audience ?? issuer,
    lifetime: configuration.tokens.lifetime,
    format: configuration.tokens.format,
    secrets: [core.secret, ...configuration.previous_secrets],
    clock,
  });
  const grants = createTokenGrants({
    ...{ accessTokens: tokens, store: store.refreshTokens, directory, clock, audit: log.audit },
    refreshLifetime: configuration.tokens.refresh_lifetime,
    takeTry: core.loginLimits.takeTry,
  });
  const issuedTokens = createIssuedTokens({
    ...{ accessTokens: tokens, grants, directory, clock, revocations },
    store: store.revocations,
    apiKeys: createApiKeys({ store: store.apiKeys, clock }),
  });
  return { tokens, grants, issuedTokens };
}

/** What decides: the gate and the plugins it asks, which hold timers and are closed at the end. */
export interface Decider extends Tokens {
  readonly gate: Gate;
  readonly plugins: ReadonlyMap<string, PluginInstance>;
  readonly login: PasswordLogin;
  /** Who sends a call of our own. */
  readonly callers: CallerDecisions;
  /** How many credentials the plugins remember. */
  readonly remembered: () => number;
  close(): Promise<void>;
}

/** Makes the plugins and the gate; `explain` and `check` use it as the service does. */
export async function openDecider(core: Core, publicUrl: URL): Promise<Decider> {
  const { configuration, clock, log, directory, passwords, loginLimits: limits, measurements } = core;
  const unmeasured = createPasswordLogin({
    ...{ directory, passwords, limits, audit: log.audit, catchUp: core.store.changes.catchUp },
  });
  const login = measurements === undefined ? unmeasured : measureLogins(unmeasured, measurements);
  const rememberedCounts: RememberedCounts | undefined =
    measurements === undefined ? undefined : { counts: measurements.caches.remembered, sizes: [] };
  const beginLogin: BeginLogin = async (trial) => limits.takeTry(trial) ?? limits.begin(trial);
  const { tokens, grants, issuedTokens } = openTokens(core, publicUrl);
  const plugins = new Map<string, PluginInstance>();
  const close = async () => {
    for (const { plugin } of plugins.values()) await plugin.close?.();
  };
  const contextOf = (instance: string): BuiltInContext => ({
    instance,
    clock,
    log: (level, message, detail) => log.write(level, 'plugin', { instance, message, ...detail }),
    directory,
    sessions: measured(core.liveSessions, 'sessions', measurements),
    apiKeys: measured(core.liveApiKeys, 'api_keys', measurements),
    ...(rememberedCounts === undefined ? {} : { rememberedCounts }),
    passwords,
    login: (username, password, address) => login.login({ username, password, address, way: 'basic' }),
    beginLogin: measurements === undefined ? beginLogin : measureAttempts(beginLogin, measurements),
    issuedHere: tokens.issuedHere,
    verifyAccessToken: tokens.verifyAccessToken,
    isRevoked: core.revocations.isRevoked,
    cookieName: sessionCookieName({ cookie: configuration.cookie, public_url: publicUrl.href }),
    replaceOwnHash: (owner, place, username, expected, next) =>
      place.kind === 'htpasswd'
        ? writeHtpasswd(place.file, username, expected, next)
        : writeHash(core.file, ['auth_plugins', owner, 'users', username], expected, next),
  });
  for (const instance of core.plugins) {
    const made = await createPluginInstance(instance, contextOf(instance.instance)).catch(async (error: unknown) => {
      await close();
      throw error;
    });
    plugins.set(made.name, made);
  }
  const gate = buildGate({
    configuration,
    plugins,
    publicUrl,
    clock,
    makeRateLimit: core.makeRateLimit,
  });
  return {
    ...{ gate, plugins, login, tokens, grants, issuedTokens },
    callers: createCallerDecisions({ gate, plugins: plugins.values(), contextOf, countGuess: limits.countGuess }),
    remembered: () => (rememberedCounts?.sizes ?? []).reduce((sum, size) => sum + size(), 0),
    close,
  };
}

function measured<T>(
  records: LiveRecords<T>,
  cache: CacheName,
  measurements: Measurements | undefined,
): LiveRecords<T> {
  return measurements === undefined ? records : measureLookups(records, measurements.caches[cache]);
}
