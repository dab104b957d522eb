import { execFile } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { tempDir } from '../support/temp-dir.ts';
import { type Place, place, type Ran, run } from './run-command.ts';

const HASH = '$argon2id$v=19$m=19456,t=2,p=1$MyQ5Gg4uGwtdCfkkb+iH0Q$6nI8RFFMsE9hUPNU8yL2U014RTUdF+HC9UiCzxm2T2Q';
const YAML = `# Comments stay.
users:
  - {username: alice, password: ${JSON.stringify(HASH)}, name: Alice, roles: [admin]} # so do these
  - {username: carol, password: "plain-text-password", locked: true}
  - {username: dave}
  - {username: eve, password: "\${EVE:-from-the-environment}"}
`;

async function listed(at: Place): Promise<Record<string, unknown>[]> {
  return JSON.parse((await at.run(['users', 'list', '--json'])).out);
}
function audited({ err }: Ran): string[] {
  return [...err.matchAll(/"event":"([a-z.-]+)"/g)].map(([, event]) => event ?? '');
}

it('adds, shows, changes and deletes users of the database', async () => {
  const at = place(YAML);
  const args = [
    '--email',
    'bob@example.com',
    '--name',
    'Bob B.',
    '--role',
    'user',
    '--role',
    'ops',
    '--group',
    'staff',
  ];
  const added = await at.run(['users', 'add', 'bob', ...args], { stdin: 'correct horse\n' });
  expect(added).toMatchObject({ code: 0, out: 'bob is added\n' });
  expect(audited(added)).toEqual(['user.created']);
  expect(added.err).not.toContain('"bob"');
  const bob = (await listed(at)).find(({ username }) => username === 'bob');
  expect(bob).toEqual({
    ...{ id: expect.stringMatching(/^usr_/), username: 'bob', email: 'bob@example.com', name: 'Bob B.' },
    ...{ roles: ['user', 'ops'], groups: ['staff'], networks: [], locked: false, source: 'database' },
  });
  const changed = await at.run(['users', 'set', 'bob', '--name', '', '--role', 'admin', '--group', '']);
  expect(changed).toMatchObject({ code: 0, out: 'bob is changed\n' });
  expect(audited(changed)).toEqual(['user.changed']);
  const shown = (await at.run(['users', 'show', 'bob'])).out;
  expect(shown).toMatch(/^name: +-$/m);
  expect(shown).toMatch(/^roles: +admin$/m);
  expect(shown).toMatch(/^groups: +-$/m);
  expect(shown).toMatch(/^email: +bob@example.com$/m);
  expect(shown).toMatch(/^password: +set$/m);
  const deleted = await at.run(['users', 'delete', 'bob']);
  expect(deleted).toMatchObject({ code: 0 });
  expect(audited(deleted)).toEqual(['user.deleted']);
  expect((await listed(at)).map(({ username }) => username)).toEqual(['alice', 'carol', 'dave', 'eve']);
});

it('prints a table for people, and never a hash', async () => {
  const at = place(YAML);
  const { out } = await at.run(['users', 'list']);
  expect(out.split('\n')[0]).toMatch(/^USER +NAME +EMAIL +ROLES +GROUPS +FROM +STATE$/);
  expect(out).toMatch(/^alice +Alice +- +admin +- +file +active$/m);
  expect(out).toMatch(/^carol .* file +locked$/m);
  const all = out + (await at.run(['users', 'list', '--json'])).out + (await at.run(['users', 'show', 'carol'])).out;
  expect(all).not.toMatch(/argon2|plain-text-password/);
});

it('invents a password that is shown once, alone on standard output', async () => {
  const at = place(YAML);
  const { out, err } = await at.run(['users', 'add', 'bob', '--generate']);
  expect(out).toMatch(/^(?:[a-z2-9]{5}-){3}[a-z2-9]{5}\n$/);
  expect(err).not.toContain(out.trim());
  const again = await at.run(['users', 'password', 'bob', '--generate']);
  expect(again.out).toMatch(/^(?:[a-z2-9]{5}-){3}[a-z2-9]{5}\n$/);
  expect(again.out).not.toBe(out);
  expect(audited(again)).toEqual(['user.password-changed']);
});

it.each([
  [['add', 'alice'], 'already-exists', 'users[0] of '],
  [['add', 'a:b'], 'invalid-request', 'user name'],
  [['add', 'bob', '--email', 'nonsense'], 'invalid-request', '--email'],
  [['add', 'bob', '--role', 'a\u001b[2J'], 'invalid-request', 'control'],
  [['add', 'bob'], 'invalid-request', 'no password'],
  [['set', 'alice', '--name', 'x'], 'conflict', 'users[0] of '],
  [['delete', 'alice'], 'conflict', 'users[0] of '],
  [['unlock', 'carol'], 'conflict', 'users[1] of '],
  [['password', 'dave'], 'conflict', 'users[2].password of '],
  [['password', 'eve'], 'conflict', 'comes from elsewhere'],
  [['show', 'nobody'], 'not-found', 'nobody'],
  [['lock', 'nobody'], 'not-found', 'nobody'],
  [['password', 'nobody'], 'not-found', 'nobody'],
])('refuses %j', async (args, code, message) => {
  const at = place(YAML);
  const stdin = args.includes('bob') ? '' : 'a new password\n';
  const ran = await at.run(['users', ...args], { stdin });
  expect(ran).toMatchObject({ code: 1, out: '' });
  expect(ran.err).toContain(`(${code})`);
  expect(ran.err).toContain(message);
  expect(audited(ran)).toEqual([]);
  expect(at.read('gatelodge.yaml')).toBe(YAML);
});

it('refuses a name that the database has', async () => {
  const at = place('');
  await at.run(['users', 'add', 'bob', '--generate']);
  expect((await at.run(['users', 'add', 'bob', '--generate'])).err).toContain('(already-exists)');
});

it.each([[], ['nonsense'], ['add'], ['set', 'alice'], ['list', 'x'], ['lock'], ['add', 'a', 'b']])(
  'refuses wrong words: %j',
  async (...args) => {
    const { code, err } = await place('').run(['users', ...args]);
    expect(code).toBe(2);
    expect(err).toContain('Usage: gatelodge users');
  },
);

it('locks and unlocks users of the file and of the database', async () => {
  const at = place(YAML);
  await at.run(['users', 'add', 'bob', '--generate']);
  const states = async () => Object.fromEntries((await listed(at)).map(({ username, locked }) => [username, locked]));
  for (const name of ['alice', 'bob']) expect(audited(await at.run(['users', 'lock', name]))).toEqual(['user.locked']);
  expect(await states()).toMatchObject({ alice: true, bob: true, carol: true, dave: false });
  expect((await at.run(['users', 'lock', 'bob'])).code).toBe(0);
  for (const name of ['alice', 'bob'])
    expect(audited(await at.run(['users', 'unlock', name]))).toEqual(['user.unlocked']);
  expect(await states()).toMatchObject({ alice: false, bob: false, carol: true });
  expect(at.read('gatelodge.yaml')).toBe(YAML);
});

it('puts a file user’s new password into the file as a hash, and leaves every other byte', async () => {
  const at = place(YAML);
  for (const [name, old] of [
    ['alice', HASH],
    ['carol', 'plain-text-password'],
  ] as const) {
    const before = at.read('gatelodge.yaml');
    const ran = await at.run(['users', 'password', name], { stdin: 'a brand new one\n' });
    expect(ran).toMatchObject({ code: 0, out: `${name} has a new password\n` });
    expect(audited(ran)).toEqual(['user.password-changed']);
    const after = at.read('gatelodge.yaml');
    const next = /\$argon2id\$[^"]+/.exec(after.slice(after.indexOf(name)))?.[0] ?? '';
    expect(next).not.toBe(old);
    expect(after).toBe(before.replace(old, next));
    expect((await run(['hash', '--verify', next], { stdin: 'a brand new one' })).out).toBe('yes\n');
  }
});

it('says so where the file cannot be written', async () => {
  const at = place(YAML);
  chmodSync(at.file, 0o400);
  const { code, err } = await at.run(['users', 'password', 'alice'], { stdin: 'a new password\n' });
  expect(code).toBe(1);
  expect(err).toContain('cannot be written (conflict)');
});

it('keeps audit events off where the log has none, and names people where it does', async () => {
  const silent = await place('log: {level: warn}\n').run(['users', 'add', 'bob', '--generate']);
  expect(audited(silent)).toEqual([]);
  const plain = await place('log: {pii: plain}\n').run(['users', 'add', 'bob', '--generate']);
  expect(plain.err).toContain('"user":"bob"');
});

it('names every problem of a configuration that cannot be used', async () => {
  const { code, err } = await place('lisen: 1\nusers: 3\n').run(['users', 'list']);
  expect(code).toBe(1);
  expect(err).toContain('lisen: unknown key');
  expect(err).toContain('users: expected a list');
  expect(err).toContain('(configuration-invalid)');
});

it('does nothing in a directory without a configuration and data: it would be a directory of nobody’s', async () => {
  const empty = await tempDir();
  onTestFinished(empty.remove);
  const bin = resolve('src/bin.ts');
  for (const args of [
    ['users', 'list'],
    ['users', 'add', 'alice', '--generate'],
    ['keys', 'list'],
    ['sessions', 'list'],
  ]) {
    const failed = await promisify(execFile)(process.execPath, [bin, ...args], { cwd: empty.path }).then(
      ({ stdout }) => stdout,
      (error: Error & { code?: unknown; stderr?: unknown }) => `${error.code} ${error.stderr}`,
    );
    expect(failed).toMatch(
      /^1 gatelodge \w+: there is no gatelodge\.yaml here: name it with -c FILE \(configuration-invalid\)\n$/,
    );
  }
  expect(await readdir(empty.path)).toEqual([]);
});
