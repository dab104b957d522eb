import { randomUUID } from 'node:crypto';
import { Kysely, sql } from 'kysely';
import { type Clock, systemClock } from '../domain/clock.ts';
import { GatelodgeError } from '../domain/errors.ts';
import type { Store } from '../domain/store.ts';
import { fileFailure } from '../domain/system-failure.ts';
import { createChangeFeed, lastChange } from './change-feed.ts';
import { migrate } from './migrations.ts';
import { NodeSqliteDialect, openDatabaseFile, openForReading, sqliteError } from './node-sqlite.ts';
import { createApiKeyStore } from './queries-api-keys.ts';
import { createJwthenticatorStore } from './queries-jwthenticator.ts';
import { createRefreshTokenStore, createRevocationStore } from './queries-refresh-tokens.ts';
import { createSessionStore } from './queries-sessions.ts';
import { createSigningKeyStore } from './queries-signing-keys.ts';
import { createUserStore } from './queries-users.ts';
import type { Tables } from './tables.ts';
import { createUnitOfWork } from './unit-of-work.ts';
import { openWriteAheadLog, type WriteAheadLog } from './write-ahead-log.ts';

/**
 * The embedded store. Makes the file and its directory where they are missing and brings the tables up to date; any number
 * of processes may have the same file open. Rejects with `store-unavailable` where the file cannot be used, or belongs to
 * a newer version.
 */
export async function openSqliteStore({
  file,
  clock = systemClock,
  spread = async () => {},
}: {
  readonly file: string;
  readonly clock?: Clock;
  /** Called after each commit that others have to know of, and waited for before the caller is told that it is done. */
  readonly spread?: () => Promise<void>;
}): Promise<Store> {
  try {
    return await openStore(file, clock, spread);
  } catch (error) {
    throw cannotOpen(file, error);
  }
}

/** SQLite's own words (`file is not a database`) hold nothing of what is stored. */
function cannotOpen(file: string, error: unknown): GatelodgeError {
  if (error instanceof GatelodgeError) return error;
  const why = error instanceof Error && 'errstr' in error ? error.errstr : fileFailure(error);
  return new GatelodgeError('store-unavailable', `the database ${file} cannot be opened: ${why}`, { cause: error });
}

async function openStore(file: string, clock: Clock, spread: () => Promise<void>): Promise<Store> {
  const database = await openDatabaseFile(file);
  const db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(database) });
  let reader: Kysely<Tables> | undefined;
  let log: WriteAheadLog | undefined;
  try {
    await migrate(db);
    const writeAheadLog = await openWriteAheadLog(file, database);
    log = writeAheadLog;
    const reading = new Kysely<Tables>({ dialect: new NodeSqliteDialect(openForReading(file)) });
    reader = reading;
    const version = database.prepare('pragma data_version');
    const feed = createChangeFeed({
      db: reading,
      dataVersion: () => Number(version.get()?.['data_version']),
      origin: randomUUID(),
      position: await lastChange(reading),
      clock,
    });
    const work = createUnitOfWork(reading, db, {
      ...{ feed, spread, translate: sqliteError },
      durable: () => writeAheadLog.durable(),
    });
    return {
      users: createUserStore(work),
      sessions: createSessionStore(work),
      apiKeys: createApiKeyStore(work),
      signingKeys: createSigningKeyStore(work),
      refreshTokens: createRefreshTokenStore(work),
      revocations: createRevocationStore(work),
      jwthenticator: createJwthenticatorStore(work),
      changes: feed,
      async ping() {
        // A page of a real table, so that a file that has gone bad is noticed.
        await work.read((users) => sql`select id from users limit 1`.execute(users));
      },
      async close() {
        feed.stop();
        await reading.destroy();
        await db.destroy();
        await writeAheadLog.close();
      },
    };
  } catch (error) {
    await reader?.destroy();
    await db.destroy();
    await log?.close();
    if (database.isOpen) database.close();
    throw error;
  }
}
