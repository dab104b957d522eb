import { createServer, type IncomingMessage, type Server } from 'node:http';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { createPasswords } from '../../src/adapters/passwords.ts';
import { BUILT_IN_OPTIONS } from '../../src/config/plugin-options.ts';
import { configurationSchema } from '../../src/config/schema.ts';
import { buildGate } from '../../src/decision/access.ts';
import type { AuditEvent } from '../../src/domain/audit.ts';
import type { PluginInstance } from '../../src/domain/authentication.ts';
import type { LiveRecords } from '../../src/domain/live.ts';
import type { Passwords } from '../../src/domain/passwords.ts';
import { rateLimitOf } from '../../src/domain/rate-limit.ts';
import { createRateLimits } from '../../src/domain/rate-limits.ts';
import type { Session } from '../../src/domain/session.ts';
import type { Store } from '../../src/domain/store.ts';
import type { User } from '../../src/domain/user.ts';
import { type AccessTokens, createAccessTokens } from '../../src/flows/access-tokens.ts';
import { type ApiKeys, createApiKeys } from '../../src/flows/api-keys.ts';
import { createDirectory, type Directory } from '../../src/flows/directory.ts';
import { createIssuedTokens, type IssuedTokens } from '../../src/flows/issued-tokens.ts';
import { createLiveApiKeys, createLiveSessions } from '../../src/flows/live-records.ts';
import { createLoginLimits } from '../../src/flows/login-limits.ts';
import { createTryLimit } from '../../src/flows/login-tries.ts';
import { createPasswordLogin } from '../../src/flows/password-login.ts';
import { createRevocations } from '../../src/flows/revocations.ts';
import { createSessions, type Sessions } from '../../src/flows/sessions.ts';
import { createSigningKeys, type SigningKeys } from '../../src/flows/signing-keys.ts';
import { createTokenGrants, type TokenGrants } from '../../src/flows/token-grants.ts';
import { tokenStatistics } from '../../src/flows/token-statistics.ts';
import { createCallerDecisions } from '../../src/http/caller-decisions.ts';
import { sessionCookieName } from '../../src/http/cookies.ts';
import { WireHeaderFields } from '../../src/http/header-fields.ts';
import { createPublicApp } from '../../src/http/public.ts';
import type { Endpoint, PublicBindings, PublicConfiguration } from '../../src/http/public-parts.ts';
import type { BuiltInContext } from '../../src/plugins/built-in.ts';
import type { PluginPath } from '../../src/plugins/plugin-api.ts';
import { createPluginInstance } from '../../src/plugins/registry.ts';
import { createAttemptsInMemory } from '../../src/stores/attempts-in-memory.ts';
import { openSqliteStore } from '../../src/stores/sqlite.ts';
import { portOf } from '../support/free-port.ts';
import { tempDir } from '../support/temp-dir.ts';

export const SECRET = 'a secret of more than thirty-two bytes, for tests';
export const PASSWORD = 'correct horse battery staple';
export const START = Date.UTC(2026, 0, 1);

/** The public application with everything real behind it except time. */
export interface PublicStand {
  readonly app: ReturnType<typeof createPublicApp>;
  readonly configuration: PublicConfiguration;
  readonly store: Store;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly liveSessions: LiveRecords<Session>;
  readonly apiKeys: ApiKeys;
  readonly tokens: AccessTokens;
  readonly grants: TokenGrants;
  readonly issuedTokens: IssuedTokens;
  readonly signingKeys: SigningKeys;
  readonly alice: User;
  readonly events: AuditEvent[];
  readonly failures: unknown[];
  /** How often a password was looked at. */
  verifications(): number;
  advance(milliseconds: number): void;
  now(): number;
  /** A request to a path below the origin, as a browser on `public_url` sends it. */
  request(path: string, init?: RequestInit, bindings?: Partial<PublicBindings>): Promise<Response>;
  /** The same on a real socket, for what a client library would tidy up. Closed with the stand. @param port 0 takes any */
  listen(port?: number): Promise<number>;
  close(): Promise<void>;
}

export interface StandOptions {
  readonly configuration?: Record<string, unknown>;
  readonly pluginPaths?: readonly PluginPath[];
  readonly mounted?: readonly Endpoint[];
  /** Stands in for what argon2 does under load or damage. */
  readonly passwords?: (real: Passwords) => Passwords;
  /** Between the store and its users. @param file by which another process would open it */
  readonly store?: (real: Store, file: string) => Store;
  readonly users?: readonly Record<string, unknown>[];
  /** Which are configured, without options. Default: session, token, apikey. */
  readonly plugins?: readonly ('session' | 'token' | 'apikey' | 'basic')[];
  /** As a `data:` URL. */
  readonly logo?: string;
}

export async function publicStand(options: StandOptions = {}): Promise<PublicStand> {
  const directoryPath = await tempDir();
  let now = START;
  const clock = () => now;
  const file = join(directoryPath.path, 'data.sqlite');
  const real = await openSqliteStore({ file, clock });
  const store = options.store?.(real, file) ?? real;
  const parsed = configurationSchema.parse({
    allowed_redirects: ['https://*.example.com'],
    users: options.users ?? [],
    ...options.configuration,
  });
  const configuration: PublicConfiguration = {
    ...parsed,
    public_url: parsed.public_url ?? 'https://auth.example.com/gate',
  };

  const realPasswords = createPasswords(configuration.hashing);
  const passwords = options.passwords?.(realPasswords) ?? realPasswords;
  let verifications = 0;
  const counted: Passwords = {
    hash: (password) => passwords.hash(password),
    verify(hash, password) {
      verifications += 1;
      return passwords.verify(hash, password);
    },
  };
  const passwordHash = await realPasswords.hash(PASSWORD);
  const fields = {
    name: 'Alice A.',
    email: 'alice@example.com',
    roles: ['admin', 'ops'],
    groups: ['staff'],
    networks: [],
  };
  const alice = await real.users.insert('usr_alice', { username: 'alice', passwordHash, ...fields }, now);

  const directory = createDirectory({
    fileUsers: configuration.users,
    store: store.users,
    clock,
    writeFileHash: null,
    readFileHashes: null,
  });
  const [liveSessions, liveApiKeys] = [createLiveSessions(store, clock), createLiveApiKeys(store, clock)];
  const stopFollowing = real.changes.follow((change) => {
    if (change === null || change.kind === 'user') directory.forget(change?.id ?? null);
    if (change === null || change.kind === 'session') liveSessions.forget(change?.id ?? null);
    if (change === null || change.kind === 'api-key') liveApiKeys.forget(change?.id ?? null);
  }, 1_000);

  const events: AuditEvent[] = [];
  const failures: unknown[] = [];
  const audit = (event: AuditEvent) => void events.push(event);
  const limits = createLoginLimits({
    limits: configuration.login_limits,
    attempts: createAttemptsInMemory(clock),
    audit,
    takeTry: createTryLimit(
      configuration.rate_limits.auth === undefined ? null : rateLimitOf(configuration.rate_limits.auth),
      createRateLimits(clock).get,
    ),
    pause: async (milliseconds) => {
      now += milliseconds;
    },
  });
  const login = createPasswordLogin({
    ...{ directory, passwords: counted, limits, audit, catchUp: real.changes.catchUp },
  });
  const sessions = createSessions({
    store: store.sessions,
    directory,
    configuration: configuration.session,
    cache: liveSessions,
    clock,
  });
  const { algorithm, lifetime } = configuration.tokens;
  const signingKeys = createSigningKeys({ store: store.signingKeys, secrets: [SECRET], algorithm, lifetime, clock });
  await signingKeys.ensure();
  const issuer = configuration.public_url;
  const tokens = createAccessTokens({
    ...{ keys: signingKeys, secrets: [SECRET], issuer, audience: issuer, lifetime, clock },
    format: configuration.tokens.format,
  });
  const grants = createTokenGrants({
    ...{ accessTokens: tokens, store: store.refreshTokens, directory, clock, audit },
    refreshLifetime: configuration.tokens.refresh_lifetime,
    takeTry: limits.takeTry,
  });
  const revocations = createRevocations({ store: store.revocations, clock });
  await revocations.reload();
  const apiKeys = createApiKeys({ store: store.apiKeys, clock });
  const issuedTokens = createIssuedTokens({
    ...{ accessTokens: tokens, grants, directory, clock, revocations, store: store.revocations },
    apiKeys,
  });
  const stopRevocations = real.changes.follow((change) => {
    if (change?.kind === 'revocation') revocations.add(change.id);
  }, 1_000);
  const contextOf = (instance: string): BuiltInContext => ({
    ...{ instance, clock, log: () => {}, directory, sessions: liveSessions, apiKeys: liveApiKeys, passwords: counted },
    login: (username, password, address) => login.login({ username, password, address }),
    beginLogin: limits.begin,
    issuedHere: tokens.issuedHere,
    verifyAccessToken: tokens.verifyAccessToken,
    isRevoked: revocations.isRevoked,
    cookieName: sessionCookieName(configuration),
    replaceOwnHash: async () => {},
  });
  const plugins = new Map<string, PluginInstance>();
  for (const type of options.plugins ?? (['session', 'token', 'apikey'] as const)) {
    const instance = { instance: type, type, options: BUILT_IN_OPTIONS[type].parse({}), definition: null };
    plugins.set(type, await createPluginInstance(instance, contextOf(type)));
  }
  const gate = buildGate({ configuration, plugins, publicUrl: new URL(configuration.public_url), clock });
  const callers = createCallerDecisions({
    ...{ gate, plugins: plugins.values(), contextOf, countGuess: limits.countGuess },
  });
  const app = createPublicApp({
    configuration,
    secret: SECRET,
    login,
    sessions,
    ...{ tokens, grants, issuedTokens },
    tokenStatistics: () => tokenStatistics(store.refreshTokens, directory, now),
    countGuess: limits.countGuess,
    signingKeys,
    ...{ apiKeys, directory, callers },
    logo: options.logo ?? null,
    pluginPaths: options.pluginPaths ?? [],
    mounted: options.mounted ?? [],
    clock,
    audit,
    reportFailure: (error) => failures.push(error),
  });
  const servers: Server[] = [];

  return {
    app,
    configuration,
    store: real,
    directory,
    sessions,
    liveSessions,
    apiKeys,
    tokens,
    grants,
    issuedTokens,
    signingKeys,
    alice,
    events,
    failures,
    verifications: () => verifications,
    advance: (milliseconds) => {
      now += milliseconds;
    },
    now: clock,
    async request(path, init, bindings) {
      const request = new Request(`https://auth.example.com${path}`, init);
      return app.fetch(request, { clientAddress: '192.0.2.1', ...bindings });
    },
    async listen(port = 0) {
      const listener = getRequestListener(
        (request, env) => {
          // Over HTTP/1.1 node-server's bindings hold Node's own message.
          const { incoming } = env as { incoming: IncomingMessage };
          const fields = new WireHeaderFields(incoming.rawHeaders);
          return app.fetch(request, { clientAddress: '192.0.2.1', target: incoming.url ?? '/', fields });
        },
        { overrideGlobalObjects: false },
      );
      const server = createServer(listener);
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      return portOf(server.address());
    },
    async close() {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
      stopFollowing();
      stopRevocations();
      await real.close();
      await directoryPath.remove();
    },
  };
}
