import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { type Driver, SqliteAdapter, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';
import { GatelodgeError } from '../domain/errors.ts';

/** How long a write waits for another process's write, in ms. */
const BUSY_TIMEOUT = 5_000;
const RETRY = 5;
const SQLITE_BUSY = 5;
/** Primary key and unique constraint (sqlite3.h, extended result codes). */
const UNIQUE_VIOLATIONS = [1_555, 2_067];
/** More than all queries of the program; only batches of unusual size ever push one out. */
const CACHED_STATEMENTS = 100;

/**
 * Opens the file, made with mode 0600 in a directory of mode 0700. Every commit waits for the disk, with the whole process,
 * as long as nobody else sees to that. Rejects with what the driver or the file system throws.
 */
export async function openDatabaseFile(file: string): Promise<DatabaseSync> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  makeFile(file);
  const facts = statSync(file);
  if (facts.isFile() && (facts.mode & 0o077) !== 0) chmodSync(file, 0o600);
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT });
  try {
    await useWriteAheadLog(database);
    // FULL: what was acknowledged survives a power cut as well, not only the end of the process.
    database.exec('pragma synchronous = full; pragma foreign_keys = on; pragma trusted_schema = off');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * SQLite would make it readable for everybody; its -wal and -shm files take over the mode that they find here. A file that is
 * there is left alone: to close it would take away the locks of every connection that this process has to it already, as a
 * reload has (sqlite.org/howtocorrupt.html section 2.2), and another process would remove the write-ahead log below them.
 */
function makeFile(file: string): void {
  try {
    closeSync(openSync(file, 'ax', 0o600));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/**
 * A second connection to an open file, for reading alone. A write that waits for another process's write holds its own
 * connection; in a write-ahead log nobody who reads has to wait for that, and a check reads.
 */
export function openForReading(file: string): DatabaseSync {
  return new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT });
}

/** Where two processes change the journal's mode at once, SQLite fails without waiting for its busy timeout. */
async function useWriteAheadLog(database: DatabaseSync): Promise<void> {
  const patience = performance.now() + BUSY_TIMEOUT;
  for (;;) {
    try {
      database.exec('pragma journal_mode = wal');
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > patience) throw error;
      await setTimeout(RETRY);
    }
  }
}

/** Kysely's SQLite dialect on node:sqlite. */
export class NodeSqliteDialect extends SqliteDialect {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    super({ database: withStatementCache(database) });
    this.#database = database;
  }

  override createDriver(): Driver {
    const driver = super.createDriver();
    driver.beginTransaction = () => beginImmediate(this.#database);
    return driver;
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter();
  }
}

/**
 * Takes the write lock at the beginning: a transaction that reads first and writes later fails at once where another
 * process committed in between (SQLITE_BUSY_SNAPSHOT). SQLite itself would sleep for the lock and stop the event loop,
 * so the waiting is done here.
 */
async function beginImmediate(database: DatabaseSync): Promise<void> {
  const patience = performance.now() + BUSY_TIMEOUT;
  for (;;) {
    database.exec('pragma busy_timeout = 0');
    try {
      database.exec('begin immediate');
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > patience) throw error;
    } finally {
      database.exec(`pragma busy_timeout = ${BUSY_TIMEOUT}`);
    }
    await setTimeout(RETRY);
  }
}

/** SQLite's DDL is transactional. Saying so makes the migrator run in one `begin immediate`, so that two processes take turns. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

function withStatementCache(database: DatabaseSync): SqliteDatabase {
  const cache = new Map<string, SqliteStatement>();
  return {
    close: () => database.close(),
    prepare(sql) {
      const known = cache.get(sql);
      if (known !== undefined) return known;
      const statement = adapt(database.prepare(sql));
      const oldest = cache.size < CACHED_STATEMENTS ? undefined : cache.keys().next().value;
      if (oldest !== undefined) cache.delete(oldest);
      cache.set(sql, statement);
      return statement;
    },
  };
}

function adapt(statement: StatementSync): SqliteStatement {
  // Kysely passes parameters as unknown; the tables' types admit only what SQLite can bind, which throws on anything else.
  const values = (parameters: readonly unknown[]) => parameters as readonly SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  };
}

/** The one way in which a failure of the driver leaves a store: `already-exists` or `store-unavailable`, with its cause. */
export function sqliteError(error: unknown): GatelodgeError {
  if (error instanceof GatelodgeError) return error;
  if (UNIQUE_VIOLATIONS.includes(sqliteCode(error)))
    return new GatelodgeError('already-exists', 'it exists already', { cause: error });
  return new GatelodgeError('store-unavailable', 'the database does not answer', { cause: error });
}

/** Every kind of busy: the extended codes have their own upper bits. */
function isBusy(error: unknown): boolean {
  return (sqliteCode(error) & 0xff) === SQLITE_BUSY;
}

function sqliteCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0;
}
