import { hash } from 'node:crypto';
import type { Clock } from './clock.ts';
import { type CountedAllowance, createRateLimit, type RateLimit } from './rate-limit.ts';

/** Keys that all limits remember together, at about 150 bytes each; one limit has its share of them. */
const MOST_KEYS = 250_000;
const MOST_OF_ONE = 50_000;
const LEAST_OF_ONE = 1_000;

/** All limits of a process, which outlive the configuration that asked for them: a reload gives nobody a new allowance. */
export interface RateLimits {
  /** Makes it, or finds the one of this name and these numbers that somebody holds. */
  get(name: string, limit: RateLimit): CountedAllowance;
  /** By the id that `onBlock` was told; the same in every process. */
  byId(id: string): CountedAllowance | undefined;
}

/** @param onBlock told which limit has blocked which key, and for how many ms */
export function createRateLimits(
  clock: Clock,
  onBlock?: (id: string, key: string, duration: number) => void,
): RateLimits {
  // Whoever uses a limit holds it; what no configuration has any more goes by itself.
  const known = new Map<string, WeakRef<CountedAllowance>>();
  const most = () => Math.max(LEAST_OF_ONE, Math.min(MOST_OF_ONE, Math.floor(MOST_KEYS / known.size)));

  return {
    get(name, limit) {
      const id = idOf(name, limit);
      const present = known.get(id)?.deref();
      if (present !== undefined) return present;
      for (const [other, reference] of known) if (reference.deref() === undefined) known.delete(other);
      const made = createRateLimit(limit, clock, {
        most,
        ...(onBlock === undefined ? {} : { onBlock: (key, duration) => onBlock(id, key, duration) }),
      });
      known.set(id, new WeakRef(made));
      return made;
    },
    byId: (id) => known.get(id)?.deref(),
  };
}

/** Short, since workers name it to each other. */
export function idOf(name: string, { requests, per, burst, block }: RateLimit): string {
  return hash('sha256', `${requests} ${per} ${burst} ${block} ${name}`, 'base64url').slice(0, 16);
}
