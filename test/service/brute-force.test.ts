import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { ask } from '../support/http-client.ts';

let gatelodge: Gatelodge;
let port: number;
beforeAll(async () => {
  port = await freePort();
  gatelodge = await startGatelodge({
    ready: port,
    yaml: `
listen: {port: ${port}}
log: {pii: plain}
users:
  - {username: alice, password: "a long password"}
auth_plugins:
  session: {}
  basic: {}
  own: {type: basic, users: {robot: "another password"}}
  token: {}
  apikey: {}
paths:
  - {path: /own, plugins: [own]}
  - {path: /pages, plugins: [basic]}
  - {path: /site, plugins: [session]}
  - {path: /fresh, plugins: [apikey], max_age: 5m}
  - {path: /, plugins: [token, apikey]}
login_limits: {account: {attempts: 3}, address: {attempts: 8}}
`,
  });
});
afterAll(() => gatelodge?.stop());

const check = (path: string, address: string, headers: Record<string, string>) =>
  ask(`http://127.0.0.1:${port}/validate/caddy`, {
    headers: {
      ...{ 'x-forwarded-method': 'GET', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'app.example.com' },
      ...{ 'x-forwarded-uri': path, 'x-forwarded-for': address, ...headers },
    },
  });
const basic = (path: string, user: string, password: string, address: string) =>
  check(path, address, { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });
const logIn = (password: string, address: string) =>
  ask(`http://127.0.0.1:${port}/auth`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
    body: JSON.stringify({ username: 'alice', password }),
  });
const guessedKey = () => `glk_${randomBytes(12).toString('base64url')}.${randomBytes(32).toString('base64url')}`;

it('counts Basic and POST /auth as one, locks the name, and unlocks it by command', async () => {
  for (const [index, address] of ['192.0.2.1', '192.0.2.2'].entries())
    expect((await basic('/pages', 'alice', `guess ${index}`, address)).status).toBe(401);
  expect((await logIn('guess 3', '192.0.2.3')).status).toBe(401);
  const limited = await basic('/pages', 'alice', 'a long password', '192.0.2.4');
  expect([limited.status, limited.headers['x-auth-reason']]).toEqual([429, 'rate-limited']);
  expect(Number(limited.headers['retry-after'])).toBeGreaterThan(500);
  expect((await logIn('a long password', '192.0.2.5')).status).toBe(429);
  await expect
    .poll(() => gatelodge.output())
    .toMatch(/"event":"login.locked",.*"user":"alice","address":"192.0.2.3","seconds":600,"device":false/);

  await gatelodge.run('users', 'unlock', 'alice');
  await expect.poll(async () => (await logIn('a long password', '192.0.2.5')).status).toBe(200);
  expect((await basic('/pages', 'alice', 'a long password', '192.0.2.4')).status).toBe(200);
  await expect.poll(() => gatelodge.output()).toMatch(/"event":"login.unlocked","audit":true,"user":"alice"/);
});

it('holds for users of one Basic instance alone, and what is remembered goes on', async () => {
  expect((await basic('/own', 'robot', 'another password', '198.51.100.1')).status).toBe(200);
  for (let i = 0; i < 3; i += 1) expect((await basic('/own', 'robot', `guess ${i}`, '198.51.100.2')).status).toBe(401);
  const limited = await basic('/own', 'robot', 'guess 4', '198.51.100.3');
  expect([limited.status, limited.headers['x-auth-reason']]).toEqual([429, 'rate-limited']);
  // Checked a moment ago: the program that works is not held up by whoever guesses.
  expect((await basic('/own', 'robot', 'another password', '198.51.100.1')).status).toBe(200);
});

it('holds an address that guesses keys and tokens, and nobody who has a good one', async () => {
  const key = (await gatelodge.run('keys', 'create', '--user', 'alice', '--name', 'test')).trim();
  const here = '203.0.113.9';
  // Asked by the token plugin first, to which it is no good: that is no guess.
  for (let i = 0; i < 20; i += 1) expect((await check('/', here, { authorization: `Bearer ${key}` })).status).toBe(200);
  const old = guessedKey();
  for (let i = 0; i < 20; i += 1) expect((await check('/', here, { 'x-api-key': old })).status).toBe(401);
  for (let i = 0; i < 4; i += 1) expect((await check('/', here, { 'x-api-key': guessedKey() })).status).toBe(401);
  for (let i = 0; i < 3; i += 1)
    expect((await check('/', here, { authorization: `Bearer ${guessedKey()}`, cookie: 'gatelodge=x' })).status).toBe(
      401,
    );
  const limited = await check('/', here, { 'x-api-key': guessedKey() });
  expect([limited.status, limited.headers['x-auth-reason'], limited.body.length]).toEqual([429, 'rate-limited', 0]);
  expect((await logIn('a long password', here)).status).toBe(429);
  expect((await check('/', here, { 'x-api-key': key })).status).toBe(200);
  // Known, and asked to log in again: that is no guess either.
  expect((await check('/fresh', here, { 'x-api-key': key })).headers['x-auth-reason']).toBe('reauth-required');
  expect((await check('/', '203.0.113.10', { 'x-api-key': guessedKey() })).status).toBe(401);
});

it('does not count what is the application’s own, at which nobody here looks', async () => {
  const here = '203.0.113.20';
  for (let i = 0; i < 12; i += 1) {
    const answer = await check('/site', here, { authorization: `Bearer ${guessedKey()}`, cookie: 'gatelodge=old' });
    expect([answer.status, answer.headers['x-auth-reason']]).toEqual([401, 'session-expired']);
  }
  expect((await logIn('a long password', here)).status).toBe(200);
});
