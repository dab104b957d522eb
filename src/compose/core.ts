import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createLog, type Log, type OpenShipper } from '../adapters/log.ts';
import { classifyPassword, createPasswords } from '../adapters/passwords.ts';
import { ensureDataDir, loadOrCreateSecret } from '../config/data-dir.ts';
import { loadConfiguration } from '../config/load.ts';
import type { PluginInstanceConfiguration } from '../config/plugin-instances.ts';
import type { Configuration } from '../config/schema.ts';
import type { ApiKey } from '../domain/api-key.ts';
import { type Clock, systemClock } from '../domain/clock.ts';
import type { LiveRecords } from '../domain/live.ts';
import type { AttemptStore } from '../domain/login-attempts.ts';
import type { Measurements } from '../domain/measurements.ts';
import type { Passwords } from '../domain/passwords.ts';
import { type MakeRateLimit, rateLimitOf } from '../domain/rate-limit.ts';
import { createRateLimits } from '../domain/rate-limits.ts';
import { deriveKey } from '../domain/secret.ts';
import type { Session } from '../domain/session.ts';
import type { Store } from '../domain/store.ts';
import { createDirectory, type Directory } from '../flows/directory.ts';
import { createIdentityKeys, type IdentityKeys } from '../flows/identity-keys.ts';
import { createLiveApiKeys, createLiveSessions } from '../flows/live-records.ts';
import { createLoginLimits, type LoginLimits } from '../flows/login-limits.ts';
import { createTryLimit } from '../flows/login-tries.ts';
import { createRevocations, type Revocations } from '../flows/revocations.ts';
import { createSessions, type Sessions } from '../flows/sessions.ts';
import { createSigningKeys, type SigningKeys } from '../flows/signing-keys.ts';
import { measurePasswords } from '../measure.ts';
import { createAttemptsInMemory } from '../stores/attempts-in-memory.ts';
import { openSqliteStore } from '../stores/sqlite.ts';
import { writeHash } from './written-hashes.ts';

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

export const databaseFileOf = ({ data_dir }: Configuration): string => join(data_dir, 'gatelodge.db');

/** Opens the data of a configuration that was found sound. @throws GatelodgeError `configuration-invalid`, `store-unavailable` */
export async function openCore(parts: CoreParts): Promise<Core> {
  const { file, configuration, plugins, clock = systemClock, measurements } = parts;
  const { attempts = createAttemptsInMemory(clock), makeRateLimit = createRateLimits(clock).get, spread } = parts;
  ensureDataDir(configuration.data_dir);
  const secret = configuration.secret ?? loadOrCreateSecret(configuration.data_dir);
  const log = createLog(configuration.log, deriveKey(secret, 'log'), await shipperOf(configuration, measurements));
  const store = await openSqliteStore({
    ...{ file: databaseFileOf(configuration), clock },
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
  const { createLokiSender } = await import('../adapters/loki.ts');
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

/** Makes the first keys where there are none yet, and loads what there is. @throws GatelodgeError `configuration-invalid`, `store-unavailable` */
export async function ensureKeys({ signingKeys, identityKeys }: Core): Promise<void> {
  await signingKeys.ensure();
  await identityKeys?.ensure();
}
