import type { Kysely, Transaction } from 'kysely';
import type { Clock } from '../domain/clock.ts';
import type { Change, ChangeFeed } from '../domain/store.ts';
import type { Tables } from './tables.ts';

const KEPT = 3_600_000;
const TRIM_EVERY = 600_000;
/** Beyond so many at once it is cheaper to let go of everything. */
const MOST_AT_ONCE = 1_000;

type Listener = (change: Change | null) => void;

export interface RecordedChangeFeed extends ChangeFeed {
  /** Writes changes down inside the transaction that makes them. */
  record(db: Transaction<Tables>, changes: readonly Change[]): Promise<void>;
  /** Tells this store's own listeners, once the transaction is committed. */
  tell(changes: readonly Change[]): void;
  stop(): void;
}

export interface ChangeFeedParts {
  readonly db: Kysely<Tables>;
  /** A number that moves whenever somebody else has committed; cheap enough to ask for at every tick. */
  readonly dataVersion: () => number;
  /** This store's name among all that write to the database. */
  readonly origin: string;
  /** The last change there was when the store was opened: nothing after it is missed, however late `follow` comes. */
  readonly position: number;
  readonly clock: Clock;
}

/**
 * The feed on a table of changes. Listeners must not throw. Where the table cannot be read, `null` is told at every tick:
 * nobody may go on trusting what may have been revoked.
 */
export function createChangeFeed({ db, dataVersion, origin, position, clock }: ChangeFeedParts): RecordedChangeFeed {
  const listeners = new Set<{
    readonly listener: Listener;
    readonly catchUp: () => Promise<void>;
    readonly stop: () => void;
  }>();
  let trimmedAt = Number.NEGATIVE_INFINITY;

  function follow(listener: Listener, interval: number): () => void {
    let seen = position;
    let version: number | null = null;
    let readAt = 0;
    let reading: Promise<void> | null = null;
    let stopped = false;

    async function poll(): Promise<void> {
      const now = clock();
      const current = dataVersion();
      // This store's own changes do not move the version; reading now and then keeps `seen` ahead of trimming.
      if (current === version && Math.abs(now - readAt) < TRIM_EVERY) return;
      const news = await readAfter(db, seen);
      if (stopped) return;
      // Only now, and to what it was before reading: a commit in between, or a failure, is seen at the next tick.
      version = current;
      readAt = now;
      seen = news.seen;
      if (news.changes === null) listener(null);
      else
        for (const change of news.changes)
          if (change.origin !== origin) listener({ kind: change.kind, id: change.entity_id });
    }

    function tick(): Promise<void> {
      reading ??= poll()
        .catch(() => {
          if (!stopped) listener(null);
        })
        .finally(() => {
          reading = null;
        });
      return reading;
    }

    // Twice as often as promised, so that reading and a late timer still keep the promise.
    const timer = setInterval(() => void tick(), interval / 2).unref();
    const entry = {
      listener,
      async catchUp() {
        // What is being read just now may have begun before the change that somebody waits for.
        await reading;
        await tick();
      },
      stop() {
        stopped = true;
        clearInterval(timer);
        listeners.delete(entry);
      },
    };
    listeners.add(entry);
    return entry.stop;
  }

  return {
    follow,
    async catchUp() {
      await Promise.all([...listeners].map((entry) => entry.catchUp()));
    },
    async record(trx, changes) {
      if (changes.length === 0) return;
      const now = clock();
      for (const { kind, id } of changes) {
        await trx.insertInto('changes').values({ kind, entity_id: id, origin, changed_at: now }).execute();
      }
      if (now - trimmedAt < TRIM_EVERY) return;
      trimmedAt = now;
      // The newest row was written just now and stays, so that a follower can always tell whether its place is still there.
      await trx
        .deleteFrom('changes')
        .where('changed_at', '<', now - KEPT)
        .execute();
    },
    tell(changes) {
      for (const change of changes) for (const { listener } of [...listeners]) listener(change);
    },
    stop() {
      for (const { stop } of [...listeners]) stop();
    },
  };
}

/** The changes after `seen`, and how far they go; null instead of them where some were trimmed or they are too many. */
async function readAfter(db: Kysely<Tables>, seen: number) {
  const rows = await db
    .selectFrom('changes')
    .select(['id', 'kind', 'entity_id', 'origin'])
    .where('id', '>=', seen)
    .orderBy('id')
    .limit(MOST_AT_ONCE + 2)
    .execute();
  const first = rows[0];
  const last = rows.at(-1);
  if (first === undefined && seen === 0) return { seen, changes: [] };
  // The row that was seen last must still be there, or the very first where none was seen.
  const complete = first?.id === Math.max(seen, 1) && rows.length <= MOST_AT_ONCE + 1;
  if (complete && last !== undefined) return { seen: last.id, changes: rows.filter((row) => row.id > seen) };
  return { seen: await lastChange(db), changes: null };
}

/** The newest change's number; 0 where there is none. */
export async function lastChange(db: Kysely<Tables>): Promise<number> {
  const newest = await db.selectFrom('changes').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
  return newest?.id ?? 0;
}
