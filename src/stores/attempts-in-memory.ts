import { type Clock, steadyClock } from '../domain/clock.ts';
import type { AttemptLimit, AttemptStore, AttemptSubjectKind } from '../domain/login-attempts.ts';

interface Tally {
  failures: number;
  /** Attempts under way count like failures, so that guesses sent at once cannot slip through together. */
  pending: number;
  windowEnds: number;
  /** 0 where it is not locked. */
  lockedUntil: number;
  /** When the next attempt may be made. */
  nextAt: number;
}

/** Failures that nobody waits after: people mistype. Then 250 ms, doubled each time up to the longest. */
const FREE_FAILURES = 3;
const FIRST_DELAY = 250;
/** A front server's check gives up soon (nginx after 5 s in our recipes), so whoever would wait longer is told to come again. */
const LONGEST_DELAY = 2_000;
/** What a kind remembers at most, of each sort: about 10 MB when somebody has sprayed it full, nothing before. */
export const MOST_TALLIES = 50_000;

export interface AttemptsInMemory extends AttemptStore {
  /** How many tallies there are. */
  readonly size: number;
}

/**
 * Failures in this process's memory. Bounded whoever floods it: the tally not used for longest goes, and locks are kept
 * apart, so that trying many names once makes none of them forgotten.
 */
export function createAttemptsInMemory(wallClock: Clock, most = MOST_TALLIES): AttemptsInMemory {
  const clock = steadyClock(wallClock);
  const kinds: Readonly<Record<AttemptSubjectKind, Tallies>> = {
    account: createTallies(most),
    device: createTallies(most),
    address: createTallies(most),
  };

  return {
    begin(subjects) {
      const now = clock();
      let wait = 0;
      let retryAfter = 0;
      for (const { kind, key, limit, asked } of subjects) {
        const tally = asked ? kinds[kind].peek(key, now) : undefined;
        if (tally === undefined) continue;
        if (tally.lockedUntil > now) retryAfter = Math.max(retryAfter, tally.lockedUntil - now);
        else if (tally.failures + tally.pending >= limit.attempts) retryAfter = Math.max(retryAfter, 1);
        wait = Math.max(wait, tally.nextAt - now);
      }
      if (wait > LONGEST_DELAY) retryAfter = Math.max(retryAfter, wait);
      if (retryAfter > 0) return { kind: 'limited', retryAfter };
      for (const { kind, key, limit } of subjects) {
        const tally = kinds[kind].at(key, limit, now);
        tally.pending += 1;
        tally.nextAt = now + wait + delayAfter(tally.failures + tally.pending, limit);
      }
      return { kind: 'begun', wait };
    },

    end(subjects, outcome) {
      const now = clock();
      const locked: AttemptSubjectKind[] = [];
      for (const { kind, key, limit } of subjects) {
        const tallies = kinds[kind];
        const tally = tallies.at(key, limit, now);
        tally.pending = Math.max(0, tally.pending - 1);
        if (outcome === 'failed') {
          tally.failures += 1;
          if (tally.lockedUntil === 0 && tally.failures >= limit.attempts) {
            tally.lockedUntil = limit.lock === null ? Math.max(tally.windowEnds, now + 1) : now + limit.lock;
            tallies.lock(key, tally);
            locked.push(kind);
          }
          continue;
        }
        if (outcome === 'succeeded' && kind !== 'address') tally.failures = 0;
        tally.nextAt = Math.min(tally.nextAt, now + delayAfter(tally.failures + tally.pending, limit));
        if (tally.failures + tally.pending === 0) tallies.delete(key);
      }
      return locked;
    },

    forget({ kind, key }) {
      const tally = kinds[kind].peek(key, clock());
      kinds[kind].delete(key);
      return tally !== undefined && tally.lockedUntil > 0;
    },

    get size() {
      return Object.values(kinds).reduce((sum, tallies) => sum + tallies.size, 0);
    },
  };
}

function delayAfter(count: number, { delayed }: AttemptLimit): number {
  if (!delayed || count < FREE_FAILURES) return 0;
  return Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (count - FREE_FAILURES));
}

interface Tallies {
  /** undefined where there is none, or its window or lock has passed. */
  peek(key: string, now: number): Tally | undefined;
  /** The same, begun anew where there is none. */
  at(key: string, limit: AttemptLimit, now: number): Tally;
  /** Moves it to those that are locked. */
  lock(key: string, tally: Tally): void;
  delete(key: string): void;
  readonly size: number;
}

function createTallies(most: number): Tallies {
  // In the order of their last use: a Map keeps its keys in the order in which they were put in.
  const counting = new Map<string, Tally>();
  const locked = new Map<string, Tally>();
  const put = (map: Map<string, Tally>, key: string, tally: Tally) => {
    map.delete(key);
    map.set(key, tally);
    const oldest = map.size > most ? map.keys().next() : undefined;
    if (oldest?.done === false) map.delete(oldest.value);
  };
  const peek = (key: string, now: number) => {
    const lock = locked.get(key);
    if (lock !== undefined) {
      if (lock.lockedUntil > now) return lock;
      locked.delete(key);
    }
    const tally = counting.get(key);
    if (tally === undefined || tally.windowEnds > now) return tally;
    // Attempts may still be under way; their ends must find them.
    tally.failures = 0;
    if (tally.pending > 0) return tally;
    counting.delete(key);
    return undefined;
  };
  return {
    peek,
    at(key, limit, now) {
      const known = peek(key, now);
      if (known?.lockedUntil !== undefined && known.lockedUntil > 0) return known;
      const tally = known ?? { failures: 0, pending: 0, windowEnds: 0, lockedUntil: 0, nextAt: now };
      if (tally.windowEnds <= now) tally.windowEnds = now + limit.window;
      put(counting, key, tally);
      return tally;
    },
    lock(key, tally) {
      counting.delete(key);
      put(locked, key, tally);
    },
    delete(key) {
      counting.delete(key);
      locked.delete(key);
    },
    get size() {
      return counting.size + locked.size;
    },
  };
}
