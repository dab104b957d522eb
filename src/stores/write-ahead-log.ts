import { open } from 'node:fs/promises';
import type { DatabaseSync } from 'node:sqlite';

/** The file into which SQLite writes before anything else, and which alone has to reach the disk for a commit to last. */
export interface WriteAheadLog {
  /** Resolves when everything committed before the call survives a power cut. Rejects, then and ever after, where the disk failed. */
  durable(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Waits for the disk in SQLite's stead. SQLite can do that only with the whole thread, and a disk takes from a fraction of a
 * millisecond to many: each login would hold up every check. So `synchronous = normal` leaves it out of the commit
 * (sqlite.org/pragma.html#pragma_synchronous), and the same `fsync` of the same file is called off the event loop, before
 * anybody is told that it is done. Commits that wait at the same time share one. What a checkpoint moves into the database
 * SQLite still syncs by itself, before and after.
 *
 * The file is there as long as a connection is: the last one takes it away. SQLite holds no lock on it that closing it here
 * would lose (sqlite.org/howtocorrupt.html, section 2.2, speaks of the database itself).
 */
export async function openWriteAheadLog(file: string, database: DatabaseSync): Promise<WriteAheadLog> {
  // Windows flushes nothing through a handle that cannot write.
  const handle = await open(`${file}-wal`, 'r+');
  database.exec('pragma synchronous = normal');
  return {
    durable: shared(() => handle.datasync()),
    close: () => handle.close(),
  };
}

/**
 * Runs what takes a while for all who ask at once. Who asks while it runs waits for the next run: this one may have begun
 * before what they mean. After a failure it is not tried again, since a kernel that could not write a page may have dropped it,
 * and call the next attempt a success.
 */
export function shared(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const start = (): Promise<void> => {
    next = null;
    const begun = run();
    running = begun;
    begun.then(
      () => {
        if (running === begun) running = null;
      },
      // Stays, and with it the failure.
      () => undefined,
    );
    return begun;
  };
  return () => {
    if (running === null) return start();
    next ??= running.then(start);
    return next;
  };
}
