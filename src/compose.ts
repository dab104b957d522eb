import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { createLog, type Log, type OpenShipper } from './adapters/log.ts';
import { classifyPassword, createPasswords } from './adapters/passwords.ts';
import { ensureDataDir, loadOrCreateSecret } from './config/data-dir.ts';
import { replaceHtpasswdEntry } from './config/htpasswd.ts';
import { loadConfiguration } from './config/load.ts';
import { readLogo } from './config/logo.ts';
import type { PluginInstanceConfiguration } from './config/plugin-instances.ts';
import type { Configuration } from './config/schema.ts';
import { replaceScalars } from './config/write-back.ts';
import { buildGate, type Gate } from './decision/access.ts';
import type { ApiKey } from './domain/api-key.ts';
import type { PluginInstance } from './domain/authentication.ts';
import { type Clock, systemClock } from './domain/clock.ts';
import { GatelodgeError } from './domain/errors.ts';
import type { Identity } from './domain/identity.ts';
import type { LiveRecords } from './domain/live.ts';
import type { AttemptStore, BeginLogin } from './domain/login-attempts.ts';
import type { CacheName, Measurements } from './domain/measurements.ts';
import { networkSet } from './domain/network.ts';
import type { Passwords } from './domain/passwords.ts';
import { type MakeRateLimit, rateLimitOf } from './domain/rate-limit.ts';
import { createRateLimits } from './domain/rate-limits.ts';
import { deriveKey } from './domain/secret.ts';
import type { Session } from './domain/session.ts';
import type { Change, Store } from './domain/store.ts';
import { type AccessTokens, createAccessTokens } from './flows/access-tokens.ts';
import { createApiKeys } from './flows/api-keys.ts';
import { createDirectory, type Directory } from './flows/directory.ts';
import { createIdentityKeys, type IdentityKeys } from './flows/identity-keys.ts';
import { createIdentityTokens, type IdentityTokens } from './flows/identity-tokens.ts';
import { createIssuedTokens, type IssuedTokens } from './flows/issued-tokens.ts';
import { createLiveApiKeys, createLiveSessions } from './flows/live-records.ts';
import { createLoginLimits, type LoginLimits } from './flows/login-limits.ts';
import { createTryLimit } from './flows/login-tries.ts';
import { createPasswordLogin, type PasswordLogin } from './flows/password-login.ts';
import { createRevocations, type Revocations } from './flows/revocations.ts';
import { createSessions, type Sessions } from './flows/sessions.ts';
import { createSigningKeys, type SigningKeys } from './flows/signing-keys.ts';
import { createTokenGrants, type TokenGrants } from './flows/token-grants.ts';
import { tokenStatistics } from './flows/token-statistics.ts';
import { type CallerDecisions, createCallerDecisions } from './http/caller-decisions.ts';
import { sessionCookieName } from './http/cookies.ts';
import { createDecisionEndpoint } from './http/decision-endpoint.ts';
import { recordDecisions } from './http/decision-log.ts';
import { isDirectCall, isFromPage } from './http/direct-caller.ts';
import { WireHeaderFields } from './http/header-fields.ts';
import { compileIdentityHeaders } from './http/identity-headers.ts';
import { createInternalApp } from './http/internal.ts';
import type { Handlers } from './http/listener.ts';
import { createClientAddresses, createPeers, type Peer } from './http/peer.ts';
import { createPublicApp } from './http/public.ts';
import type { PublicBindings } from './http/public-parts.ts';
import { createRefusals } from './http/refusals.ts';
import { createRenderer } from './http/render.ts';
import { measureAttempts, measureLogins, measureLookups, measurePasswords } from './measure.ts';
import type { Mounts } from './mounts.ts';
import type { BuiltInContext } from './plugins/built-in.ts';
import { makeIdentity } from './plugins/plugin-api.ts';
import { createPluginInstance } from './plugins/registry.ts';
import type { RememberedCounts } from './plugins/remembered.ts';
import { createAttemptsInMemory } from './stores/attempts-in-memory.ts';
import { openSqliteStore } from './stores/sqlite.ts';

/** What the service and the commands share: the data, the directory and the keys. */
export interface Core {
  readonly file: string;
  readonly configuration: Configuration;
  readonly plugins: readonly PluginInstanceConfiguration[];
  readonly secret: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
  readonly passwords: Passwords;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly liveSessions: LiveRecords<Session>;
  readonly liveApiKeys: LiveRecords<ApiKey>;
  readonly signingKeys: SigningKeys;
  /** What signs identity JWTs; null where they are off. */
  readonly identityKeys: IdentityKeys | null;
  readonly revocations: Revocations;
  readonly attempts: AttemptStore;
  readonly makeRateLimit: MakeRateLimit;
  readonly loginLimits: LoginLimits;
  /** What is counted; undefined where nothing is. */
  readonly measurements: Measurements | undefined;
  /** @param deadline for what is sent on to other machines, in ms */
  close(deadline?: number): Promise<void>;
}

/** How long log lines may take on their way to another machine when nobody said how long, in ms. */
const CLOSING = 2_000;

export interface CoreParts {
  readonly file: string;
  readonly configuration: Configuration;
  readonly plugins: readonly PluginInstanceConfiguration[];
  readonly clock?: Clock;
  /** Failed logins that were counted before, when a configuration takes the place of another. */
  readonly attempts?: AttemptStore;
  readonly measurements?: Measurements;
  /** Limits that go on when a configuration takes the place of another. Default: this one's own. */
  readonly makeRateLimit?: MakeRateLimit;
  /** Resolves when all other processes know of what was committed; see openSqliteStore. */
  readonly spread?: () => Promise<void>;
}

/** Opens the data of a configuration that was found sound. @throws GatelodgeError `configuration-invalid`, `store-unavailable` */
export async function openCore(parts: CoreParts): Promise<Core> {
  const { file, configuration, plugins, clock = systemClock, measurements } = parts;
  const { attempts = createAttemptsInMemory(clock), makeRateLimit = createRateLimits(clock).get, spread } = parts;
  ensureDataDir(configuration.data_dir);
  const secret = configuration.secret ?? loadOrCreateSecret(configuration.data_dir);
  const log = createLog(configuration.log, deriveKey(secret, 'log'), await shipperOf(configuration, measurements));
  const store = await openSqliteStore({
    ...{ file: join(configuration.data_dir, 'gatelodge.db'), clock },
    ...(spread === undefined ? {} : { spread }),
  });
  const hashing = createPasswords({ ...configuration.hashing, concurrency: hashingPlaces(configuration) });
  const passwords = measurements === undefined ? hashing : measurePasswords(hashing, measurements);
  let readVersion = versionOf(file);
  const directory = createDirectory({
    fileUsers: configuration.users,
    store: store.users,
    clock,
    writeFileHash: (username, expected, value) =>
      writeHash(
        file,
        ['users', configuration.users.findIndex((user) => user.username === username), 'password'],
        expected,
        value,
      ),
    async readFileHashes() {
      // A lock is a change of a user too, and leaves the file as it was: reading a large one would hold up every check.
      const version = versionOf(file);
      if (version !== null && version === readVersion) return new Map();
      const { configuration: present } = await loadConfiguration({ file, env: process.env });
      const hashes = present?.users.flatMap(({ username, password }) =>
        password === undefined ? [] : [[username, password] as const],
      );
      if (hashes !== undefined) readVersion = version;
      return hashes === undefined
        ? null
        : new Map(hashes.filter(([, password]) => classifyPassword(password).kind !== 'plain'));
    },
  });
  const liveSessions = createLiveSessions(store, clock);
  const sessions = createSessions({
    store: store.sessions,
    directory,
    configuration: configuration.session,
    cache: liveSessions,
    clock,
  });
  const { algorithm, lifetime } = configuration.tokens;
  const { auth } = configuration.rate_limits;
  return {
    ...{ file, configuration, plugins, secret, clock, log, store, passwords, directory, sessions, liveSessions },
    liveApiKeys: createLiveApiKeys(store, clock),
    signingKeys: createSigningKeys({
      ...{ store: store.signingKeys, algorithm, lifetime, clock },
      secrets: [secret, ...configuration.previous_secrets],
    }),
    identityKeys: createIdentityKeys({
      configuration: configuration.identity_jwt,
      secrets: [secret, ...configuration.previous_secrets],
      ...{ store: store.signingKeys, clock },
    }),
    revocations: createRevocations({ store: store.revocations, clock }),
    attempts,
    measurements,
    makeRateLimit,
    loginLimits: createLoginLimits({
      limits: configuration.login_limits,
      ...{ attempts, audit: log.audit },
      takeTry: createTryLimit(auth === undefined ? null : rateLimitOf(auth), makeRateLimit),
    }),
    async close(deadline = CLOSING) {
      await store.close();
      await log.close(deadline);
    },
  };
}

/** Loaded where it is configured, and nowhere else. */
async function shipperOf(
  { log: { loki } }: Configuration,
  measurements: Measurements | undefined,
): Promise<OpenShipper | undefined> {
  if (loki === undefined) return undefined;
  const { createLokiSender } = await import('./adapters/loki.ts');
  const target = typeof loki === 'string' ? { url: loki, labels: {} } : loki;
  const counts = measurements === undefined ? {} : { counts: measurements.loki };
  return (report) => createLokiSender({ target, report, ...counts });
}

/** Passwords hashed at once: never more than there are processors, or checks would wait behind several of them. */
export function hashingPlaces({ hashing }: Configuration): number {
  return Math.min(hashing.concurrency, availableParallelism());
}

/** What tells one state of a file from another; null where there is no file. */
function versionOf(file: string): string | null {
  const facts = statSync(file, { throwIfNoEntry: false });
  return facts === undefined ? null : `${facts.ino} ${facts.size} ${facts.mtimeMs}`;
}

async function writeHash(
  file: string,
  path: readonly (string | number)[],
  expected: string,
  value: string,
): Promise<void> {
  const { outcome, skipped } = replaceScalars(file, [{ path: [...path], expected, value }]);
  if (outcome !== 'written' || skipped.length > 0)
    throw new GatelodgeError('conflict', 'the configuration file cannot be written');
}

/** Makes the first keys where there are none yet, and loads what there is. @throws GatelodgeError `configuration-invalid`, `store-unavailable` */
export async function ensureKeys({ signingKeys, identityKeys }: Core): Promise<void> {
  await signingKeys.ensure();
  await identityKeys?.ensure();
}

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
  const unmeasured = createPasswordLogin({ directory, passwords, limits, audit: log.audit });
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
    async close() {
      for (const { plugin } of plugins.values()) await plugin.close?.();
    },
  };
}

function measured<T>(
  records: LiveRecords<T>,
  cache: CacheName,
  measurements: Measurements | undefined,
): LiveRecords<T> {
  return measurements === undefined ? records : measureLookups(records, measurements.caches[cache]);
}

async function writeHtpasswd(file: string, username: string, expected: string, next: string): Promise<void> {
  if (replaceHtpasswdEntry(file, username, expected, next) !== 'written')
    throw new GatelodgeError('conflict', 'the htpasswd file cannot be written');
}

/** What answers requests, from the core, the decider and what is mounted. */
export function createHandlers(core: Core, decider: Decider, publicUrl: URL, mounts: Mounts): Handlers {
  const { configuration, log, clock, secret, sessions, signingKeys, identityKeys, store, measurements } = core;
  const { plugins, gate, login, tokens, grants, issuedTokens, callers } = decider;
  const trusted = networkSet(configuration.trusted_proxies);
  const clientAddressOf = createClientAddresses(trusted);
  const reportFailure = (error: unknown) => log.write('error', 'request.failed', failureDetail(error));
  const base = publicUrl.href.replace(/\/$/, '');
  const identityHeaders = compileIdentityHeaders(
    configuration.identity_headers,
    [...plugins.values()].map(({ plugin }) => plugin.identityHeaders ?? {}),
  );
  const { user: nobody, roles } = configuration.anonymous;
  const anonymous =
    nobody === '' && roles.length === 0 ? null : makeIdentity({ subject: '', username: nobody, roles, methods: [] });
  const identityTokens = identityTokensOf(core, base, anonymous);
  const app = createPublicApp({
    configuration: { ...configuration, public_url: base },
    ...{ secret, login, sessions, tokens, grants, issuedTokens, clock, callers },
    tokenStatistics: () => tokenStatistics(store.refreshTokens, core.directory, clock()),
    countGuess: core.loginLimits.countGuess,
    apiKeys: createApiKeys({ store: store.apiKeys, clock }),
    directory: core.directory,
    signingKeys: {
      publicJwks: () => ({
        keys: [signingKeys, identityKeys].flatMap((keys) => keys?.publicJwks().keys ?? []),
      }),
    },
    logo: logoOf(configuration),
    pluginPaths: [...plugins.values()].flatMap(({ plugin }) => plugin.paths ?? []),
    mounted: mounts.public,
    audit: log.audit,
    reportFailure,
  });
  const internalApp =
    mounts.internal.length === 0
      ? null
      : createInternalApp({ base: publicUrl.pathname.replace(/\/+$/, ''), endpoints: mounts.internal, reportFailure });
  const answerWith = (hono: typeof app, bindings: PublicBindings, requestId: string) =>
    getRequestListener(
      async (request) => {
        const response = await hono.fetch(request, bindings);
        response.headers.set('X-Request-Id', requestId);
        return response;
      },
      { overrideGlobalObjects: false },
    );
  return {
    peerOf: createPeers(trusted),
    decisions: createDecisionEndpoint({
      gate,
      frontServer: configuration.front_server,
      publicScheme: publicUrl.protocol === 'http:' ? 'http' : 'https',
      clientAddressOf,
      render: createRenderer({
        ...{ identityHeaders, anonymous, loginUrl: `${base}/login` },
        refusals: createRefusals({
          name: configuration.branding.name,
          publicUrl: base,
          login: [...plugins.values()].some(({ plugin }) => plugin.login === true),
        }),
      }),
      onDecision: recordDecisions(log),
      ...(identityTokens === null ? {} : { identityTokens }),
      countGuess: core.loginLimits.countGuess,
      ...(measurements === undefined ? {} : { measure: measurements.countDecision }),
    }),
    publicPart(message, response, peer: Peer, requestId) {
      const fields = new WireHeaderFields(message.rawHeaders);
      const { rawHeaders, httpVersion, url = '/' } = message;
      const internal = isDirectCall({ peer, headers: fields, rawHeaders, httpVersion });
      const bindings = { clientAddress: clientAddressOf(peer, fields), target: url, fields, internal };
      log.withRequestId(requestId, () => void answerWith(app, bindings, requestId)(message, response));
    },
    ...(internalApp === null
      ? {}
      : {
          internalPart(message, response, peer, requestId) {
            const fields = new WireHeaderFields(message.rawHeaders);
            const bindings = {
              clientAddress: peer.address,
              target: message.url ?? '/',
              fields,
              internal: !isFromPage(fields),
            };
            log.withRequestId(requestId, () => void answerWith(internalApp, bindings, requestId)(message, response));
          },
        }),
    async missing() {
      try {
        await store.ping();
        return [];
      } catch {
        return ['storage'];
      }
    },
  };
}

/** null where they are off. @param base the default of their issuer */
function identityTokensOf(core: Core, base: string, anonymous: Identity | null): IdentityTokens | null {
  const { identityKeys: keys, log, clock } = core;
  const { identity_jwt: configuration } = core.configuration;
  if (keys === null) return null;
  return createIdentityTokens({
    ...{ configuration, keys, anonymous, clock },
    issuer: configuration.issuer ?? base,
    onLarge: (length) => log.write('warn', 'identity-jwt.large', { length, message: LARGE_TOKEN }),
  });
}

const LARGE_TOKEN =
  'applications with default limits may refuse a request that carries it twice: somebody has many roles';

/** Read once, at the start. @throws GatelodgeError `configuration-invalid` where the file has changed since it was checked */
function logoOf({ branding }: Configuration): string | null {
  if (branding.logo === undefined) return null;
  const { dataUrl, why } = readLogo(branding.logo);
  if (dataUrl === null) throw new GatelodgeError('configuration-invalid', `the logo cannot be used (${why})`);
  return dataUrl;
}

/** What of an error may be logged: its kind, code and place, never a message that might quote what somebody sent. */
export function failureDetail(error: unknown): Record<string, unknown> {
  const chain: unknown[] = [];
  for (let at: unknown = error; at instanceof Error && chain.length < 4; at = at.cause) {
    chain.push({
      name: at.name,
      code: 'code' in at ? at.code : undefined,
      at: at.stack?.split('\n').slice(1, 4).join(' ').replace(/\s+/g, ' '),
    });
  }
  return { error: chain };
}

/** Lets caches go of what was changed, here or by another process. */
export function applyChange(core: Core, change: Change | null): void {
  const { directory, liveSessions, liveApiKeys, signingKeys, identityKeys, revocations, loginLimits, log } = core;
  if (change === null || change.kind === 'user') directory.forget(change?.id ?? null);
  if (change?.kind === 'login-attempts') {
    Promise.resolve(directory.byId(change.id))
      .then((user) => (user === null ? undefined : loginLimits.forget(user.username)))
      .catch((error: unknown) => log.write('error', 'login-limits.forget-failed', failureDetail(error)));
  }
  if (change === null || change.kind === 'session') liveSessions.forget(change?.id ?? null);
  if (change === null || change.kind === 'api-key') liveApiKeys.forget(change?.id ?? null);
  if (change?.kind === 'revocation') revocations.add(change.id);
  if (change === null) {
    revocations
      .reload()
      .catch((error: unknown) => log.write('error', 'revocations.reload-failed', failureDetail(error)));
  }
  if (change === null || change.kind === 'signing-key') {
    for (const keys of [signingKeys, identityKeys])
      keys?.reload().catch((error: unknown) => log.write('error', 'signing-keys.reload-failed', failureDetail(error)));
  }
}
