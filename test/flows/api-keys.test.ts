import { expect, it } from 'vitest';
import { type ApiKey, apiKeyName } from '../../src/domain/api-key.ts';
import { GatelodgeError } from '../../src/domain/errors.ts';
import { secretMatches, splitSecret } from '../../src/domain/secret.ts';
import type { ApiKeyStore } from '../../src/domain/store.ts';
import type { User } from '../../src/domain/user.ts';
import { createApiKeys } from '../../src/flows/api-keys.ts';

const NOW = 1_800_000_000_000;
const ALICE: User = {
  ...{ id: 'usr_alice', username: 'alice', name: '', email: '', roles: [], groups: [], locked: false },
  ...{ passwordHash: null, source: 'database' },
};

function open() {
  const records = new Map<string, ApiKey>();
  const store: ApiKeyStore = {
    insert: async (key) => void records.set(key.id, key),
    findById: async (id) => records.get(id) ?? null,
    list: async (userId) => [...records.values()].filter((key) => userId === null || key.userId === userId),
    delete: async (id) => records.delete(id),
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
  const { text, key } = await keys.create(ALICE, { name: 'ci', scopes: ['a', 'b', 'a'], expiresAt: NOW + 1 });
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
])('refuses %j', async (request) => {
  const { keys, records } = open();
  expect(await code(keys.create(ALICE, request))).toBe('invalid-request');
  expect(records.size).toBe(0);
});

it('revokes by id, with or without prefix, or by the whole key', async () => {
  const { keys, records } = open();
  for (const part of [0, 1, 2]) {
    const { text, key } = await keys.create(ALICE, { name: 'x', scopes: [], expiresAt: null });
    const named = [text, apiKeyName(key), key.id][part] ?? '';
    expect((await keys.revoke(named)).id).toBe(key.id);
    expect(await code(keys.revoke(named))).toBe('not-found');
  }
  expect(records.size).toBe(0);
});

it('takes a bare id for one even where it looks like a prefix', async () => {
  const { keys, store } = open();
  const { key } = await keys.create(ALICE, { name: 'x', scopes: [], expiresAt: null });
  await store.insert({ ...key, id: 'glk_ABCDEFGHIJKL' });
  expect((await keys.revoke('glk_ABCDEFGHIJKL')).id).toBe('glk_ABCDEFGHIJKL');
});

it.each(['', 'glk_', 'glk_x', '%', "' or 1=1", `${'a'.repeat(16)}.short`])('finds no key %j', async (text) => {
  expect(await code(open().keys.revoke(text))).toBe('not-found');
});

it('is revoked by one of two at once', async () => {
  const { keys } = open();
  const { key } = await keys.create(ALICE, { name: 'x', scopes: [], expiresAt: null });
  const codes = await Promise.all([code(keys.revoke(key.id)), code(keys.revoke(key.id))]);
  expect(codes.sort()).toEqual(['not-found', null].sort());
});
