import { setImmediate } from 'node:timers/promises';
import type { ApiKey } from '../domain/api-key.ts';
import type { Clock } from '../domain/clock.ts';
import type { Live, LiveRecords } from '../domain/live.ts';
import { andThen } from '../domain/maybe-promise.ts';
import { createRecentMap } from '../domain/recent-map.ts';
import type { Session } from '../domain/session.ts';
import type { Store } from '../domain/store.ts';
import { compactSession } from './compact-session.ts';
import { createRecordCache } from './record-cache.ts';

/** A note is worth no more than this many ms: a session that is asked about a thousand times a second is noted once. */
const RESOLUTION = 1_000;

/** So many notes are written at once: a transaction of a few ms. */
const PORTION = 1_000;

/**
 * Of so many records it is remembered what was made of them. That is three times as large as the record itself and made
 * again in a few µs, so that a hundred thousand sessions of which most are idle stay small.
 */
const MOST_LIVE = 8_192;

/** Ids are random, so that their last characters fall on all places alike. */
function placeOf(id: string): number {
  const end = id.length;
  return ((id.charCodeAt(end - 1) * 64 + id.charCodeAt(end - 2)) * 64 + id.charCodeAt(end - 3)) % MOST_LIVE;
}

function createLiveRecords<T extends { readonly id: string }>(parts: {
  load: (id: string) => Promise<T | null>;
  /** What of it is kept. */
  compact: (record: T) => T;
  touch: (used: ReadonlyMap<string, number>) => Promise<void>;
  lastUsed: (record: T) => number;
  note: (record: T, now: number) => void;
  clock: Clock;
  max: number;
}): LiveRecords<T> {
  const records = createRecordCache<T>(
    async (id) => {
      const record = await parts.load(id);
      return record === null ? null : parts.compact(record);
    },
    parts.max,
    ({ id }) => id,
  );
  const lives = createRecentMap<Live<T>>(MOST_LIVE);
  // Whose was made and not kept. Where more sessions are asked about in turn than are remembered, none would be found again,
  // and what is kept for a while and in vain is the dearest garbage there is.
  const madeOnce: (T | undefined)[] = new Array(MOST_LIVE).fill(undefined);
  let noted = new Set<T>();

  function liveOf(record: T): Live<T> {
    const live = { record, user: null, identity: null, proven: null };
    const place = placeOf(record.id);
    if (madeOnce[place] === record) lives.set(record.id, live);
    else madeOnce[place] = record;
    return live;
  }

  return {
    find(id) {
      const record = records.get(id);
      const known = lives.get(id);
      // What was made of a record that has been let go of, or read again since, is worth nothing.
      if (known !== undefined && known.record === record) return known;
      return andThen(record, (read) => (read === null ? null : liveOf(read)));
    },
    get: (id) => records.peek(id),
    set: (_id, record) => records.set(parts.compact(record)),
    used(record) {
      const now = parts.clock();
      if (now - parts.lastUsed(record) < RESOLUTION) return;
      parts.note(record, now);
      noted.add(record);
    },
    forget(id) {
      if (id === null) {
        records.clear();
        lives.clear();
        madeOnce.fill(undefined);
      } else {
        records.forget(id);
        lives.delete(id);
      }
    },
    async flush() {
      if (noted.size === 0) return;
      const writing = noted;
      noted = new Set();
      let portion = new Map<string, number>();
      for (const record of writing) {
        portion.set(record.id, parts.lastUsed(record));
        if (portion.size < PORTION) continue;
        await parts.touch(portion);
        portion = new Map();
        // The store may work without ever letting go of the thread; checks come first.
        await setImmediate();
      }
      if (portion.size > 0) await parts.touch(portion);
    },
    get size() {
      return records.size;
    },
  };
}

export function createLiveSessions(store: Store, clock: Clock): LiveRecords<Session> {
  return createLiveRecords<Session>({
    load: (id) => store.sessions.findById(id),
    compact: compactSession,
    touch: (used) => store.sessions.touch(used),
    lastUsed: (session) => session.lastSeenAt,
    note: (session, now) => {
      session.lastSeenAt = now;
    },
    clock,
    max: 1_000_000,
  });
}

export function createLiveApiKeys(store: Store, clock: Clock): LiveRecords<ApiKey> {
  return createLiveRecords<ApiKey>({
    load: (id) => store.apiKeys.findById(id),
    compact: (key) => key,
    touch: (used) => store.apiKeys.touch(used),
    lastUsed: (key) => key.lastUsedAt ?? 0,
    note: (key, now) => {
      key.lastUsedAt = now;
    },
    clock,
    max: 100_000,
  });
}
