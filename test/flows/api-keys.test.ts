import { describe, expect, it } from 'vitest';
import { type ApiKey, apiKeyName } from '../../src/domain/api-key.ts';
import { GatelodgeError } from '../../src/domain/errors.ts';
import { COMMAND, type KeyManager } from '../../src/domain/key-reach.ts';
import { secretMatches, splitSecret } from '../../src/domain/secret.ts';
import type { ApiKeyStore } from '../../src/domain/store.ts';
import type { User } from '../../src/domain/user.ts';
import { createApiKeys } from '../../src/flows/api-keys.ts';

const NOW = 1_800_000_000_000;
const ALICE: User = {
  ...{
    id: 'usr_alice',
    username: 'alice',
    name: '',
    email: '',
    roles: ['dev', 'ops'],
    groups: [],
    networks: [],
    locked: false,
  },
  ...{ passwordHash: null, source: 'database' },
};

function open() {
  const records = new Map<string, ApiKey>();
  const store: ApiKeyStore = {
    insert: async (key) => void records.set(key.id, key),
    findById: async (id) => records.get(id) ?? null,
    list: async (userId) => [...records.values()].filter((key) => userId === null || key.userId === userId),
    delete: async (id) => records.delete(id),
    async rotate(id, { expected, next, previousUntil, at }) {
      const key = records.get(id);
      if (key === undefined || !Buffer.from(expected).equals(key.secretHash)) return false;
      const previous = previousUntil === null ? null : { secretHash: expected, until: previousUntil };
      records.set(id, { ...key, secretHash: next, previous, rotatedAt: at });
      return true;
    },
    deleteExpired: async () => 0,
    touch: async () => {},
  };
  return { records, store, keys: createApiKeys({ store, clock: () => NOW }) };
}
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => (error instanceof GatelodgeError ? error.code : error),
  );

it('keeps everything but the secret', async () => {
  const { keys, records } = open();
  const { text, key } = await keys.create(ALICE, { name: 'ci', scopes: ['a', 'b', 'a'], expiresAt: NOW + 1 }, COMMAND);
  const parts = splitSecret(text, 'glk_');
  expect(parts?.id).toBe(key.id);
  expect(secretMatches(parts?.secret ?? '', key.secretHash)).toBe(true);
  expect(records.get(key.id)).toEqual(key);
  expect(key).toMatchObject({
    userId: 'usr_alice',
    name: 'ci',
    scopes: ['a', 'b'],
    createdAt: NOW,
    expiresAt: NOW + 1,
    lastUsedAt: null,
  });
  expect(JSON.stringify([...records])).not.toContain(parts?.secret);
});

it.each([
  { name: '', scopes: [], expiresAt: null },
  { name: '  ', scopes: [], expiresAt: null },
  { name: 'x'.repeat(129), scopes: [], expiresAt: null },
  { name: 'a\nb', scopes: [], expiresAt: null },
  { name: 'x', scopes: ['a b'], expiresAt: null },
  { name: 'x', scopes: [''], expiresAt: null },
  { name: 'x', scopes: ['ä'], expiresAt: null },
  { name: 'x', scopes: [], expiresAt: NOW },
  { name: 'x', scopes: [], expiresAt: NOW + 10, notBefore: NOW + 10 },
  { name: 'x', scopes: [], expiresAt: null, roles: ['admin'] },
  { name: 'x', scopes: [], expiresAt: null, roles: ['dev', 'Dev'] },
  { name: 'x', scopes: [], expiresAt: null, networks: ['10.0.0.0/33'] },
  { name: 'x', scopes: [], expiresAt: null, networks: ['localhost'] },
  { name: 'x', scopes: [], expiresAt: null, networks: ['10.0.0.0/8', ''] },
  { name: 'x', scopes: Array.from({ length: 101 }, (_, i) => `s${i}`), expiresAt: null },
])('refuses %j', async (request) => {
  const { keys, records } = open();
  expect(await code(keys.create(ALICE, request, COMMAND))).toBe('invalid-request');
  expect(records.size).toBe(0);
});

it('revokes by id, with or without prefix, or by the whole key', async () => {
  const { keys, records } = open();
  for (const part of [0, 1, 2]) {
    const { text, key } = await keys.create(ALICE, { name: 'x', scopes: [], expiresAt: null }, COMMAND);
    const named = [text, apiKeyName(key), key.id][part] ?? '';
    expect((await keys.revoke(named, COMMAND)).id).toBe(key.id);
    expect(await code(keys.revoke(named, COMMAND))).toBe('not-found');
  }
  expect(records.size).toBe(0);
});

it('takes a bare id for one even where it looks like a prefix', async () => {
  const { keys, store } = open();
  const { key } = await keys.create(ALICE, { name: 'x', scopes: [], expiresAt: null }, COMMAND);
  await store.insert({ ...key, id: 'glk_ABCDEFGHIJKL' });
  expect((await keys.revoke('glk_ABCDEFGHIJKL', COMMAND)).id).toBe('glk_ABCDEFGHIJKL');
});

it.each(['', 'glk_', 'glk_x', '%', "' or 1=1", `${'a'.repeat(16)}.short`])('finds no key %j', async (text) => {
  expect(await code(open().keys.revoke(text, COMMAND))).toBe('not-found');
});

it('is revoked by one of two at once', async () => {
  const { keys } = open();
  const { key } = await keys.create(ALICE, { name: 'x', scopes: [], expiresAt: null }, COMMAND);
  const codes = await Promise.all([code(keys.revoke(key.id, COMMAND)), code(keys.revoke(key.id, COMMAND))]);
  expect(codes.sort()).toEqual(['not-found', null].sort());
});

it('lets a program make a thousand for one user, and a person more', async () => {
  const { keys, store } = open();
  const { key } = await keys.create(ALICE, { name: 'x', scopes: [], expiresAt: null }, COMMAND);
  const manager: KeyManager = { kind: 'key', key, roles: ALICE.roles };
  const make = (by: KeyManager) => code(keys.create(ALICE, { name: 'y', scopes: [], expiresAt: null }, by));
  for (let number = 0; number < 998; number += 1) await store.insert({ ...key, id: `k${number}` });
  // What has expired and what is somebody else's does not count.
  await store.insert({ ...key, id: 'expired', expiresAt: NOW });
  await store.insert({ ...key, id: 'his', userId: 'usr_bob' });
  expect(await make(manager)).toBeNull();
  expect(await make(manager)).toBe('conflict');
  expect(await make(COMMAND)).toBeNull();
});

describe('rotation', () => {
  const made = async () => {
    const opened = open();
    const { text, key } = await opened.keys.create(ALICE, { name: 'x', scopes: ['a'], expiresAt: null }, COMMAND);
    return { ...opened, text, key };
  };

  it('changes the secret and nothing else', async () => {
    const { keys, records, key, text } = await made();
    const rotated = await keys.rotate(key.id, 60_000, COMMAND);
    const secret = splitSecret(rotated.text, 'glk_')?.secret ?? '';
    expect(rotated.text).not.toBe(text);
    expect(secretMatches(secret, rotated.key.secretHash)).toBe(true);
    const previous = { secretHash: key.secretHash, until: NOW + 60_000 };
    expect(rotated.key).toEqual({ ...key, secretHash: rotated.key.secretHash, previous, rotatedAt: NOW });
    expect(records.get(key.id)).toEqual(rotated.key);
    expect(JSON.stringify([...records])).not.toContain(secret);
  });

  it('of one key by two at once is done by one', async () => {
    const { keys, key } = await made();
    const codes = await Promise.all([code(keys.rotate(key.id, 0, COMMAND)), code(keys.rotate(key.id, 0, COMMAND))]);
    expect(codes.sort()).toEqual(['conflict', null].sort());
  });

  it('is refused for an overlap that cannot be, a key that is gone and one that has expired', async () => {
    const { keys, store, key } = await made();
    for (const overlap of [-1, Number.NaN, Number.POSITIVE_INFINITY, 31 * 86_400_000])
      expect(await code(keys.rotate(key.id, overlap, COMMAND)), String(overlap)).toBe('invalid-request');
    expect(await code(keys.rotate('glk_ABCDEFGHIJKLMNOP', 0, COMMAND))).toBe('not-found');
    await store.insert({ ...key, id: 'expiredexpired__', expiresAt: NOW });
    expect(await code(keys.rotate('expiredexpired__', 0, COMMAND))).toBe('conflict');
  });
});
