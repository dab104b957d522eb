import { join } from 'node:path';
import { createPasswords } from '../../src/adapters/passwords.ts';
import { configurationSchema } from '../../src/config/schema.ts';
import type { AuthenticationPlugin, AuthenticationResult } from '../../src/domain/authentication.ts';
import type { AttemptStore } from '../../src/domain/login-attempts.ts';
import type { Passwords } from '../../src/domain/passwords.ts';
import type { Store } from '../../src/domain/store.ts';
import type { User, UserFields } from '../../src/domain/user.ts';
import { type AccessTokens, createAccessTokens } from '../../src/flows/access-tokens.ts';
import { createDirectory, type Directory } from '../../src/flows/directory.ts';
import { createLiveApiKeys, createLiveSessions } from '../../src/flows/live-records.ts';
import { createLoginLimits } from '../../src/flows/login-limits.ts';
import { createPasswordLogin } from '../../src/flows/password-login.ts';
import { createRevocations } from '../../src/flows/revocations.ts';
import { createSessions, type Sessions } from '../../src/flows/sessions.ts';
import { createSigningKeys, type SigningKeys } from '../../src/flows/signing-keys.ts';
import type { BuiltInContext } from '../../src/plugins/built-in.ts';
import { openSqliteStore } from '../../src/stores/sqlite.ts';
import { type Asked, asked } from '../decision/asking.ts';
import { tempDir } from '../support/temp-dir.ts';

export const START = Date.UTC(2026, 0, 1);
export const PASSWORD = 'correct horse battery staple';

/** Everything real behind the plugins, except time. */
export interface PluginStand {
  readonly directoryPath: string;
  readonly store: Store;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly signingKeys: SigningKeys;
  readonly tokens: AccessTokens;
  readonly logged: string[];
  context(instance: string): BuiltInContext;
  /** A user with PASSWORD, unless a hash or null is given. */
  addUser(username: string, fields?: Partial<UserFields>): Promise<User>;
  /** How often a password was compared. */
  verifications(): number;
  advance(milliseconds: number): void;
  now(): number;
  close(): Promise<void>;
}

export async function pluginStand({ hashing = { concurrency: 2, queue: 200 } } = {}): Promise<PluginStand> {
  const temporary = await tempDir();
  let now = START;
  const clock = () => now;
  const store = await openSqliteStore({ file: join(temporary.path, 'data.db'), clock });
  const configuration = configurationSchema.parse({});
  const real = createPasswords(hashing);
  let verifications = 0;
  const passwords: Passwords = {
    hash: (password) => real.hash(password),
    verify(hash, password) {
      verifications += 1;
      return real.verify(hash, password);
    },
  };
  const hash = await real.hash(PASSWORD);
  const directory = createDirectory({
    fileUsers: [],
    store: store.users,
    clock,
    writeFileHash: null,
    readFileHashes: null,
  });
  const liveSessions = createLiveSessions(store, clock);
  const liveApiKeys = createLiveApiKeys(store, clock);
  const revocations = createRevocations({ store: store.revocations, clock });
  await revocations.reload();
  const stopFollowing = store.changes.follow((change) => {
    directory.forget(change?.kind === 'user' ? change.id : null);
    if (change === null || change.kind === 'session') liveSessions.forget(change?.id ?? null);
    if (change === null || change.kind === 'api-key') liveApiKeys.forget(change?.id ?? null);
    if (change?.kind === 'revocation') revocations.add(change.id);
  }, 1_000);
  // How failures are counted has tests of its own; here every guess is judged.
  const attempts: AttemptStore = { begin: () => ({ kind: 'begun', wait: 0 }), end: () => [], forget: () => false };
  const limits = createLoginLimits({ limits: configuration.login_limits, attempts, audit: () => {} });
  const login = createPasswordLogin({ directory, passwords, limits, audit: () => {}, catchUp: store.changes.catchUp });
  const sessions = createSessions({
    store: store.sessions,
    directory,
    configuration: configuration.session,
    cache: liveSessions,
    clock,
  });
  const signingKeys = createSigningKeys({
    store: store.signingKeys,
    secrets: ['x'.repeat(32)],
    algorithm: 'ES256',
    lifetime: 3_600_000,
    clock,
  });
  await signingKeys.ensure();
  const tokens = createAccessTokens({
    keys: signingKeys,
    secrets: ['x'.repeat(32)],
    issuer: 'https://auth.example.com',
    audience: 'https://auth.example.com',
    lifetime: 3_600_000,
    clock,
  });
  const logged: string[] = [];
  return {
    directoryPath: temporary.path,
    ...{ store, directory, sessions, signingKeys, tokens, logged },
    context: (instance) => ({
      ...{
        instance,
        clock,
        directory,
        passwords,
        sessions: liveSessions,
        apiKeys: liveApiKeys,
        cookieName: 'gatelodge',
      },
      log: (level, message, detail) => void logged.push(`${level} ${message} ${JSON.stringify(detail ?? {})}`),
      login: (username, password, address) => login.login({ username, password, address }),
      beginLogin: limits.begin,
      issuedHere: tokens.issuedHere,
      verifyAccessToken: tokens.verifyAccessToken,
      isRevoked: revocations.isRevoked,
      replaceOwnHash: async () => {},
    }),
    addUser: (username, fields = {}) =>
      store.users.insert(
        `usr_${username}`,
        { username, name: '', email: '', roles: [], groups: [], networks: [], passwordHash: hash, ...fields },
        now,
      ),
    verifications: () => verifications,
    advance: (milliseconds) => {
      now += milliseconds;
    },
    now: clock,
    async close() {
      stopFollowing();
      await store.close();
      await temporary.remove();
    },
  };
}

/** What a plugin says of a request with these header fields, in short: a user name, or why not. */
export async function says(
  plugin: AuthenticationPlugin,
  headers: readonly string[],
  how: Omit<Asked, 'headers'> = {},
): Promise<string> {
  return short(await plugin.authenticate(asked('/', { ...how, headers })));
}

export function short(result: AuthenticationResult): string {
  if (result.kind === 'authenticated') return result.identity.username;
  return result.kind === 'rejected' ? `${result.reason}${result.stale ? ' stale' : ''}` : result.kind;
}

export function basic(username: string, password: string): string[] {
  return ['authorization', `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`];
}
