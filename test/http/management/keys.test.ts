import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMAND } from '../../../src/domain/key-reach.ts';
import type { User } from '../../../src/domain/user.ts';
import { keysAnswer, keyWithSecretAnswer } from '../../../src/http/management/key-schemas.ts';
import { PASSWORD, type PublicStand, publicStand, START } from '../public-stand.ts';
import { addUser, asAdministrator, type Call, calling, keyOfUser } from './calling.ts';

let stand: PublicStand;
let bob: User;
beforeEach(async () => {
  stand = await publicStand();
  bob = await addUser(stand, 'bob', { roles: ['ops', 'dev'] });
});
afterEach(() => stand.close());

const byKey = (text: string) => calling(stand, { 'x-api-key': text });
/** Who the key is, as the whole service sees it; null where it is refused. */
async function identity(text: unknown): Promise<Record<string, unknown> | null> {
  const response = await stand.request('/gate/userinfo', { headers: { 'x-api-key': String(text) } });
  return response.status === 200 ? ((await response.json()) as Record<string, unknown>) : null;
}
const idOf = (text: string) => text.slice(0, 20);
const at = (milliseconds: number) => new Date(START + milliseconds).toISOString();

describe('an administrator', () => {
  let call: Call;
  beforeEach(async () => {
    call = await asAdministrator(stand);
  });

  it('makes a key for anybody, with all that it may have', async () => {
    const wanted = { name: 'nightly', scopes: ['read'], roles: ['dev'], networks: ['192.0.2.0/24'] };
    const times = { not_before: at(-1_000), expires_at: '2026-01-02T01:00:00+01:00' };
    const { status, body } = await call('POST', '/keys', { user: 'bob', ...wanted, ...times });
    expect(status).toBe(201);
    expect(body).toEqual({
      ...wanted,
      ...{ key: expect.stringMatching(/^glk_[\w-]{16}\.[\w-]{43}$/), id: idOf(String(body['key'])), user: 'bob' },
      ...{ created_at: at(0), created_by: 'alice', not_before: at(-1_000), expires_at: at(86_400_000) },
      ...{ last_used_at: null, rotated_at: null, previous_until: null },
    });
    expect(keyWithSecretAnswer.parse(body)).toEqual(body);
    expect(await identity(body['key'])).toMatchObject({ sub: 'usr_bob', roles: ['dev'], scopes: ['read'] });
    expect(stand.events.at(-1)).toMatchObject({
      ...{ event: 'key.created', user: 'bob', actor: 'alice', address: '192.0.2.1' },
      detail: { key: body['id'], by: 'session' },
    });
  });

  it('makes one for nobody in particular: all defaults', async () => {
    const { body } = await call('POST', '/keys', { name: 'x' });
    expect(body).toMatchObject({
      user: 'alice',
      scopes: [],
      roles: null,
      networks: [],
      not_before: null,
      expires_at: null,
    });
    expect(await identity(body['key'])).toMatchObject({ sub: 'usr_alice', roles: ['admin', 'ops'] });
  });

  it('lists everybody’s keys, or one user’s, without secrets', async () => {
    const [hers, his] = [await keyOfUser(stand, stand.alice), await keyOfUser(stand, bob)];
    const all = await call('GET', '/keys');
    expect(keysAnswer.parse(all.body)).toEqual(all.body);
    expect(all.body).toMatchObject({
      keys: [
        { id: idOf(hers), user: 'alice' },
        { id: idOf(his), user: 'bob' },
      ].sort(byId),
    });
    expect((await call('GET', '/keys?user=bob')).body).toMatchObject({ keys: [{ id: idOf(his) }] });
    for (const text of [hers, his]) expect(JSON.stringify(all.body)).not.toContain(text.slice(21));
    expect((await call('GET', '/keys?user=nobody')).short).toBe('404 not-found');
  });
  const byId = (one: { id: string }, other: { id: string }) => (one.id < other.id ? -1 : 1);

  it('rotates and revokes anybody’s key', async () => {
    const old = await keyOfUser(stand, bob, { scopes: ['read'] });
    const rotated = await call('POST', `/keys/${idOf(old)}/rotate`, { overlap_seconds: 60 });
    expect(rotated.status).toBe(200);
    expect(keyWithSecretAnswer.parse(rotated.body)).toEqual(rotated.body);
    expect(rotated.body).toMatchObject({
      id: idOf(old),
      scopes: ['read'],
      rotated_at: at(0),
      previous_until: at(60_000),
    });
    const next = String(rotated.body['key']);
    expect(next).not.toBe(old);
    expect([await identity(old), await identity(next)]).toMatchObject([{ sub: 'usr_bob' }, { sub: 'usr_bob' }]);
    stand.advance(60_000);
    expect([await identity(old), await identity(next)]).toMatchObject([null, { sub: 'usr_bob' }]);
    const listed = (await call('GET', '/keys?user=bob')).body;
    expect(listed).toMatchObject({ keys: [{ rotated_at: at(0), previous_until: null }] });

    expect((await call('DELETE', `/keys/${idOf(old)}`)).status).toBe(204);
    expect(await identity(next)).toBeNull();
    expect((await call('DELETE', `/keys/${idOf(old)}`)).short).toBe('404 not-found');
    const told = stand.events.filter(({ event }) => event.startsWith('key.'));
    expect(told).toMatchObject([
      { event: 'key.rotated', user: 'bob', actor: 'alice', detail: { key: idOf(old), by: 'session', overlap: 60 } },
      { event: 'key.revoked', user: 'bob', actor: 'alice', detail: { key: idOf(old), by: 'session' } },
    ]);
    expect(JSON.stringify(stand.events)).not.toContain(next.slice(21));
  });

  it('needs no body to rotate: an hour', async () => {
    const old = await keyOfUser(stand, bob);
    expect((await call('POST', `/keys/${idOf(old)}/rotate`)).body).toMatchObject({ previous_until: at(3_600_000) });
    expect((await call('POST', `/keys/${idOf(old)}/rotate`, { overlap_seconds: 0 })).body).toMatchObject({
      previous_until: null,
    });
    expect(await identity(old)).toBeNull();
  });

  it('gets nothing that cannot be', async () => {
    const expired = await keyOfUser(stand, bob, { expiresAt: stand.now() + 1 });
    stand.advance(1);
    expect((await call('POST', `/keys/${idOf(expired)}/rotate`)).short).toBe('409 conflict');
    expect((await call('POST', '/keys', { name: 'x', user: 'nobody' })).short).toBe('404 not-found');
    for (const wrong of [
      { roles: ['admin'], user: 'bob' },
      { networks: ['10.0.0.0/64'] },
      { networks: ['example.com'] },
      { scopes: ['a b'] },
      { expires_at: at(-1) },
      { name: '' },
      { name: 'a\u0000b' },
    ]) {
      expect((await call('POST', '/keys', { name: 'x', ...wrong })).short, JSON.stringify(wrong)).toBe(
        '400 invalid-request',
      );
    }
    expect(await stand.apiKeys.list(null)).toHaveLength(1);
  });
});

describe('a key without the role admin', () => {
  it('manages the keys of its own user', async () => {
    const text = await keyOfUser(stand, bob);
    const call = byKey(text);
    const made = await call('POST', '/keys', { name: 'x', scopes: ['keys'], roles: ['dev'] });
    expect(made.body).toMatchObject({ user: 'bob', roles: ['dev'], created_by: idOf(text) });
    expect(stand.events.at(-1)).toMatchObject({ event: 'key.created', actor: 'bob', detail: { by: idOf(text) } });
    const ids = ((await call('GET', '/keys')).body as { keys: { id: string }[] }).keys.map(({ id }) => id);
    expect(ids.sort()).toEqual([idOf(text), made.body['id']].sort());
    expect((await call('POST', `/keys/${made.body['id']}/rotate`)).status).toBe(200);
    expect((await call('DELETE', `/keys/${made.body['id']}`)).status).toBe(204);
    expect((await call('DELETE', `/keys/${idOf(text)}`)).status).toBe(204);
    expect((await call('GET', '/keys')).short).toBe('401 invalid-credentials');
  });

  it('neither sees nor touches anybody else’s, nor learns who there is', async () => {
    const call = byKey(await keyOfUser(stand, bob));
    const hers = await keyOfUser(stand, stand.alice);
    expect((await call('GET', '/keys')).body).toMatchObject({ keys: [{ user: 'bob' }] });
    const strangers = await Promise.all(
      ['alice', 'nobody', 'usr_alice', 'Bob', ''].map(async (user) => [
        (await call('GET', `/keys?user=${user}`)).short,
        (await call('POST', '/keys', { user, name: 'x' })).short,
        (await call('POST', '/keys', { user, name: 'x', roles: ['nonsense'] })).short,
      ]),
    );
    expect(new Set(strangers.flat())).toEqual(new Set(['403 forbidden']));
    const unknown = 'glk_AAAAAAAAAAAAAAAA';
    for (const id of [idOf(hers), idOf(hers).slice(4), unknown]) {
      expect((await call('POST', `/keys/${id}/rotate`)).short, id).toBe('404 not-found');
      expect((await call('DELETE', `/keys/${id}`)).short, id).toBe('404 not-found');
    }
    expect(await identity(hers)).not.toBeNull();
    expect(stand.events.filter(({ event }) => event === 'call.refused')).toHaveLength(15);
  });
});

describe('no key gets hold of one that is worth more', () => {
  const limits = () => ({
    ...{ scopes: ['keys', 'read'], roles: ['dev'], networks: ['192.0.2.0/24'] },
    expiresAt: stand.now() + 86_400_000,
  });
  const within = { scopes: ['read'], roles: ['dev'], networks: ['192.0.2.1'], expires_at: at(86_400_000) };

  it.each([
    ['scopes', { scopes: ['read', 'write'] }],
    ['a scope for other calls', { scopes: ['introspect'] }],
    ['a scope in another spelling', { scopes: ['READ'] }],
    ['roles', { roles: ['dev', 'ops'] }],
    ['all roles', { roles: null }],
    ['all roles, by saying nothing', { roles: undefined }],
    ['networks', { networks: ['192.0.2.1', '10.0.0.0/8'] }],
    ['wider networks', { networks: ['192.0.0.0/16'] }],
    ['all networks', { networks: [] }],
    ['all networks, in IPv6', { networks: ['::/0'] }],
    ['a later end', { expires_at: at(86_400_001) }],
    ['no end', { expires_at: null }],
    ['no end, by saying nothing', { expires_at: undefined }],
  ])('by making it: %s', async (_what, more) => {
    const text = await keyOfUser(stand, bob, limits());
    const call = byKey(text);
    expect((await call('POST', '/keys', { name: 'x', ...within })).short).toBe('201');
    expect((await call('POST', '/keys', { name: 'x', ...within, ...more })).short).toBe('403 forbidden');
    expect(await stand.apiKeys.list(null)).toHaveLength(2);
    expect(stand.events.at(-1)).toMatchObject({
      ...{ event: 'call.refused', user: 'bob' },
      detail: { reason: 'forbidden', scope: 'keys', by: idOf(text) },
    });
  });

  it.each([
    ['scopes', { scopes: ['write'] }],
    ['roles', { roles: null }],
    ['networks', { networks: [] }],
    ['end', { expiresAt: null }],
  ])('by rotating it: %s', async (_what, more) => {
    const call = byKey(await keyOfUser(stand, bob, limits()));
    const wider = await keyOfUser(stand, bob, { ...limits(), ...more });
    expect((await call('POST', `/keys/${idOf(wider)}/rotate`)).short).toBe('403 forbidden');
    // It is as it was, and may still be revoked: that gives nobody anything.
    expect((await stand.apiKeys.list(null)).find(({ id }) => id === wider.slice(4, 20))?.rotatedAt).toBeNull();
    expect((await call('DELETE', `/keys/${idOf(wider)}`)).status).toBe(204);
  });

  it('by way of one that it made: not in two steps either', async () => {
    const first = byKey(await keyOfUser(stand, bob, limits()));
    const { body } = await first('POST', '/keys', {
      name: 'x',
      ...within,
      scopes: ['keys'],
      networks: ['192.0.2.0/24'],
    });
    const second = byKey(String(body['key']));
    expect((await second('POST', '/keys', { name: 'y', ...within })).short).toBe('403 forbidden');
    expect((await second('POST', '/keys', { name: 'y', ...within, scopes: [] })).short).toBe('201');
  });

  it('by its own owner’s new role', async () => {
    const call = byKey(await keyOfUser(stand, bob, { roles: ['dev'] }));
    await stand.store.users.update('usr_bob', { roles: ['dev', 'admin'] }, stand.now());
    expect((await call('POST', '/keys', { name: 'x', roles: ['admin'] })).short).toBe('403 forbidden');
    expect((await call('POST', '/keys', { name: 'x', roles: null })).short).toBe('403 forbidden');
    expect((await call('GET', '/keys?user=alice')).short).toBe('403 forbidden');
  });

  it('by being an administrator’s: for others it names roles of its own, and its other limits hold', async () => {
    const call = byKey(await keyOfUser(stand, stand.alice, { roles: ['admin'], scopes: ['keys', 'read'] }));
    const make = async (wanted: object) => (await call('POST', '/keys', { name: 'x', user: 'bob', ...wanted })).short;
    expect(await make({ scopes: ['read'], roles: [] })).toBe('201');
    expect(await make({ roles: null })).toBe('403 forbidden');
    expect(await make({ roles: ['ops'] })).toBe('403 forbidden');
    expect(await make({ roles: [], scopes: ['write'] })).toBe('403 forbidden');
    // bob is no administrator, so a key of his cannot be one.
    expect(await make({ roles: ['admin'] })).toBe('400 invalid-request');
    const his = await keyOfUser(stand, bob);
    expect((await call('POST', `/keys/${idOf(his)}/rotate`)).short).toBe('403 forbidden');
    expect((await call('DELETE', `/keys/${idOf(his)}`)).status).toBe(204);
  });

  it('by an administrator’s key that has not the role: it is nobody’s in particular', async () => {
    const call = byKey(await keyOfUser(stand, stand.alice, { roles: ['ops'] }));
    expect((await call('GET', '/keys?user=bob')).short).toBe('403 forbidden');
    expect((await call('POST', '/keys', { name: 'x', user: 'bob', roles: [] })).short).toBe('403 forbidden');
    expect((await call('POST', '/keys', { name: 'x', roles: ['admin'] })).short).toBe('403 forbidden');
    expect((await call('GET', '/keys')).body).toMatchObject({ keys: [{ user: 'alice' }] });
  });

  it('once it is no longer good, or used from elsewhere', async () => {
    const text = await keyOfUser(stand, bob, { networks: ['10.0.0.0/8'] });
    expect((await byKey(text)('GET', '/keys')).short).toBe('401 invalid-credentials');
    const early = await keyOfUser(stand, bob, { notBefore: stand.now() + 1 });
    expect((await byKey(early)('GET', '/keys')).short).toBe('401 invalid-credentials');
    stand.advance(1);
    expect((await byKey(early)('GET', '/keys')).short).toBe('200');
  });
});

it('whoever has the whole key ends it at /revoke, and of several at once all are told so', async () => {
  const [old, other] = [await keyOfUser(stand, bob), await keyOfUser(stand, bob)];
  const { text } = await stand.apiKeys.rotate(old, 60_000, COMMAND);
  const revoke = async (token: string) => {
    const body = new URLSearchParams({ token });
    return (await stand.request('/gate/revoke', { method: 'POST', body })).status;
  };
  // The id alone, or another secret, ends nothing.
  for (const token of [idOf(old), `${idOf(old)}.${'A'.repeat(43)}`, `${idOf(old)}.${other.slice(21)}`])
    expect(await revoke(token)).toBe(200);
  expect(await identity(old)).not.toBeNull();
  expect(await Promise.all([old, text, old, text].map(revoke))).toEqual([200, 200, 200, 200]);
  expect([await identity(old), await identity(text)]).toEqual([null, null]);
  expect(await identity(other)).not.toBeNull();
});

it('an access token or a password is none of a key’s business', async () => {
  const { accessToken: token } = await stand.grants.grant(stand.alice);
  const basic = `Basic ${btoa(`alice:${PASSWORD}`)}`;
  for (const authorization of [`Bearer ${token}`, basic]) {
    const answered = await calling(stand, { authorization })('POST', '/keys', { name: 'x' });
    expect(answered.status).toBe(401);
  }
});
