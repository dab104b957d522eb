import { describe, expect, it } from 'vitest';
import { authenticate } from '../../src/decision/authenticate.ts';
import {
  type AuthenticationResult,
  CREDENTIALS_REJECTED,
  NOT_RESPONSIBLE,
  SESSION_EXPIRED,
  USER_LOCKED,
} from '../../src/domain/authentication.ts';
import { GatelodgeError } from '../../src/domain/errors.ts';
import { asked, good, plugin } from './asking.ts';

const request = asked('/');
const GOOD = good();
const soon = <T>(value: T): Promise<T> => new Promise((resolve) => setTimeout(resolve, 1, value));
const throws = (error: unknown) => () => {
  throw error;
};
const rejects = (error: unknown) => () => Promise.reject(error);

/** The outcome in short, with every plugin answering at once, then with every plugin taking its time: they must agree. */
async function outcome(mode: 'any' | 'all', ...results: (AuthenticationResult | (() => never))[]): Promise<string> {
  const shorts = [];
  for (const later of [false, true]) {
    const plugins = results.map((result, index) =>
      plugin(`p${index}`, typeof result === 'function' ? result : later ? soon(result) : result),
    );
    const found = await authenticate(plugins, mode, request);
    if (found.kind === 'rejected') shorts.push(`${found.rejection.reason}${found.rejection.stale ? ' stale' : ''}`);
    else if (found.kind === 'failed') shorts.push(`failed ${found.reason}`);
    else shorts.push(found.kind === 'identified' ? found.identity.username : 'nobody');
  }
  expect(shorts[1]).toBe(shorts[0]);
  return shorts[0] ?? '';
}

describe('any', () => {
  it.each([
    ['nobody asked', [], 'nobody'],
    ['no credential', [NOT_RESPONSIBLE, NOT_RESPONSIBLE], 'nobody'],
    ['a good one', [NOT_RESPONSIBLE, GOOD], 'alice'],
    ['a good one after a bad one', [CREDENTIALS_REJECTED, GOOD], 'alice'],
    ['a good one after a locked one', [USER_LOCKED, GOOD], 'alice'],
    ['a good one before a bad one', [GOOD, CREDENTIALS_REJECTED], 'alice'],
    ['the first of two good ones', [good({ username: 'bob' }), GOOD], 'bob'],
    ['a bad one', [CREDENTIALS_REJECTED, NOT_RESPONSIBLE], 'credentials-rejected'],
    ['a bad one, last', [NOT_RESPONSIBLE, CREDENTIALS_REJECTED], 'credentials-rejected'],
    ['an old cookie', [SESSION_EXPIRED, NOT_RESPONSIBLE], 'session-expired stale'],
    ['two old cookies', [SESSION_EXPIRED, SESSION_EXPIRED], 'session-expired stale'],
    ['an old cookie and a bad credential', [SESSION_EXPIRED, CREDENTIALS_REJECTED], 'session-expired'],
    ['a bad credential and an old cookie', [CREDENTIALS_REJECTED, SESSION_EXPIRED], 'session-expired'],
    ['an old cookie and a locked user', [SESSION_EXPIRED, USER_LOCKED], 'user-locked'],
    ['a locked user and a bad credential', [USER_LOCKED, CREDENTIALS_REJECTED], 'user-locked'],
  ] as [string, AuthenticationResult[], string][])('%s: %s', async (_what, results, expected) =>
    expect(await outcome('any', ...results)).toBe(expected),
  );

  it('asks no further plugin after a good credential', async () => {
    const second = plugin('second', GOOD);
    await authenticate([plugin('first', GOOD), second], 'any', request);
    expect(second.asked()).toBe(0);
  });

  it('answers without a promise where no plugin needs one', () => {
    expect(authenticate([plugin('a', NOT_RESPONSIBLE), plugin('b', GOOD)], 'any', request)).not.toBeInstanceOf(Promise);
  });

  it('is refused where a plugin fails, also when a later one is good', async () => {
    const broken = new TypeError('broken');
    for (const fails of [throws(broken), rejects(broken)]) {
      const later = plugin('later', GOOD);
      const found = await authenticate([plugin('broken', fails), later], 'any', request);
      expect(found).toEqual({ kind: 'failed', reason: 'internal-error', cause: broken });
      expect(later.asked()).toBe(0);
    }
  });

  it.each([
    ['overloaded', 'overloaded'],
    ['store-unavailable', 'store-unavailable'],
    ['plugin-failed', 'internal-error'],
  ] as const)('says %s as %s', async (code, reason) => {
    expect(await outcome('any', throws(new GatelodgeError(code, 'x')))).toBe(`failed ${reason}`);
    expect(await outcome('all', GOOD, throws(new GatelodgeError(code, 'x')))).toBe(`failed ${reason}`);
  });
});

describe('all', () => {
  const foreign = good({ username: 'token', userId: null });
  it.each([
    ['all good', [GOOD, good()], 'alice'],
    ['the first’s identity', [foreign, GOOD], 'token'],
    ['one missing', [GOOD, NOT_RESPONSIBLE], 'nobody'],
    ['one missing, first', [NOT_RESPONSIBLE, GOOD], 'nobody'],
    ['one bad', [GOOD, CREDENTIALS_REJECTED], 'credentials-rejected'],
    ['one stale', [GOOD, SESSION_EXPIRED], 'session-expired stale'],
    ['one stale and one bad', [SESSION_EXPIRED, CREDENTIALS_REJECTED], 'session-expired'],
    ['one missing and one bad', [NOT_RESPONSIBLE, CREDENTIALS_REJECTED], 'credentials-rejected'],
    ['two users of the directory', [GOOD, good({ username: 'bob', userId: 'usr_2' })], 'credentials-rejected'],
    [
      'two users of the directory around a foreign one',
      [GOOD, foreign, good({ userId: 'usr_2' })],
      'credentials-rejected',
    ],
    ['one user and two foreign ones', [GOOD, foreign, good({ username: 'other', userId: null })], 'alice'],
    ['a single plugin', [GOOD], 'alice'],
    ['nobody asked', [], 'nobody'],
  ] as [string, AuthenticationResult[], string][])('%s: %s', async (_what, results, expected) =>
    expect(await outcome('all', ...results)).toBe(expected),
  );

  it('names every plugin that took part', async () => {
    const plugins = [plugin('a', good({ methods: ['a'] })), plugin('b', soon(good({ methods: ['b'] })))];
    expect(await authenticate(plugins, 'all', request)).toMatchObject({ identity: { methods: ['a', 'b'] } });
  });

  it('is refused where one fails, also after a bad credential', async () => {
    expect(await outcome('all', CREDENTIALS_REJECTED, throws(new Error('x')))).toBe('failed internal-error');
  });

  it('keeps the restriction of every credential that carries scopes', async () => {
    const scoped = (...scopes: string[]) => good({ scopes });
    const scopesOf = async (...results: AuthenticationResult[]) => {
      const found = await authenticate(
        results.map((result, index) => plugin(`p${index}`, result)),
        'all',
        request,
      );
      return found.kind === 'identified' ? found.identity.scopes : found.kind;
    };
    expect(await scopesOf(good(), scoped('read'))).toEqual(['read']);
    expect(await scopesOf(scoped('read', 'write'), scoped('write'))).toEqual(['write']);
    expect(await scopesOf(scoped('read'), scoped('write'))).toEqual([]);
    expect(await scopesOf(good(), good())).toBeNull();
  });
});
