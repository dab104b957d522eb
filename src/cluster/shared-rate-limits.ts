import type { Clock } from '../domain/clock.ts';
import { createRateLimit, type MakeRateLimit } from '../domain/rate-limit.ts';
import type { Taken } from './messages.ts';
import type { Primary } from './worker.ts';

/** How soon what one worker lets through counts in the others, in ms. */
const TELL = 40;

/**
 * Limits that hold for all workers together: each counts by itself, so that no check waits, and tells the others a moment
 * later. What slips through meanwhile is what one key can send in that moment.
 */
export function createSharedRateLimits(primary: Primary, clock: Clock): MakeRateLimit {
  const limits = new Map<string, ReturnType<typeof createRateLimit>>();
  let taken = new Map<string, Map<string, number>>();
  primary.onMessage((message) => {
    if (message.kind !== 'taken') return;
    for (const { limit, key, count } of message.taken) limits.get(limit)?.absorb(key, count);
  });
  const tell = () => {
    if (taken.size === 0) return;
    const told: Taken[] = [...taken].flatMap(([limit, keys]) =>
      [...keys].map(([key, count]) => ({ limit, key, count })),
    );
    taken = new Map();
    primary.send({ kind: 'taken', taken: told });
  };
  setInterval(tell, TELL).unref();
  return (name, limit) => {
    const made = createRateLimit(limit, clock);
    limits.set(name, made);
    return (key) => {
      const wait = made.take(key);
      if (wait === 0) {
        const keys = taken.get(name) ?? new Map<string, number>();
        keys.set(key, (keys.get(key) ?? 0) + 1);
        taken.set(name, keys);
      }
      return wait;
    };
  };
}
