import { describe, expect, it } from 'vitest';
import { createRateLimit, quotaOf, retryAfterSeconds } from '../../src/domain/rate-limit.ts';
import { createRateLimits, idOf } from '../../src/domain/rate-limits.ts';

const MINUTE = 60_000;

describe('createRateLimit', () => {
  it('lets a burst through, then one for each interval', () => {
    let now = 1_000_000;
    const { take } = createRateLimit({ requests: 60, per: MINUTE, burst: 10, block: 0 }, () => now);
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
    const { take } = createRateLimit({ requests: 30, per: MINUTE, burst: 5, block: 0 }, () => now);
    const times: number[] = [];
    for (; now < 5 * MINUTE; now += 137) if (take('a') === 0) times.push(now);
    for (const start of times) {
      expect(times.filter((time) => time >= start && time < start + MINUTE).length).toBeLessThanOrEqual(35);
    }
    expect(times.length).toBeGreaterThan(140);
  });

  it('does not let refusals push the end of the wait away', () => {
    let now = 0;
    const { take } = createRateLimit({ requests: 1, per: 1_000, burst: 1, block: 0 }, () => now);
    expect(take('a')).toBe(0);
    for (; now < 1_000; now += 10) expect(take('a')).toBeGreaterThan(0);
    expect(take('a')).toBe(0);
  });

  it('counts each key by itself', () => {
    const { take } = createRateLimit({ requests: 1, per: MINUTE, burst: 1, block: 0 }, () => 0);
    expect(take('a')).toBe(0);
    expect(take('b')).toBe(0);
    expect(take('a')).toBeGreaterThan(0);
  });

  it('gives a full burst again after a long pause, and no more', () => {
    let now = 0;
    const { take } = createRateLimit({ requests: 60, per: MINUTE, burst: 3, block: 0 }, () => now);
    for (let index = 0; index < 5; index += 1) take('a');
    now = 100 * MINUTE;
    expect([take('a'), take('a'), take('a')]).toEqual([0, 0, 0]);
    expect(take('a')).toBeGreaterThan(0);
  });

  it('keeps the keys used last when there are too many', () => {
    const { take } = createRateLimit({ requests: 1, per: MINUTE, burst: 1, block: 0 }, () => 0, { most: () => 100 });
    for (let index = 0; index < 150; index += 1) take(`k${index}`);
    expect(take('k149')).toBeGreaterThan(0);
    expect(take('k0')).toBe(0);
  });

  it('does not let time that goes backwards give anything away', () => {
    let now = 10 * MINUTE;
    const { take } = createRateLimit({ requests: 1, per: MINUTE, burst: 1, block: 0 }, () => now);
    expect(take('a')).toBe(0);
    now = 0;
    expect(take('a')).toBeGreaterThan(0);
  });

  it('does not let a clock that was set back by a day hold anybody up for a day', () => {
    let now = 86_400_000;
    const { take } = createRateLimit({ requests: 1, per: 1_000, burst: 10, block: 5_000 }, () => now);
    for (let index = 0; index < 11; index += 1) take('a');
    now = 0;
    expect(take('a')).toBeLessThanOrEqual(20_000);
    now = 20_000;
    expect(take('a')).toBe(0);
  });

  it('keeps users apart whatever their ids are made of, and keeps no more of an id than it needs', () => {
    const limit = createRateLimit({ requests: 1, per: MINUTE, burst: 1, block: 0 }, () => 0);
    const long = 'x'.repeat(8_000);
    for (const key of ['\ud800', 'é', 'ключ', '', long, `${long}y`]) {
      expect(limit.take(key)).toBe(0);
      expect(limit.take(key)).toBeGreaterThan(0);
    }
    limit.absorb(`${long}z`, 1);
    expect(limit.take(`${long}z`)).toBeGreaterThan(0);
  });
});

describe('block', () => {
  const limit = { requests: 1, per: 100, burst: 3, block: 5_000 };

  it('lets nothing through for as long as it says, and then a burst again', () => {
    let now = 0;
    const { take } = createRateLimit(limit, () => now);
    for (let index = 0; index < 3; index += 1) expect(take('a')).toBe(0);
    expect(take('a')).toBe(5_000);
    // Long since one would have come back.
    now = 4_000;
    expect(take('a')).toBe(1_000);
    now = 5_000;
    expect([take('a'), take('a'), take('a')]).toEqual([0, 0, 0]);
    expect(take('a')).toBe(5_000);
  });

  it('is not made longer by asking again', () => {
    let now = 0;
    const { take } = createRateLimit(limit, () => now);
    for (let index = 0; index < 4; index += 1) take('a');
    for (; now < 5_000; now += 50) expect(take('a')).toBe(5_000 - now);
    expect(take('a')).toBe(0);
  });

  it('is at least as long as it takes until one has come back', () => {
    let now = 0;
    const { take } = createRateLimit({ requests: 1, per: MINUTE, burst: 1, block: 500 }, () => now);
    take('a');
    expect(take('a')).toBe(MINUTE);
    for (; now < MINUTE; now += 1_000) expect(take('a')).toBe(MINUTE - now);
    expect(take('a')).toBe(0);
  });

  it('is not forgotten because somebody sprays other keys', () => {
    const sprayed = createRateLimit(limit, () => 0, { most: () => 100 });
    for (let index = 0; index < 4; index += 1) sprayed.take('a');
    for (let index = 0; index < 5_000; index += 1) sprayed.take(`k${index}`);
    expect(sprayed.take('a')).toBe(5_000);
    expect(sprayed.size).toBeLessThanOrEqual(200);
  });

  it('is bounded too, and ends where it was told of by another process', () => {
    let now = 0;
    const told: string[] = [];
    const sprayed = createRateLimit(limit, () => now, { most: () => 100, onBlock: (key) => told.push(key) });
    for (let index = 0; index < 1_000; index += 1) for (let times = 0; times < 4; times += 1) sprayed.take(`k${index}`);
    expect(told).toHaveLength(1_000);
    expect(sprayed.size).toBeLessThanOrEqual(200);
    sprayed.block('other', 2_000);
    expect(sprayed.take('other')).toBe(2_000);
    now = 2_000;
    expect(sprayed.take('other')).toBe(0);
    expect(told).toHaveLength(1_000);
  });
});

describe('all limits of a process', () => {
  const one = { requests: 1, per: MINUTE, burst: 1, block: 0 };

  it('are found again by name and numbers, as a reload asks for them', () => {
    const limits = createRateLimits(() => 0);
    const before = limits.get('rule', one);
    before.take('a');
    expect(limits.get('rule', { ...one }).take('a')).toBeGreaterThan(0);
    expect(limits.get('another rule', one).take('a')).toBe(0);
    expect(limits.get('rule', { ...one, burst: 2 }).take('a')).toBe(0);
    expect(limits.byId(idOf('rule', one))).toBe(before);
  });

  it('share what is remembered: many rules that are sprayed are no more than a few', () => {
    const limits = createRateLimits(() => 0);
    const many = Array.from({ length: 250 }, (_, index) => limits.get(`rule ${index}`, one));
    for (const limit of many) for (let index = 0; index < 3_000; index += 1) limit.take(`k${index}`);
    expect(many.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(250_000);
  });
});

it('says how much there is in whole seconds', () => {
  expect(quotaOf('requests', { requests: 10, per: 1_000, burst: 100, block: 0 })).toEqual({
    policy: 'requests',
    limit: 100,
    window: 10,
  });
  expect(quotaOf('auth', { requests: 1, per: 10, burst: 1, block: 0 }).window).toBe(1);
  expect([retryAfterSeconds(1), retryAfterSeconds(1_000), retryAfterSeconds(1_001)]).toEqual([1, 1, 2]);
});
