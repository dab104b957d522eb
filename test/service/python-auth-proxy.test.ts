import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { ask } from '../support/http-client.ts';

/** python-auth-proxy's full example decides as its documentation says, except where that is unsafe. */

let port: number;
let gatelodge: Gatelodge;

beforeAll(async () => {
  port = await freePort();
  const yaml = await readFile(join(import.meta.dirname, '../fixtures/python-auth-proxy.yaml'), 'utf8');
  expect(yaml).toContain('port: 8000');
  gatelodge = await startGatelodge({ yaml: yaml.replace('port: 8000', `port: ${port}`), ready: port });
});

afterAll(() => gatelodge.stop());

const basic = (username: string, password: string) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

async function jwt(secret: string, audience: string): Promise<string> {
  const token = await new SignJWT({ role: 'admin' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('phone')
    .setAudience(audience)
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(secret));
  return `Bearer ${token}`;
}

async function decide(path: string, authorization?: string) {
  const answer = await ask(`http://127.0.0.1:${port}/validate`, {
    headers: {
      'X-Original-URL': `https://your-app.com${path}`,
      'X-Original-Method': 'GET',
      ...(authorization === undefined ? {} : { Authorization: authorization }),
    },
  });
  return {
    status: answer.status,
    user: answer.headers['x-auth-user'],
    subject: answer.headers['x-auth-subject'],
    roles: answer.headers['x-auth-roles'],
  };
}

const user1 = basic('user1', 'password123');
const admin = basic('admin', 'admin-password');

it.each([
  ['/api/v1/public/docs', undefined, 200],
  ['/api/v1/users', undefined, 401],
  ['/api/v1/users', user1, 200],
  ['/api/v1/users', admin, 401],
  ['/api/v1/admin/users', admin, 200],
  ['/api/v1/admin/users', user1, 401],
  ['/admin/panel', admin, 200],
  ['/admin/panel', basic('admin', 'password123'), 401],
  ['/public/x', undefined, 200],
  ['/assets/app.css', undefined, 200],
  ['/health', undefined, 200],
  ['/metrics', undefined, 401],
  ['/metrics', admin, 200],
  // No rule: the default plugin is oidc, which lets nobody in yet.
  ['/elsewhere', admin, 401],
  // Both are needed, and one of them is not to be had.
  ['/secure/x', admin, 401],
  // Its own prefix match would have opened these.
  ['/healthz-admin', undefined, 401],
  ['/metricsx', admin, 401],
  ['/public/../admin/panel', undefined, 403],
  ['/public/..%2fadmin/panel', undefined, 403],
])('%s with %s is %i', async (path, authorization, status) => {
  expect((await decide(path, authorization)).status).toBe(status);
});

it('knows its own users as nobody’s directory entry', async () => {
  expect(await decide('/api/v1/users', user1)).toMatchObject({ user: 'user1', subject: 'user-basic:user1', roles: '' });
});

it('verifies the tokens of each instance with its own secret and audience', async () => {
  expect(await decide('/api/mobile/x', await jwt('your-mobile-secret-key', 'mobile-app'))).toMatchObject({
    status: 200,
    user: 'phone',
    roles: '',
  });
  expect((await decide('/api/mobile/x', await jwt('your-mobile-secret-key', 'web-app'))).status).toBe(401);
  expect((await decide('/api/mobile/x', await jwt('your-web-secret-key', 'mobile-app'))).status).toBe(401);
});

it('has put hashes in the place of the passwords, and left the rest of the file as it was', async () => {
  const before = await readFile(join(import.meta.dirname, '../fixtures/python-auth-proxy.yaml'), 'utf8');
  const after = await readFile(join(gatelodge.directory, 'gatelodge.yaml'), 'utf8');
  for (const password of ['password123', 'secret456', 'admin-password', 'super-secret'])
    expect(after).not.toContain(password);
  const masked = (text: string) => text.replace(/^( {6}\w+:) .*$/gm, '$1 …').replace(/port: \d+/, 'port: …');
  expect(masked(after)).toBe(masked(before));
  expect(after.match(/"\$argon2id\$v=19\$m=19456,t=2,p=1\$/g)).toHaveLength(4);
});

it('warns of what it does not do', () => {
  expect(gatelodge.output()).toMatch(/gatelodge\.yaml:\d+:\d+: backend: warning: /);
  expect(gatelodge.output()).toMatch(/gatelodge\.yaml:\d+:\d+: auth_plugins\.oidc[^:]*: warning: /);
});
