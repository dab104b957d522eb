import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { type Answer, ask } from '../support/http-client.ts';
import { logIn } from '../support/login.ts';

let service: Gatelodge;
let base: string;
beforeAll(async () => {
  const port = await freePort();
  base = `http://127.0.0.1:${port}`;
  service = await startGatelodge({
    yaml: `
listen: {host: 127.0.0.1, port: ${port}}
data_dir: ./data
users:
  - {username: filed, password: "a password in the file"}
  - {username: changing, password: "another password in the file"}
auth_plugins: {session: {}, basic: {}, token: {}, apikey: {}}
paths:
  - {path: /admin, roles: [admin]}
`,
    ready: port,
  });
});
afterAll(() => service?.stop());

function check(headers: Record<string, string>, path = '/'): Promise<Answer> {
  return ask(`${base}/validate`, {
    headers: { 'x-original-url': `http://app.example.com${path}`, 'x-original-method': 'GET', ...headers },
  });
}
async function outcome(headers: Record<string, string>, path = '/'): Promise<string> {
  const { status, headers: answered } = await check(headers, path);
  return `${status} ${answered['x-auth-reason'] ?? ''}`.trim();
}
/**
 * Asks until this is the answer, which has to be within a second. On a busy machine it may take a few questions' time more, of which
 * the last tells how long they take there.
 */
async function soon(expected: string, headers: Record<string, string>, path = '/'): Promise<void> {
  await soonTrue(async () => {
    const said = await outcome(headers, path);
    return said === expected ? null : said;
  });
}
/** @param ask says what is still in the way */
async function soonTrue(ask: () => Promise<string | null>): Promise<void> {
  for (const began = performance.now(); ; await new Promise((resolve) => setTimeout(resolve, 10))) {
    const asked = performance.now();
    const still = await ask();
    if (still === null) return;
    const took = performance.now() - asked;
    if (asked - began > 1_000 + 10 * took) throw new Error(`after ${asked - began} ms still ${still}`);
  }
}
function basic(username: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}
/** A new user with a password, and the password. */
async function newUser(): Promise<{ name: string; password: string }> {
  const name = `user-${randomBytes(4).toString('hex')}`;
  return { name, password: (await service.run('users', 'add', name, '--generate')).trim() };
}
async function session({ name, password }: { name: string; password: string }): Promise<Record<string, string>> {
  const { jar } = await logIn(`${base}/login`, name, password);
  return { cookie: jar.header() };
}
async function token({ name, password }: { name: string; password: string }): Promise<Record<string, string>> {
  const answer = await ask(`${base}/auth`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: name, password }),
  });
  return { authorization: `Bearer ${(answer.json() as { token: string }).token}` };
}

it('lets a new user in, and locks and unlocks one within a second, with every credential', async () => {
  const user = await newUser();
  const key = { 'x-api-key': (await service.run('keys', 'create', '--user', user.name, '--name', 'x')).trim() };
  const credentials = {
    session: await session(user),
    token: await token(user),
    basic: basic(user.name, user.password),
    key,
  };
  for (const headers of Object.values(credentials)) expect(await outcome(headers)).toBe('200');
  await service.run('users', 'lock', user.name);
  await soon('401 user-locked', credentials.key);
  expect(await outcome(credentials.token)).toBe('401 user-locked');
  expect(await outcome(credentials.basic)).toBe('401 credentials-rejected');
  // A lock also ends sessions, so that they do not come to life again when it is taken away.
  await soon('401 session-expired', credentials.session);
  await service.run('users', 'unlock', user.name);
  await soon('200', credentials.key);
  expect(await outcome(credentials.basic)).toBe('200');
  expect(await outcome(credentials.session)).toBe('401 session-expired');
});

it('locks a user of the configuration file too', async () => {
  const headers = basic('filed', 'a password in the file');
  expect(await outcome(headers)).toBe('200');
  await service.run('users', 'lock', 'filed');
  await soon('401 credentials-rejected', headers);
  await service.run('users', 'unlock', 'filed');
  await soon('200', headers);
});

it('takes a new key at once, and a revoked one no longer within a second', async () => {
  const user = await newUser();
  const text = (await service.run('keys', 'create', '--user', user.name, '--name', 'x')).trim();
  const headers = { authorization: `Bearer ${text}` };
  expect(await outcome(headers)).toBe('200');
  await service.run('keys', 'revoke', text.slice(0, 20));
  await soon('401 credentials-rejected', headers);
});

it('takes a rotated key’s new secret at once, and the old one no longer than it should', async () => {
  const user = await newUser();
  const old = { 'x-api-key': (await service.run('keys', 'create', '--user', user.name, '--name', 'x')).trim() };
  const id = old['x-api-key'].slice(0, 20);
  expect(await outcome(old)).toBe('200');
  const next = { 'x-api-key': (await service.run('keys', 'rotate', id, '--overlap', '10m')).trim() };
  await soon('200', next);
  expect(await outcome(old)).toBe('200');
  const last = { 'x-api-key': (await service.run('keys', 'rotate', id, '--overlap', '0')).trim() };
  await soon('200', last);
  expect([await outcome(old), await outcome(next)]).toEqual(['401 credentials-rejected', '401 credentials-rejected']);
});

it('gives a user new roles within a second', async () => {
  const user = await newUser();
  const headers = await session(user);
  expect(await outcome(headers, '/admin')).toBe('403 role-missing');
  await service.run('users', 'set', user.name, '--role', 'admin');
  await soon('200', headers, '/admin');
});

it('forgets a remembered password and ends sessions within a second of a new one', async () => {
  const user = await newUser();
  const cookie = await session(user);
  const old = basic(user.name, user.password);
  expect(await outcome(old)).toBe('200');
  const next = (await service.run('users', 'password', user.name, '--generate')).trim();
  await soon('401 credentials-rejected', old);
  await soon('401 session-expired', cookie);
  expect(await outcome(basic(user.name, next))).toBe('200');
});

it('takes a new password of a user of the configuration file, too', async () => {
  const old = basic('changing', 'another password in the file');
  expect(await outcome(old)).toBe('200');
  const next = (await service.run('users', 'password', 'changing', '--generate')).trim();
  await soon('401 credentials-rejected', old);
  expect(await outcome(basic('changing', next))).toBe('200');
  expect(await readFile(`${service.directory}/gatelodge.yaml`, 'utf8')).not.toContain('password in the file');
});

it('lists sessions and ends one, or all of a user, within a second', async () => {
  const user = await newUser();
  const cookies = [await session(user), await session(user), await session(user)];
  const [gone = {}, ...others] = cookies;
  for (const cookie of cookies) expect(await outcome(cookie)).toBe('200');
  const listed = JSON.parse(await service.run('sessions', 'list', '--user', user.name, '--json')) as { id: string }[];
  expect(listed).toHaveLength(3);
  const id = listed.find((one) => gone['cookie']?.includes(`=${one.id}.`))?.id ?? '';
  await service.run('sessions', 'revoke', id);
  await soon('401 session-expired', gone);
  for (const cookie of others) expect(await outcome(cookie)).toBe('200');
  expect(await service.run('sessions', 'revoke', '--user', user.name)).toBe(`2 sessions of ${user.name} ended\n`);
  for (const cookie of others) await soon('401 session-expired', cookie);
  expect(await service.run('sessions', 'list', '--user', user.name)).toBe('');
});

it('rotates signing keys: old tokens go on, both keys are published, new tokens have the new one', async () => {
  const user = await newUser();
  const old = await token(user);
  const kids = async () =>
    ((await ask(`${base}/jwks`)).json() as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
  const [before] = await kids();
  const kid = (await service.run('signing-keys', 'rotate')).split(' ')[0];
  await soonTrue(async () => ((await kids()).includes(kid ?? '') ? null : 'the old key alone'));
  expect(await kids()).toContain(before);
  expect(await outcome(old)).toBe('200');
  const next = await token(user);
  const header = JSON.parse(Buffer.from(next['authorization']?.split(/[ .]/)[1] ?? '', 'base64url').toString());
  expect(header.kid).toBe(kid);
  expect(await outcome(next)).toBe('200');
});

it('ends within a second of a deletion', async () => {
  const user = await newUser();
  const [cookie, bearer] = [await session(user), await token(user)];
  expect(await outcome(bearer)).toBe('200');
  await service.run('users', 'delete', user.name);
  await soon('401 credentials-rejected', bearer);
  await soon('401 session-expired', cookie);
});

it('explains a user of the database that the service has open', async () => {
  const user = await newUser();
  await service.run('users', 'set', user.name, '--role', 'admin');
  const explained = JSON.parse(await service.run('explain', '--user', user.name, '--json', '/admin'));
  expect(explained).toMatchObject({ decision: 'allow', identity: { username: user.name, roles: ['admin'] } });
});

it('reads one line of a pipe that stays open, and ends', async () => {
  const args = ['src/bin.ts', 'users', 'add', 'piped', '-c', `${service.directory}/gatelodge.yaml`];
  const child = execFile(process.execPath, args);
  child.stdin?.write('a password from a pipe\n');
  const code = await new Promise((resolve) => child.once('exit', resolve));
  expect(code).toBe(0);
  expect(await outcome(basic('piped', 'a password from a pipe'))).toBe('200');
});
