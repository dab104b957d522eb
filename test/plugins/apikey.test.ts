import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthenticationPlugin } from '../../src/domain/authentication.ts';
import { COMMAND } from '../../src/domain/key-reach.ts';
import type { User } from '../../src/domain/user.ts';
import { type ApiKeyRequest, createApiKeys } from '../../src/flows/api-keys.ts';
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

const flow = () => createApiKeys({ store: stand.store.apiKeys, clock: stand.now });
const make = async (user: User, request: Partial<ApiKeyRequest>) =>
  (await flow().create(user, { name: 'k', scopes: [], expiresAt: null, ...request }, COMMAND)).text;
const create = (user: User, scopes: string[] = [], expiresAt: number | null = null) =>
  make(user, { scopes, expiresAt });
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

describe('a key with a beginning', () => {
  it('is good from then on, to the millisecond', async () => {
    const key = await make(alice, { notBefore: stand.now() + 60_000, expiresAt: stand.now() + 120_000 });
    stand.advance(59_999);
    expect(await header(key)).toBe('credentials-rejected');
    stand.advance(1);
    expect(await header(key)).toBe('alice');
    stand.advance(60_000);
    expect(await header(key)).toBe('credentials-rejected');
  });
});

describe('a key with networks', () => {
  const from = (address: string | null, text: string) => says(plugin, ['x-api-key', text], { address });

  it('is good from there alone', async () => {
    const key = await make(alice, { networks: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.9'] });
    for (const address of ['10.0.0.1', '10.255.255.255', '::ffff:10.1.2.3', '2001:db8::1', '192.0.2.9'])
      expect(await from(address, key), address).toBe('alice');
    for (const address of [
      '11.0.0.1',
      '192.0.2.8',
      '::ffff:11.0.0.1',
      '2001:db9::1',
      '::1',
      'unknown',
      '',
      '10.0.0.1, 1.1.1.1',
    ])
      expect(await from(address, key), address).toBe('credentials-rejected');
  });

  it('is not where the client’s address cannot be told', async () => {
    expect(await from(null, await make(alice, { networks: ['0.0.0.0/0', '::/0'] }))).toBe('credentials-rejected');
    expect(await from(null, await make(alice, {}))).toBe('alice');
  });

  it('from elsewhere is told to the log, without the secret, and only where the secret was right', async () => {
    const key = await make(alice, { networks: ['10.0.0.0/8'] });
    const before = stand.logged.length;
    expect(await from('11.0.0.1', `${key.slice(0, 21)}${'A'.repeat(43)}`)).toBe('credentials-rejected');
    expect(stand.logged).toHaveLength(before);
    expect(await from('11.0.0.1', key)).toBe('credentials-rejected');
    expect(stand.logged.slice(before)).toEqual([expect.stringMatching(/^warn .*outside its networks/)]);
    expect(stand.logged.join()).toContain(key.slice(0, 20));
    expect(stand.logged.join()).not.toContain(key.slice(21));
  });
});

describe('a key with roles', () => {
  const rolesOf = async (text: string) => {
    const result = await plugin.authenticate(asked('/', { headers: ['x-api-key', text] }));
    return result.kind === 'authenticated' ? result.identity.roles : result.kind;
  };

  it('has those alone, and none that its owner has lost', async () => {
    const dave = await stand.addUser('dave', { roles: ['admin', 'ops', 'dev'] });
    const [some, none, all] = [
      await make(dave, { roles: ['dev', 'admin'] }),
      await make(dave, { roles: [] }),
      await make(dave, { roles: null }),
    ];
    expect([await rolesOf(some), await rolesOf(none), await rolesOf(all)]).toEqual([
      ['admin', 'dev'],
      [],
      ['admin', 'ops', 'dev'],
    ]);
    await stand.store.users.update(dave.id, { roles: ['dev', 'new'] }, stand.now());
    expect([await rolesOf(some), await rolesOf(none), await rolesOf(all)]).toEqual([['dev'], [], ['dev', 'new']]);
    await stand.store.users.update(dave.id, { roles: [] }, stand.now());
    expect([await rolesOf(some), await rolesOf(none), await rolesOf(all)]).toEqual([[], [], []]);
  });
});

describe('a rotated key', () => {
  it('is good with both secrets until the overlap ends, to the millisecond', async () => {
    const old = await create(alice, ['read']);
    expect(await header(old)).toBe('alice');
    const { text } = await flow().rotate(old, 60_000, COMMAND);
    expect(text.slice(0, 21)).toBe(old.slice(0, 21));
    expect([await header(old), await header(text)]).toEqual(['alice', 'alice']);
    expect(await plugin.authenticate(asked('/', { headers: ['x-api-key', old] }))).toMatchObject({
      identity: { scopes: ['read'] },
    });
    stand.advance(59_999);
    expect([await header(old), await header(text)]).toEqual(['alice', 'alice']);
    stand.advance(1);
    expect([await header(old), await header(text)]).toEqual(['credentials-rejected', 'alice']);
  });

  it('without an overlap is good with the new secret from the next request on', async () => {
    const old = await create(alice);
    expect(await header(old)).toBe('alice');
    const { text } = await flow().rotate(old, 0, COMMAND);
    expect([await header(old), await header(text)]).toEqual(['credentials-rejected', 'alice']);
  });

  it('again within the overlap has the last two secrets and no older one', async () => {
    const first = await create(alice);
    const second = (await flow().rotate(first, 60_000, COMMAND)).text;
    const third = (await flow().rotate(first, 60_000, COMMAND)).text;
    expect([await header(first), await header(second), await header(third)]).toEqual([
      'credentials-rejected',
      'alice',
      'alice',
    ]);
  });

  it('never lives longer for it, and ends with both secrets', async () => {
    const old = await create(alice, [], stand.now() + 60_000);
    const { text } = await flow().rotate(old, 3_600_000, COMMAND);
    stand.advance(60_000);
    expect([await header(old), await header(text)]).toEqual(['credentials-rejected', 'credentials-rejected']);
    const revoked = await create(alice);
    const next = (await flow().rotate(revoked, 60_000, COMMAND)).text;
    expect([await header(revoked), await header(next)]).toEqual(['alice', 'alice']);
    await flow().revoke(next, COMMAND);
    expect([await header(revoked), await header(next)]).toEqual(['credentials-rejected', 'credentials-rejected']);
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
