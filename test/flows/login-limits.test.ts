import { beforeEach, describe, expect, it } from 'vitest';
import { createLoginLimits, type LoginAttempt, type LoginLimits } from '../../src/flows/login-limits.ts';

const MINUTE = 60_000;
let now: number;
let limits: LoginLimits;
const open = (account = 3, address = 100) =>
  createLoginLimits({
    limits: {
      account: { attempts: account, window: 10 * MINUTE, lock: 5 * MINUTE },
      address: { attempts: address, window: 10 * MINUTE },
    },
    clock: () => now,
  });
beforeEach(() => {
  now = 1_000_000;
  limits = open();
});

function attempt(username: string, address: string | null = null): LoginAttempt {
  const begun = limits.begin(username, address);
  if (begun.kind === 'limited') throw new Error(`limited for ${begun.retryAfter} s`);
  return begun;
}
const wait = (username: string, address: string | null = null) => {
  const begun = limits.begin(username, address);
  if (begun.kind === 'limited') return begun.retryAfter;
  begun.abandoned();
  return 0;
};
const fail = (times: number, username: string, address: string | null = null) => {
  for (let i = 0; i < times; i += 1) attempt(username, address).failed();
};

describe('by account', () => {
  it('locks after the allowed failures, for the lock and not for longer', () => {
    fail(3, 'alice');
    expect(wait('alice')).toBe(300);
    now += 299_001;
    expect(wait('alice')).toBe(1);
    expect(wait('bob')).toBe(0);
    now += 999;
    expect(wait('alice')).toBe(0);
    fail(2, 'alice');
    expect(wait('alice')).toBe(0);
    fail(1, 'alice');
    expect(wait('alice')).toBe(300);
  });

  it('forgets failures when the window ends', () => {
    fail(2, 'alice');
    now += 10 * MINUTE;
    fail(2, 'alice');
    expect(wait('alice')).toBe(0);
  });

  it('forgets them at a success', () => {
    fail(2, 'alice');
    attempt('alice').succeeded();
    fail(2, 'alice');
    expect(wait('alice')).toBe(0);
  });

  it('counts neither successes nor what was never judged', () => {
    for (let i = 0; i < 10; i += 1) attempt('alice').succeeded();
    for (let i = 0; i < 10; i += 1) attempt('alice').abandoned();
    expect(wait('alice')).toBe(0);
  });

  it('lets no more through at once than one after the other', () => {
    const under = [attempt('alice'), attempt('alice'), attempt('alice')];
    expect(wait('alice')).toBe(1);
    under[0]?.abandoned();
    const last = attempt('alice');
    for (const one of [under[1], under[2], last]) one?.failed();
    expect(wait('alice')).toBe(300);
  });

  it('keeps a bounded number of names, however long they are', () => {
    fail(3, 'alice'.repeat(10_000));
    expect(wait('alice'.repeat(10_000))).toBe(300);
    for (let i = 0; i < 10_000; i += 1) fail(1, `name ${i}`);
    expect(wait('alice'.repeat(10_000))).toBe(0);
  });
});

describe('by address', () => {
  beforeEach(() => {
    limits = open(100, 3);
  });

  it('refuses until the window ends, whichever account is tried', () => {
    fail(1, 'a', '192.0.2.1');
    now += MINUTE;
    fail(1, 'b', '192.0.2.1');
    fail(1, 'c', '192.0.2.1');
    expect(wait('d', '192.0.2.1')).toBe(540);
    expect(wait('d', '192.0.2.2')).toBe(0);
    expect(wait('d')).toBe(0);
    now += 9 * MINUTE;
    expect(wait('d', '192.0.2.1')).toBe(0);
  });

  it('is not appeased by a login that succeeds', () => {
    fail(2, 'a', '192.0.2.1');
    attempt('mine', '192.0.2.1').succeeded();
    fail(1, 'b', '192.0.2.1');
    expect(wait('c', '192.0.2.1')).toBeGreaterThan(0);
  });

  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', true],
    ['2001:DB8:1:2::1', '2001:0db8:0001:0002::2', true],
    ['2001:db8::1', '2001:db8:0:0:5::', true],
    ['::1', '::2', true],
    ['1::', '1:0:0:0:9::', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['2001:db8::1', '2001:db8:0:1::1', false],
    ['192.0.2.1', '192.0.2.2', false],
    ['192.0.2.1', '::ffff:192.0.2.1', true],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
    ['64:ff9b::192.0.2.1', '64:ff9b::1', true],
  ])('%s and %s are one: %s', (first, second, one) => {
    fail(3, 'a', first);
    expect(wait('b', second) > 0).toBe(one);
  });
});

it('says the longer wait of the two', () => {
  limits = open(1, 1);
  fail(1, 'alice', '192.0.2.1');
  expect(wait('alice', '192.0.2.1')).toBe(600);
  expect(wait('alice', '192.0.2.2')).toBe(300);
});
