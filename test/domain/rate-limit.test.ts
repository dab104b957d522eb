import { describe, expect, it } from 'vitest';
import { createRateLimit } from '../../src/domain/rate-limit.ts';

const MINUTE = 60_000;

describe('createRateLimit', () => {
  it('lets a burst through, then one for each interval', () => {
    let now = 1_000_000;
    const { take } = createRateLimit({ requests: 60, per: MINUTE, burst: 10 }, () => now);
    for (let index = 0; index < 10; index += 1) expect(take('a')).toBe(0);
    expect(take('a')).toBe(1_000);
    now += 999;
    expect(take('a')).toBe(1);
    now += 1;
    expect(take('a')).toBe(0);
    expect(take('a')).toBe(1_000);
  });

  it('lets no more than burst + requests through in any period, however they are timed', () => {
    let now = 0;
    const { take } = createRateLimit({ requests: 30, per: MINUTE, burst: 5 }, () => now);
    const times: number[] = [];
    for (; now < 5 * MINUTE; now += 137) if (take('a') === 0) times.push(now);
    for (const start of times) {
      expect(times.filter((time) => time >= start && time < start + MINUTE).length).toBeLessThanOrEqual(35);
    }
    expect(times.length).toBeGreaterThan(140);
  });

  it('does not let refusals push the end of the wait away', () => {
    let now = 0;
    const { take } = createRateLimit({ requests: 1, per: 1_000, burst: 1 }, () => now);
    expect(take('a')).toBe(0);
    for (; now < 1_000; now += 10) expect(take('a')).toBeGreaterThan(0);
    expect(take('a')).toBe(0);
  });

  it('counts each key by itself', () => {
    const { take } = createRateLimit({ requests: 1, per: MINUTE, burst: 1 }, () => 0);
    expect(take('a')).toBe(0);
    expect(take('b')).toBe(0);
    expect(take('a')).toBeGreaterThan(0);
  });

  it('gives a full burst again after a long pause, and no more', () => {
    let now = 0;
    const { take } = createRateLimit({ requests: 60, per: MINUTE, burst: 3 }, () => now);
    for (let index = 0; index < 5; index += 1) take('a');
    now = 100 * MINUTE;
    expect([take('a'), take('a'), take('a')]).toEqual([0, 0, 0]);
    expect(take('a')).toBeGreaterThan(0);
  });

  it('keeps the keys used last when there are too many', () => {
    const { take } = createRateLimit({ requests: 1, per: MINUTE, burst: 1 }, () => 0, 100);
    for (let index = 0; index < 150; index += 1) take(`k${index}`);
    expect(take('k149')).toBeGreaterThan(0);
    expect(take('k0')).toBe(0);
  });

  it('does not let time that goes backwards give anything away', () => {
    let now = 10 * MINUTE;
    const { take } = createRateLimit({ requests: 1, per: MINUTE, burst: 1 }, () => now);
    expect(take('a')).toBe(0);
    now = 0;
    expect(take('a')).toBeGreaterThan(0);
  });
});
