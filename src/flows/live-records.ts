import type { ApiKey } from '../domain/api-key.ts';
import type { Clock } from '../domain/clock.ts';
import type { Live, LiveRecords } from '../domain/live.ts';
import type { Session } from '../domain/session.ts';
import type { Store } from '../domain/store.ts';
import { createRecordCache } from './record-cache.ts';

/** A note is worth no more than this many ms: a session that is asked about a thousand times a second is noted once. */
const RESOLUTION = 1_000;

function createLiveRecords<T extends { readonly id: string }>(parts: {
  load: (id: string) => Promise<T | null>;
  touch: (used: ReadonlyMap<string, number>) => Promise<void>;
  lastUsed: (record: T) => number;
  note: (record: T, now: number) => void;
  clock: Clock;
  max: number;
}): LiveRecords<T> {
  const cache = createRecordCache<Live<T>>(async (id) => {
    const record = await parts.load(id);
    return record === null ? null : { record, user: null, identity: null, proven: null };
  }, parts.max);
  let noted = new Map<string, number>();
  return {
    find: (id) => cache.get(id),
    get: (id) => cache.peek(id)?.record,
    set: (id, record) => cache.set(id, { record, user: null, identity: null, proven: null }),
    used(record) {
      const now = parts.clock();
      if (now - parts.lastUsed(record) < RESOLUTION) return;
      parts.note(record, now);
      noted.set(record.id, now);
    },
    forget(id) {
      if (id === null) cache.clear();
      else cache.forget(id);
    },
    async flush() {
      if (noted.size === 0) return;
      const writing = noted;
      noted = new Map();
      await parts.touch(writing);
    },
    get size() {
      return cache.size;
    },
  };
}

export function createLiveSessions(store: Store, clock: Clock): LiveRecords<Session> {
  return createLiveRecords<Session>({
    load: (id) => store.sessions.findById(id),
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
    touch: (used) => store.apiKeys.touch(used),
    lastUsed: (key) => key.lastUsedAt ?? 0,
    note: (key, now) => {
      key.lastUsedAt = now;
    },
    clock,
    max: 100_000,
  });
}
