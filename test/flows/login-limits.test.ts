import { beforeEach, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/domain/audit.ts';
import type { LoginTrial } from '../../src/domain/login-attempts.ts';
import { createLoginLimits, type LoginLimits } from '../../src/flows/login-limits.ts';
import { type AttemptsInMemory, createAttemptsInMemory } from '../../src/stores/attempts-in-memory.ts';

const MINUTE = 60_000;
let now: number;
let events: AuditEvent[];
let pauses: number[];
let attempts: AttemptsInMemory;
let limits: LoginLimits;
function open(account: number, address: number): LoginLimits {
  now = 1_000_000;
  events = [];
  pauses = [];
  attempts = createAttemptsInMemory(() => now);
  return createLoginLimits({
    limits: {
      account: { attempts: account, window: 10 * MINUTE, lock: 5 * MINUTE },
      address: { attempts: address, window: 10 * MINUTE },
    },
    attempts,
    audit: (event) => events.push(event),
    pause: async (milliseconds) => {
      pauses.push(milliseconds);
      now += milliseconds;
    },
  });
}
beforeEach(() => {
  limits = open(3, 100);
});

type Trial = Partial<LoginTrial> & Pick<LoginTrial, 'account'>;
async function wait(trial: Trial): Promise<number> {
  const begun = await limits.begin({ address: null, ...trial });
  if (begun.kind === 'limited') return begun.retryAfter;
  await begun.abandoned();
  return 0;
}
async function fail(times: number, trial: Trial): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    const begun = await limits.begin({ address: null, ...trial });
    if (begun.kind === 'limited') throw new Error(`limited for ${begun.retryAfter} s`);
    await begun.failed();
  }
}

it('locks an account and tells it, with whole seconds to wait', async () => {
  await fail(3, { account: 'alice', address: '192.0.2.1' });
  expect(await wait({ account: 'alice' })).toBe(300);
  now += 299_001;
  expect(await wait({ account: 'alice' })).toBe(1);
  expect(await wait({ account: 'bob' })).toBe(0);
  expect(events).toEqual([
    { event: 'login.locked', user: 'alice', address: '192.0.2.1', detail: { seconds: 300, device: false } },
  ]);
});

it('waits before an attempt, not after it: guesses at once gain nothing', async () => {
  limits = open(10, 100);
  await fail(6, { account: 'alice' });
  expect(pauses).toEqual([250, 500, 1_000]);
});

it('keeps names of any length in little', async () => {
  await fail(3, { account: 'alice'.repeat(10_000) });
  expect(await wait({ account: 'alice'.repeat(10_000) })).toBe(300);
  expect(await wait({ account: 'alice'.repeat(9_999) })).toBe(0);
});

describe('an unlock by command', () => {
  it('ends the lock and forgets the failures of this name', async () => {
    await fail(3, { account: 'alice' });
    await fail(3, { account: 'bob' });
    await limits.forget('alice');
    expect(await wait({ account: 'alice' })).toBe(0);
    expect(await wait({ account: 'bob' })).toBe(300);
    await limits.forget('carol');
    expect(events.slice(2)).toEqual([{ event: 'login.unlocked', user: 'alice' }]);
  });
});

describe('a known device', () => {
  const known = { account: 'alice', device: 'her own', address: '192.0.2.1' };

  it('passes the lock and the limit of its address, with an allowance of its own', async () => {
    limits = open(3, 3);
    await fail(3, { account: 'alice', address: '192.0.2.1' });
    expect(await wait({ account: 'alice' })).toBe(300);
    await fail(3, known);
    expect(await wait(known)).toBe(300);
    expect(events.at(-1)).toMatchObject({ event: 'login.locked', user: 'alice', detail: { device: true } });
    expect(await wait({ ...known, device: 'another' })).toBe(0);
  });

  it('counts against its address and not against the account', async () => {
    limits = open(3, 4);
    await fail(3, known);
    expect(await wait({ account: 'alice', address: '192.0.2.2' })).toBe(0);
    await fail(1, { account: 'x', address: '192.0.2.1' });
    expect(await wait({ account: 'y', address: '192.0.2.1' })).toBe(600);
  });
});

describe('an address', () => {
  beforeEach(() => {
    limits = open(100, 3);
  });

  it('is held until the window ends, whichever account is tried', async () => {
    for (const account of ['a', 'b', 'c']) await fail(1, { account, address: '192.0.2.1' });
    expect(await wait({ account: 'd', address: '192.0.2.1' })).toBe(600);
    expect(await wait({ account: 'd', address: '192.0.2.2' })).toBe(0);
    expect(await wait({ account: 'd' })).toBe(0);
    expect(events).toEqual([{ event: 'login.address-limited', address: '192.0.2.1' }]);
  });

  it('is held for guesses at keys and tokens, each counted once', async () => {
    const guess = (text: string, address: string | null = '192.0.2.1') => limits.countGuess(text, address);
    // A program that goes on sending the key of yesterday is no attacker.
    for (let i = 0; i < 20; i += 1) expect(await guess('glk_old')).toBe(0);
    expect(await wait({ account: 'a', address: '192.0.2.1' })).toBe(0);
    expect([await guess('one'), await guess('two')]).toEqual([0, 0]);
    expect([await guess('three'), await guess('glk_old')]).toEqual([600, 600]);
    expect(await wait({ account: 'a', address: '192.0.2.1' })).toBe(600);
    expect([await guess('three', '192.0.2.2'), await guess('four', null)]).toEqual([0, 0]);
    expect(events).toHaveLength(1);
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
  ])('%s and %s are one: %s', async (first, second, one) => {
    await fail(3, { account: 'a', address: first });
    expect((await wait({ account: 'b', address: second })) > 0).toBe(one);
  });
});

it('remembers little under spraying, and nobody who has not failed', async () => {
  for (let i = 0; i < 3_000; i += 1) await fail(1, { account: `name ${i}`, address: `198.51.${i % 200}.${i % 250}` });
  expect(attempts.size).toBeLessThanOrEqual(3_000 + 1_000);
  const before = attempts.size;
  const good = await limits.begin({ account: 'good', address: '203.0.113.1' });
  if (good.kind === 'attempt') await good.succeeded();
  expect(attempts.size).toBe(before);
});
