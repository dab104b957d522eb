import type { Clock } from './clock.ts';

export interface RateLimit {
  readonly requests: number;
  /** In ms. */
  readonly per: number;
  readonly burst: number;
}

/** Takes one request from a key's allowance: 0 when there was one, else the ms until there is one again. */
export type TakeFromAllowance = (key: string) => number;

/**
 * The generic cell rate algorithm (ITU-T I.371): one number a key, no timers, and the oldest keys go when there are too many.
 * A library would do, but answers with a promise, and this is on the way of every check that has a limit.
 */
export function createRateLimit(limit: RateLimit, clock: Clock, maxKeys = 100_000): TakeFromAllowance {
  const interval = limit.per / limit.requests;
  const tolerance = interval * (limit.burst - 1);
  const arrivals = new Map<string, number>();
  return (key) => {
    const now = clock();
    const expected = Math.max(arrivals.get(key) ?? now, now);
    const wait = expected - tolerance - now;
    if (wait > 0) return wait;
    arrivals.delete(key);
    arrivals.set(key, expected + interval);
    if (arrivals.size > maxKeys) {
      const oldest = arrivals.keys().next();
      if (!oldest.done) arrivals.delete(oldest.value);
    }
    return 0;
  };
}
