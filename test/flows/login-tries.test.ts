import { describe, expect, it } from 'vitest';
import { createRateLimits } from '../../src/domain/rate-limits.ts';
import { createTryLimit } from '../../src/flows/login-tries.ts';

const LIMIT = { requests: 1, per: 60_000, burst: 3, block: 0 };

function stand() {
  let now = 0;
  const takeTry = createTryLimit(LIMIT, createRateLimits(() => now).get);
  return { takeTry, pass: (time: number) => (now += time) };
}

describe('tries to log in', () => {
  it('are counted by name wherever they come from, whether there is such a user or not', () => {
    const { takeTry, pass } = stand();
    for (const account of ['alice', 'nobody-of-this-name']) {
      for (let index = 0; index < 3; index += 1) expect(takeTry({ account, address: `192.0.2.${index}` })).toBeNull();
      expect(takeTry({ account, address: '198.51.100.1' })).toEqual({
        kind: 'limited',
        retryAfter: 60,
        quota: { policy: 'auth', limit: 3, window: 180 },
      });
    }
    pass(60_000);
    expect(takeTry({ account: 'alice', address: '198.51.100.2' })).toBeNull();
  });

  it('are counted by address whatever the names are, an IPv6 /64 as one', () => {
    const { takeTry } = stand();
    for (let index = 0; index < 3; index += 1)
      expect(takeTry({ account: `user ${index}`, address: `2001:db8::${index}` })).toBeNull();
    expect(takeTry({ account: 'another', address: '2001:db8::ffff' })?.retryAfter).toBe(60);
    expect(takeTry({ account: 'another', address: '2001:db8:0:1::1' })).toBeNull();
    // What names nobody, as a refresh before its token was looked at, counts there alone.
    expect(takeTry({ address: '2001:db8::1' })?.retryAfter).toBe(60);
  });

  it('that are refused for the place use up nobody’s name', () => {
    const { takeTry } = stand();
    for (let index = 0; index < 50; index += 1) takeTry({ account: 'alice', address: '192.0.2.1' });
    // Three of them were counted for alice too; what came after was not.
    expect(takeTry({ account: 'bob', address: '192.0.2.1' })).not.toBeNull();
    for (let index = 0; index < 3; index += 1)
      expect(takeTry({ account: 'bob', address: `198.51.100.${index}` })).toBeNull();
  });

  it('of others keep out nobody whose browser has logged in with the name before', () => {
    const { takeTry } = stand();
    for (let index = 0; index < 20; index += 1) takeTry({ account: 'alice', address: `192.0.2.${index}` });
    for (let index = 0; index < 20; index += 1) takeTry({ account: `x${index}`, address: '203.0.113.1' });
    const known = { account: 'alice', address: '203.0.113.1', device: 'd1' };
    expect(takeTry({ account: 'alice', address: '203.0.113.1' })).not.toBeNull();
    for (let index = 0; index < 3; index += 1) expect(takeTry(known)).toBeNull();
    // It is not for guessing either.
    expect(takeTry(known)).not.toBeNull();
    // Nor is it any help with another name.
    expect(takeTry({ ...known, account: 'bob' })).toBeNull();
  });

  it('from where nobody knows are one place', () => {
    const { takeTry } = stand();
    for (let index = 0; index < 3; index += 1) expect(takeTry({ account: `${index}`, address: null })).toBeNull();
    expect(takeTry({ account: 'x', address: null })).not.toBeNull();
  });

  it('with names of any length and form are bounded', () => {
    const { takeTry } = stand();
    const account = '\ud800'.repeat(100_000);
    for (let index = 0; index < 3; index += 1) expect(takeTry({ account, address: `192.0.2.${index}` })).toBeNull();
    expect(takeTry({ account, address: '192.0.2.9' })).not.toBeNull();
  });

  it('are not counted where no limit is configured', () => {
    const takeTry = createTryLimit(null, () => {
      throw new Error('nothing is to be made');
    });
    expect(takeTry({ account: 'alice', address: '192.0.2.1' })).toBeNull();
  });
});
