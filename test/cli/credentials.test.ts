import { expect, it } from 'vitest';
import { type Place, place } from './run-command.ts';

const YAML = 'users: [{username: alice}]\n';

async function json(at: Place, ...args: string[]): Promise<Record<string, unknown>[]> {
  return JSON.parse((await at.run([...args, '--json'])).out);
}

it('makes a key, prints it alone and stores it hashed', async () => {
  const at = place(YAML);
  const args = ['--user', 'alice', '--name', 'nightly job', '--scope', 'read', '--scope', 'write', '--expires', '30d'];
  const { code, out, err } = await at.run(['keys', 'create', ...args]);
  expect(code).toBe(0);
  expect(out).toMatch(/^glk_[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}\n$/);
  const [id = '', secret = ''] = out.trim().split('.');
  expect(err).toContain('"event":"key.created"');
  expect(err).not.toContain(secret);
  const [key, ...others] = await json(at, 'keys', 'list');
  expect(others).toEqual([]);
  expect(key).toMatchObject({ id, user: 'alice', name: 'nightly job', scopes: ['read', 'write'], last_used_at: null });
  const lasts = Date.parse(String(key?.['expires_at'])) - Date.parse(String(key?.['created_at']));
  expect(Math.abs(lasts - 30 * 86_400_000)).toBeLessThan(60_000);
  const database = at.read('data/gatelodge.db') + at.read('gatelodge.yaml');
  expect(database).not.toContain(secret);
  expect((await at.run(['keys', 'list'])).out).toMatch(new RegExp(`^${id} +alice +nightly job +read write `, 'm'));
});

it('revokes a key by what people have of it', async () => {
  const at = place(YAML);
  for (const named of [(key: string) => key, (key: string) => key.slice(0, 20), (key: string) => key.slice(4, 20)]) {
    const key = (await at.run(['keys', 'create', '--user', 'alice', '--name', 'x'])).out.trim();
    const revoked = await at.run(['keys', 'revoke', named(key)]);
    expect(revoked).toMatchObject({ code: 0, out: `${key.slice(0, 20)} is revoked\n` });
    expect(revoked.err).toContain('"event":"key.revoked"');
    expect(await json(at, 'keys', 'list')).toEqual([]);
    const again = await at.run(['keys', 'revoke', named(key)]);
    expect(again).toMatchObject({ code: 1, out: '' });
    expect(again.err).toContain('(not-found)');
  }
});

it('makes a key with all that it may have, and lists it', async () => {
  const at = place('users: [{username: alice, roles: [ops, dev]}]\n');
  const from = '2097-01-31T00:00:00Z';
  const limits = ['--role', 'dev', '--network', '10.0.0.0/8', '--network', '::1', '--not-before', from];
  const args = ['--user', 'alice', '--name', 'nightly', ...limits, '--expires', '2097-03-01T01:00:00+01:00'];
  const { code, out } = await at.run(['keys', 'create', ...args]);
  expect(code).toBe(0);
  const [key] = await json(at, 'keys', 'list');
  expect(key).toEqual({
    ...{
      id: out.slice(0, 20),
      user: 'alice',
      name: 'nightly',
      scopes: [],
      roles: ['dev'],
      networks: ['10.0.0.0/8', '::1'],
    },
    ...{ created_at: expect.any(String), created_by: null, not_before: '2097-01-31T00:00:00.000Z' },
    ...{ expires_at: '2097-03-01T00:00:00.000Z', last_used_at: null, rotated_at: null, previous_until: null },
  });
  expect((await at.run(['keys', 'list'])).out).toMatch(
    / nightly +- +dev +10\.0\.0\.0\/8 ::1 +\S+ +command +2097-01-31\S+ +2097-03/,
  );
});

it('rotates a key: the id stays, the old secret is good for an hour or as told', async () => {
  const at = place(YAML);
  const old = (await at.run(['keys', 'create', '--user', 'alice', '--name', 'x', '--scope', 'read'])).out.trim();
  const id = old.slice(0, 20);
  const rotated = await at.run(['keys', 'rotate', id]);
  expect(rotated.code).toBe(0);
  expect(rotated.out).toMatch(/^glk_[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}\n$/);
  expect(rotated.out.slice(0, 20)).toBe(id);
  expect(rotated.out.trim()).not.toBe(old);
  expect(rotated.err).toContain('"event":"key.rotated"');
  expect(rotated.err).not.toContain(rotated.out.trim().slice(21));
  const [key] = await json(at, 'keys', 'list');
  expect(key).toMatchObject({ id, name: 'x', scopes: ['read'], rotated_at: expect.any(String) });
  const overlap = Date.parse(String(key?.['previous_until'])) - Date.parse(String(key?.['rotated_at']));
  expect(overlap).toBe(3_600_000);
  expect((await at.run(['keys', 'rotate', id, '--overlap', '0'])).err).toContain('no longer good');
  expect(await json(at, 'keys', 'list')).toMatchObject([{ id, previous_until: null }]);
  expect(at.read('data/gatelodge.db')).not.toContain(rotated.out.trim().slice(21));
});

it('takes an id that begins with a hyphen for an id', async () => {
  const at = place(YAML);
  for (const words of [
    ['keys', 'revoke'],
    ['keys', 'rotate'],
    ['sessions', 'revoke'],
  ]) {
    const { code, err } = await at.run([...words, '-aaaaaaaaaaaaaaa']);
    expect(code).toBe(1);
    expect(err).toContain('(not-found)');
  }
});

it('lists the keys of one user alone', async () => {
  const at = place(YAML);
  await at.run(['users', 'add', 'bob', '--generate']);
  for (const user of ['alice', 'bob']) await at.run(['keys', 'create', '--user', user, '--name', `of ${user}`]);
  expect(await json(at, 'keys', 'list', '--user', 'bob')).toMatchObject([
    { user: 'bob', name: 'of bob', expires_at: null },
  ]);
  expect(await json(at, 'keys', 'list')).toHaveLength(2);
  await at.run(['users', 'delete', 'bob']);
  expect(await json(at, 'keys', 'list')).toMatchObject([{ user: 'alice' }]);
});

it.each([
  [['keys', 'create', '--user', 'nobody', '--name', 'x'], 1, 'not-found'],
  [['keys', 'create', '--user', 'alice', '--name', 'a\u001bb'], 1, 'invalid-request'],
  [['keys', 'create', '--user', 'alice', '--name', 'x', '--scope', 'a b'], 1, 'invalid-request'],
  [['keys', 'create', '--user', 'alice', '--name', 'x', '--expires', 'soon'], 2, '--expires'],
  [['keys', 'create', '--user', 'alice'], 2, '--name is missing'],
  [['keys', 'create', '--name', 'x'], 2, '--user is missing'],
  [['keys', 'revoke'], 2, 'ID'],
  [['keys', 'list', '--user', 'nobody'], 1, 'not-found'],
  [['keys'], 2, 'expected one of create, list, rotate, revoke'],
  [['keys', 'create', '--user', 'alice', '--name', 'x', '--role', 'admin'], 1, 'invalid-request'],
  [['keys', 'create', '--user', 'alice', '--name', 'x', '--network', '10.0.0.0/99'], 1, 'invalid-request'],
  [['keys', 'create', '--user', 'alice', '--name', 'x', '--expires', '2020-01-01T00:00:00Z'], 1, 'invalid-request'],
  [['keys', 'create', '--user', 'alice', '--name', 'x', '--not-before', '2027-02-30T00:00:00Z'], 2, '--not-before'],
  [['keys', 'create', '--user', 'alice', '--name', 'x', '--not-before', '2027-02-03'], 2, '--not-before'],
  [['keys', 'rotate'], 2, 'ID'],
  [['keys', 'rotate', 'glk_ABCDEFGHIJKLMNOP'], 1, 'not-found'],
  [['keys', 'rotate', 'glk_ABCDEFGHIJKLMNOP', '--overlap', 'x'], 2, '--overlap'],
  [['sessions', 'list', '--user', 'nobody'], 1, 'not-found'],
  [['sessions', 'revoke', 'nonsense'], 1, 'not-found'],
  [['sessions', 'revoke'], 2, 'either an ID or --user'],
  [['sessions', 'revoke', 'x', '--user', 'alice'], 2, 'either an ID or --user'],
  [['signing-keys', 'constructor'], 2, 'expected one of list, rotate'],
])('refuses %j', async (args, code, message) => {
  const ran = await place(YAML).run(args);
  expect(ran).toMatchObject({ code, out: '' });
  expect(ran.err).toContain(message);
});

it('rotates signing keys; the one before goes on verifying', async () => {
  const at = place('tokens: {lifetime: 2h}\n');
  expect(await json(at, 'signing-keys', 'list')).toEqual([]);
  const first = (await at.run(['signing-keys', 'rotate'])).out.split(' ')[0];
  const rotated = await at.run(['signing-keys', 'rotate']);
  expect(rotated.err).toContain('"event":"signing-key.rotated"');
  const [second, retired] = await json(at, 'signing-keys', 'list');
  expect(second).toMatchObject({
    kid: rotated.out.split(' ')[0],
    purpose: 'access-token',
    algorithm: 'ES256',
    state: 'signs',
    verifies_until: null,
  });
  expect(retired).toMatchObject({ kid: first, state: 'verifies', retired_at: second?.['created_at'] });
  expect(Date.parse(String(retired?.['verifies_until'])) - Date.parse(String(retired?.['retired_at']))).toBe(7_200_000);
  expect((await at.run(['signing-keys', 'list'])).out).toMatch(
    new RegExp(`^${first} +access-token +ES256 +verifies `, 'm'),
  );
});
