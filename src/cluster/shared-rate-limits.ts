import type { Clock } from '../domain/clock.ts';
import type { MakeRateLimit } from '../domain/rate-limit.ts';
import { createRateLimits, idOf } from '../domain/rate-limits.ts';
import type { Taken } from './messages.ts';
import type { Primary } from './worker.ts';

/** How soon what one worker lets through counts in the others, in ms. */
const TELL = 40;

/** What one key has done since the others were told. */
interface Told {
  count: number;
  blocked: number;
}

/**
 * Limits that hold for all workers together: each counts by itself, so that no check waits, and tells the others a moment
 * later. What slips through meanwhile is what one key can send in that moment.
 */
export function createSharedRateLimits(primary: Primary, clock: Clock): MakeRateLimit {
  let untold = new Map<string, Map<string, Told>>();
  const note = (id: string, key: string): Told => {
    let keys = untold.get(id);
    if (keys === undefined) {
      keys = new Map();
      untold.set(id, keys);
    }
    let told = keys.get(key);
    if (told === undefined) {
      told = { count: 0, blocked: 0 };
      keys.set(key, told);
    }
    return told;
  };
  const limits = createRateLimits(clock, (id, key, duration) => {
    note(id, key).blocked = duration;
  });
  primary.onMessage((message) => {
    if (message.kind !== 'taken') return;
    for (const { limit, key, count, blocked } of message.taken) {
      const allowance = limits.byId(limit);
      if (count > 0) allowance?.absorb(key, count);
      if (blocked > 0) allowance?.block(key, blocked);
    }
  });
  const tell = () => {
    if (untold.size === 0) return;
    const taken: Taken[] = [...untold].flatMap(([limit, keys]) =>
      [...keys].map(([key, { count, blocked }]) => ({ limit, key, count, blocked })),
    );
    untold = new Map();
    primary.send({ kind: 'taken', taken });
  };
  setInterval(tell, TELL).unref();
  return (name, limit) => {
    const id = idOf(name, limit);
    const allowance = limits.get(name, limit);
    return {
      take(key) {
        const wait = allowance.take(key);
        if (wait === 0) note(id, key).count += 1;
        return wait;
      },
    };
  };
}
