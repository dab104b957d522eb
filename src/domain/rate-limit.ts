import type { Clock } from './clock.ts';

export interface RateLimit {
  readonly requests: number;
  /** In ms. */
  readonly per: number;
  readonly burst: number;
}

/** Takes one request from a key's allowance: 0 when there was one, else the ms until there is one again. */
export type TakeFromAllowance = (key: string) => number;

export interface CountedAllowance {
  readonly take: TakeFromAllowance;
  /** Counts what was let through elsewhere. */
  absorb(key: string, count: number): void;
}

/** Makes the limit of a rule. `name` is the same in every process for the same rule. */
export type MakeRateLimit = (name: string, limit: RateLimit) => TakeFromAllowance;

/**
 * The generic cell rate algorithm (ITU-T I.371): one number a key, no timers, and the oldest keys go when there are too many.
 * A library would do, but answers with a promise, and this is on the way of every check that has a limit.
 */
export function createRateLimit(limit: RateLimit, clock: Clock, maxKeys = 100_000): CountedAllowance {
  const interval = limit.per / limit.requests;
  const tolerance = interval * (limit.burst - 1);
  const arrivals = new Map<string, number>();
  const expectedAt = (key: string, now: number) => Math.max(arrivals.get(key) ?? now, now);
  const put = (key: string, arrival: number) => {
    // The key used last comes last, so that the first is the one to let go of.
    arrivals.delete(key);
    arrivals.set(key, arrival);
    if (arrivals.size <= maxKeys) return;
    const oldest = arrivals.keys().next();
    if (!oldest.done) arrivals.delete(oldest.value);
  };
  return {
    take(key) {
      const now = clock();
      const expected = expectedAt(key, now);
      const wait = expected - tolerance - now;
      if (wait > 0) return wait;
      put(key, expected + interval);
      return 0;
    },
    absorb: (key, count) => put(key, expectedAt(key, clock()) + count * interval),
  };
}
