import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ask } from '../../support/http-client.ts';
import { ADMIN, ALICE, type NginxStack, startNginxStack } from '../../support/nginx-stack.ts';
import { missing } from '../../support/skip.ts';

const basic = ({ username, password }: { username: string; password: string }): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
});

describe.skipIf(missing('nginx', 'openssl'))('programs behind complete.conf', () => {
  let stack: NginxStack;
  let key: string;
  beforeAll(async () => {
    // A rule with a login page below the API: nginx must not redirect there even so.
    stack = await startNginxStack('complete', {
      rules: ['{host: app.example.com, path: /api/session, plugins: [session]}'],
    });
    key = (await stack.gatelodge.run('keys', 'create', '--user', ALICE.username, '--name', 'integration')).trim();
  });
  afterAll(() => stack?.stop());
  beforeEach(() => {
    stack.application.requests.length = 0;
  });

  const reached = (): readonly unknown[] => stack.application.requests;

  test('Basic: the application learns who it is', async () => {
    const answer = await ask(`${stack.app}/api/orders?page=2`, { headers: basic(ALICE) });
    expect(answer.status).toBe(200);
    expect(stack.application.requests).toHaveLength(1);
    expect(stack.application.requests[0]?.url).toBe('/api/orders?page=2');
    expect(stack.application.requests[0]?.headers).toMatchObject({
      'x-auth-user': ['alice'],
      'x-auth-name': ['Alice Example'],
      'x-auth-email': ['alice@example.com'],
      'x-auth-roles': ['user,a%2Cb'],
      'x-auth-groups': ['staff'],
      'x-auth-method': ['basic'],
      host: [`app.example.com:${stack.port}`],
      'x-forwarded-proto': ['https'],
      'x-forwarded-for': ['127.0.0.1'],
    });
    expect(stack.application.requests[0]?.headers['x-auth-subject']?.[0]).toMatch(/./);
  });

  test('a wrong password: 401, no redirect, the application is not reached', async () => {
    const answer = await ask(`${stack.app}/api/orders`, {
      headers: { ...basic({ username: 'alice', password: 'wrong' }), accept: 'text/html' },
    });
    expect(answer.status).toBe(401);
    expect(answer.headers.location).toBeUndefined();
    expect(reached()).toEqual([]);
  });

  test('a token of POST /auth', async () => {
    const issued = await ask(`${stack.pages}/auth`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ALICE),
    });
    expect(issued.status).toBe(200);
    const { token } = issued.json() as { token: string }; // the JSON of an answer has no type of its own
    for (const path of ['/api/orders', '/page']) {
      const answer = await ask(`${stack.app}${path}`, { headers: { authorization: `Bearer ${token}` } });
      expect(answer.status).toBe(200);
    }
    expect(stack.application.requests.map((request) => request.headers['x-auth-user'])).toEqual([['alice'], ['alice']]);
    expect(stack.application.requests[0]?.headers['x-auth-method']).toEqual(['token']);
  });

  test.each(['authorization', 'x-api-key'])('an API key in %s', async (field) => {
    const answer = await ask(`${stack.app}/api/orders`, {
      headers: { [field]: field === 'authorization' ? `Bearer ${key}` : key },
    });
    expect(answer.status).toBe(200);
    expect(stack.application.requests[0]?.headers).toMatchObject({
      'x-auth-user': ['alice'],
      'x-auth-method': ['apikey'],
    });
  });

  test('known but not allowed: 403', async () => {
    const [refused, allowed] = [
      await ask(`${stack.app}/api/admin/users`, { headers: basic(ALICE) }),
      await ask(`${stack.app}/api/admin/users`, { headers: basic(ADMIN) }),
    ];
    expect([refused.status, allowed.status]).toEqual([403, 200]);
    expect(stack.application.requests.map((request) => request.headers['x-auth-user'])).toEqual([[ADMIN.username]]);
  });

  test('the API tells programs how to authenticate and never redirects, not even a browser', async () => {
    const answer = await ask(`${stack.app}/api/orders`, {
      headers: { 'sec-fetch-mode': 'navigate', accept: 'text/html' },
    });
    expect(answer.status).toBe(401);
    expect(answer.headers.location).toBeUndefined();
    expect(answer.headers['www-authenticate']).toContain('Basic realm="example.com"');
    expect(answer.headers['www-authenticate']).toContain('Bearer');
  });

  test.each([
    ['curl', { accept: '*/*' }],
    ['no Accept at all', {}],
    ['fetch', { 'sec-fetch-mode': 'cors', accept: 'text/html' }],
    ['an image', { 'sec-fetch-mode': 'no-cors', accept: 'image/*,text/html' }],
    ['an event stream', { accept: 'text/event-stream' }],
  ])('a page asked for by %s keeps its 401 and WWW-Authenticate', async (_who, headers) => {
    const answer = await ask(`${stack.app}/page`, { headers });
    expect(answer.status).toBe(401);
    expect(answer.headers.location).toBeUndefined();
    expect(answer.headers['www-authenticate']).toContain('Bearer');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(reached()).toEqual([]);
  });

  test('5 MB arrive whole', async () => {
    const body = randomBytes(5 * 1024 * 1024);
    const answer = await ask(`${stack.app}/api/upload`, { method: 'POST', headers: basic(ALICE), body });
    expect(answer.status).toBe(200);
    expect(stack.application.requests[0]).toMatchObject({
      method: 'POST',
      bodyLength: body.length,
      bodyMd5: createHash('md5').update(body).digest('hex'),
    });
  });

  test('public parts: nobody, somebody, and neither for what merely looks like them', async () => {
    const [anonymous, known, health, similar] = [
      await ask(`${stack.app}/public/page`),
      await ask(`${stack.app}/public/page`, { headers: { 'x-api-key': key } }),
      await ask(`${stack.app}/health`, { headers: { authorization: 'garbage' } }),
      await ask(`${stack.app}/healthz`),
    ];
    expect([anonymous.status, known.status, health.status, similar.status]).toEqual([200, 200, 200, 401]);
    expect(stack.application.requests.map((request) => request.headers['x-auth-user'])).toEqual([
      undefined,
      ['alice'],
      undefined,
    ]);
  });
});
