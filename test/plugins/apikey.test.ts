import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthenticationPlugin } from '../../src/domain/authentication.ts';
import type { User } from '../../src/domain/user.ts';
import { createApiKeys } from '../../src/flows/api-keys.ts';
import { createApiKeyPlugin } from '../../src/plugins/apikey.ts';
import { asked } from '../decision/asking.ts';
import { type PluginStand, pluginStand, says } from './plugin-stand.ts';

let stand: PluginStand;
let plugin: AuthenticationPlugin;
let alice: User;
let bob: User;
beforeAll(async () => {
  stand = await pluginStand();
  plugin = createApiKeyPlugin(stand.context('apikey'));
  alice = await stand.addUser('alice', { roles: ['r'] });
  bob = await stand.addUser('bob');
});
afterAll(() => stand.close());

const create = async (user: User, scopes: string[] = [], expiresAt: number | null = null) =>
  (await createApiKeys({ store: stand.store.apiKeys, clock: stand.now }).create(user, { name: 'k', scopes, expiresAt }))
    .text;
const bearer = (text: string) => says(plugin, ['authorization', `Bearer ${text}`]);
const header = (text: string) => says(plugin, ['x-api-key', text]);

it('is taken from both places, with its scopes', async () => {
  const key = await create(alice, ['read']);
  expect([await bearer(key), await header(key), await says(plugin, ['authorization', `bearer  ${key}`])]).toEqual([
    'alice',
    'alice',
    'alice',
  ]);
  expect(plugin.authenticate(asked('/', { headers: ['x-api-key', key] }))).toMatchObject({
    identity: { userId: alice.id, roles: ['r'], scopes: ['read'], methods: ['apikey'], authenticatedAt: null },
  });
  const bare = await create(alice);
  expect(await plugin.authenticate(asked('/', { headers: ['x-api-key', bare] }))).toMatchObject({
    identity: { scopes: [] },
  });
});

it('is nobody’s in any other place', async () => {
  const key = await create(alice);
  for (const headers of [
    [],
    ['authorization', `Basic ${key}`],
    ['authorization', key],
    ['cookie', `glk=${key}`],
    ['x-apikey', key],
    ['x_api_key', key],
  ]) {
    expect(await says(plugin, headers), headers.join(' ')).toBe('not-responsible');
  }
});

describe('a bad key', () => {
  it('is rejected, whatever is wrong with it', async () => {
    const [key, other] = [await create(alice), await create(bob)];
    const [id = '', secret = ''] = key.slice(4).split('.');
    const flipped = `${secret.slice(0, -1)}${secret.endsWith('A') ? 'E' : 'A'}`;
    const bad = [
      `glk_${id}.${other.split('.')[1]}`,
      `glk_${other.slice(4).split('.')[0]}.${secret}`,
      `glk_${id}.${flipped}`,
      `glk_${id}.${secret.slice(0, -1)}`,
      `glk_${id}.`,
      `glk_${id}`,
      `${id}.${secret}`,
      `GLK_${id}.${secret}`,
      `${key},${other}`,
      `${key}, ${other}`,
      `${key}\u00a0`,
      key.toUpperCase(),
      'glk_',
      '',
      'glk___proto__.x',
    ];
    for (const text of bad) {
      expect(await header(text), text).toBe('credentials-rejected');
      if (text !== '') expect(await bearer(text), text).toBe('credentials-rejected');
    }
    expect(await header(key)).toBe('alice');
  });

  it('does not open by its record’s hash', async () => {
    const key = await create(alice);
    const id = key.slice(4, 20);
    const record = await stand.store.apiKeys.findById(id);
    expect(await header(`glk_${id}.${Buffer.from(record?.secretHash ?? []).toString('base64url')}`)).toBe(
      'credentials-rejected',
    );
  });
});

describe('a key that was good', () => {
  it('ends at its expiry, to the millisecond', async () => {
    const key = await create(alice, [], stand.now() + 60_000);
    stand.advance(59_999);
    expect(await header(key)).toBe('alice');
    stand.advance(1);
    expect(await header(key)).toBe('credentials-rejected');
  });

  it('ends at once with its revocation, its user’s lock and its user', async () => {
    const carol = await stand.addUser('carol');
    const [key, revoked] = [await create(carol), await create(carol)];
    expect([await header(key), await header(revoked)]).toEqual(['carol', 'carol']);
    await stand.store.apiKeys.delete(revoked.slice(4, 20));
    expect(await header(revoked)).toBe('credentials-rejected');
    await stand.store.users.setLocked(carol.id, true, stand.now());
    expect(await header(key)).toBe('user-locked');
    // Who does not have the secret is not told that the user is locked.
    expect(await header(`${key.slice(0, 21)}${'A'.repeat(43)}`)).toBe('credentials-rejected');
    await stand.store.users.setLocked(carol.id, false, stand.now());
    expect(await header(key)).toBe('carol');
    await stand.store.users.delete(carol.id);
    expect(await header(key)).toBe('credentials-rejected');
  });
});

describe('both places at once', () => {
  const both = (one: string, other: string) => says(plugin, ['x-api-key', one, 'authorization', `Bearer ${other}`]);

  it('the first good one wins', async () => {
    const [hers, his] = [await create(alice), await create(bob)];
    expect(await both(hers, his)).toBe('alice');
    expect(await both('glk_bad', his)).toBe('bob');
    expect(await both(hers, 'glk_bad')).toBe('alice');
    expect(await both('glk_bad', 'glk_worse')).toBe('credentials-rejected');
  });

  it('a token of another kind is left to the other plugins', async () => {
    expect(await both(await create(alice), 'eyJ.e.s')).toBe('alice');
    expect(await both('glk_bad', 'eyJ.e.s')).toBe('credentials-rejected');
  });
});
