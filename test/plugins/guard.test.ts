import { describe, expect, it } from 'vitest';
import { authenticate } from '../../src/decision/authenticate.ts';
import { guardPlugin } from '../../src/plugins/guard.ts';
import type { AuthenticationPlugin } from '../../src/plugins/plugin-api.ts';
import { asked, good, plugin } from '../decision/asking.ts';

const request = asked('/');
const IDENTITY = { subject: 'x:1', username: 'one' };

/** Somebody else's code, which keeps to no type. */
function guarded(answer: () => unknown, more: Record<string, unknown> = {}) {
  const logged: string[] = [];
  const context = {
    instance: 'x',
    clock: Date.now,
    log: (level: string, message: string) => void logged.push(`${level} ${message}`),
  };
  // What the compiler would refuse is the point of these tests.
  const foreign = { authenticate: answer, ...more } as unknown as AuthenticationPlugin;
  return { logged, plugin: guardPlugin(foreign, 30, context) };
}

/** The failure's code, once refused alone and once before a good plugin under `any`. */
async function failure(answer: () => unknown): Promise<string> {
  const { plugin: instance, logged } = guarded(answer);
  const later = plugin('later', good());
  const found = await authenticate([{ name: 'x', plugin: instance }, later], 'any', request);
  expect(later.asked()).toBe(0);
  expect(logged).toHaveLength(1);
  expect(logged[0]).toMatch(/^error /);
  return found.kind === 'failed' && found.cause instanceof Error && 'code' in found.cause
    ? `${found.reason} ${found.cause.code}`
    : found.kind;
}

const authenticated = (identity: unknown) => () => ({ kind: 'authenticated', identity });
const thenable = (then: () => void) => Object.defineProperty({}, 'then', { value: then });
const cyclic: Record<string, unknown> = {};
cyclic['self'] = cyclic;

describe('a plugin that', () => {
  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('x');
      },
    ],
    [
      'throws no error',
      () => {
        throw 'x';
      },
    ],
    ['rejects', () => Promise.reject(new Error('x'))],
    ['rejects with nothing', () => Promise.reject(undefined)],
    ['hangs', () => new Promise(() => {})],
    ['hangs as somebody else’s promise', () => thenable(() => {})],
    [
      'breaks as somebody else’s promise',
      () =>
        thenable(() => {
          throw new Error('x');
        }),
    ],
    ['answers nothing', () => undefined],
    ['answers null', () => null],
    ['answers true', () => true],
    ['answers a word', () => 'authenticated'],
    ['answers an empty object', () => ({})],
    ['answers another kind', () => ({ kind: 'allowed', identity: IDENTITY })],
    [
      'answers by a getter that throws',
      () => ({
        get kind() {
          throw new Error('x');
        },
      }),
    ],
    ['rejects for a reason of its own', () => ({ kind: 'rejected', reason: 'bad-mood' })],
    ['authenticates nobody', () => ({ kind: 'authenticated' })],
    ['authenticates null', authenticated(null)],
    ['authenticates a text', authenticated('alice')],
    ['gives no subject', authenticated({ username: 'one' })],
    ['gives an empty subject', authenticated({ ...IDENTITY, subject: '' })],
    ['gives no username', authenticated({ subject: 'x:1' })],
    ['gives an empty username', authenticated({ ...IDENTITY, username: '' })],
    ['gives a username that is no text', authenticated({ ...IDENTITY, username: { toString: () => 'admin' } })],
    ['gives roles as a text', authenticated({ ...IDENTITY, roles: 'admin' })],
    ['gives roles that are no texts', authenticated({ ...IDENTITY, roles: ['a', ['admin']] })],
    ['gives groups that are no list', authenticated({ ...IDENTITY, groups: { 0: 'a', length: 1 } })],
    ['gives scopes as a text', authenticated({ ...IDENTITY, scopes: 'all' })],
    ['gives claims as a list', authenticated({ ...IDENTITY, claims: [] })],
    ['gives claims that go round in a circle', authenticated({ ...IDENTITY, claims: cyclic })],
    ['gives claims that are no data', authenticated({ ...IDENTITY, claims: { big: 1n } })],
    ['gives a time that is none', authenticated({ ...IDENTITY, authenticatedAt: Number.NaN })],
    ['gives a time as a text', authenticated({ ...IDENTITY, authenticatedAt: 'now' })],
    [
      'gives identities that break',
      authenticated({
        ...IDENTITY,
        get roles() {
          throw new Error('x');
        },
      }),
    ],
  ])('%s is refused and logged, and no later plugin is asked', async (_what, answer) => {
    expect(await failure(answer)).toBe('internal-error plugin-failed');
    if (!_what.includes('hangs')) expect(await failure(async () => answer())).toBe('internal-error plugin-failed');
  });
});

describe('a plugin’s identity', () => {
  it('is nobody of the directory, by this instance, whatever it says', async () => {
    const { plugin: instance } = guarded(
      authenticated({
        ...IDENTITY,
        userId: 'usr_admin',
        networks: null,
        methods: ['session'],
        isAdmin: true,
        scopes: ['s'],
      }),
    );
    expect(await instance.authenticate(request)).toEqual({
      kind: 'authenticated',
      identity: {
        ...IDENTITY,
        name: '',
        email: '',
        roles: [],
        groups: [],
        scopes: ['s'],
        claims: {},
        userId: null,
        networks: null,
        authenticatedAt: null,
        methods: ['x'],
      },
    });
  });

  it('does not change after it was looked at', async () => {
    const roles = ['a'];
    const claims = { list: ['a'], hidden: () => 1 };
    const { plugin: instance } = guarded(authenticated(Object.freeze({ ...IDENTITY, roles, claims })));
    const first = await instance.authenticate(request);
    roles.push('admin');
    claims.list.push('admin');
    for (const result of [first, await instance.authenticate(request)]) {
      expect(result).toMatchObject({ identity: { roles: ['a'], claims: { list: ['a'] } } });
    }
  });

  it('is the same object for the same frozen one, so that its headers are made once', async () => {
    const { plugin: instance } = guarded(authenticated(Object.freeze({ ...IDENTITY })));
    const identities = [await instance.authenticate(request), await instance.authenticate(request)].map(
      (result) => result.kind === 'authenticated' && result.identity,
    );
    expect(identities[0]).toBe(identities[1]);
  });

  it('that can be changed is looked at each time', async () => {
    const identity = { ...IDENTITY, roles: ['admin'] };
    const { plugin: instance } = guarded(authenticated(identity));
    await instance.authenticate(request);
    identity.roles = [];
    expect(await instance.authenticate(request)).toMatchObject({ identity: { roles: [] } });
  });
});

describe('a plugin is not made', () => {
  it.each<[string, Record<string, unknown>]>([
    ['a header that the answer needs itself', { identityHeaders: { 'Content-Length': 'x' } }],
    ['a header with a line break', { identityHeaders: { 'X-A\r\nX-B': 'x' } }],
    ['a challenge with a line break', { challenge: 'Word\r\nX-Evil: 1' }],
    ['a challenge beyond ASCII', { challenge: 'Wört' }],
    ['a challenge that is no text', { challenge: 42 }],
    ['an empty challenge', { challenge: '' }],
    [
      'a path with a query',
      { paths: [{ path: '/a?b', methods: ['GET'], description: '', handle: () => new Response() }] },
    ],
    [
      'a path with dots',
      { paths: [{ path: '/a/../b', methods: ['GET'], description: '', handle: () => new Response() }] },
    ],
    ['a path without a handler', { paths: [{ path: '/a', methods: ['GET'], description: '' }] }],
  ])('with %s', (_what, more) => {
    expect(() => guarded(() => ({ kind: 'not-responsible' }), more)).toThrow(
      expect.objectContaining({ code: 'plugin-failed' }),
    );
  });

  it('with what is usual, it is', () => {
    const more = {
      challenge: 'Word realm="x", charset="UTF-8"',
      login: true,
      identityHeaders: { 'X-Auth-Word': 'word' },
    };
    expect(guarded(() => ({ kind: 'not-responsible' }), more).plugin).toMatchObject(more);
  });
});

it('an answer in time is the answer', async () => {
  const { plugin: instance, logged } = guarded(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return { kind: 'rejected', reason: 'session-expired', stale: true };
  });
  expect(await instance.authenticate(request)).toEqual({ kind: 'rejected', reason: 'session-expired', stale: true });
  expect(logged).toEqual([]);
});

it.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('x');
    },
  ],
  ['rejects', () => Promise.reject(new Error('x'))],
  ['hangs', () => new Promise(() => {})],
])('a plugin whose closing %s is logged and keeps nothing else from closing', async (_what, close) => {
  const { plugin: instance, logged } = guarded(() => ({ kind: 'not-responsible' }), { close });
  await instance.close?.();
  expect(logged).toEqual([expect.stringMatching(/^error /)]);
});
