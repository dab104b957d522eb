import { createHash, randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../support/http-client.ts';
import { ADMIN, ALICE, basic, ZOE } from '../support/people.ts';
import type { Subject } from './front-server-contract.ts';

/** Programs, and what the application learns about them. For the complete recipe. */
export function describeCredentials({ stack, traits }: Subject): void {
  describe('programs', () => {
    let key = '';
    beforeAll(async () => {
      key = (await stack().gatelodge.run('keys', 'create', '--user', ALICE.username, '--name', 'suite')).trim();
    });

    test('Basic: the application learns who it is and where the request was for', async () => {
      const { app, application, port } = stack();
      const answer = await ask(`${app}/api/orders?page=2`, { headers: basic(ALICE) });
      expect(answer.status).toBe(200);
      expect(application.requests).toHaveLength(1);
      expect(application.requests[0]?.url).toBe('/api/orders?page=2');
      expect(application.requests[0]?.headers).toMatchObject({
        'x-auth-user': ['alice'],
        'x-auth-subject': [expect.stringMatching(/./)],
        'x-auth-name': ['Alice Example'],
        'x-auth-email': ['alice@example.com'],
        'x-auth-roles': ['user,a%2Cb'],
        'x-auth-groups': ['staff'],
        'x-auth-method': ['basic'],
        host: [`app.example.com:${port}`],
        'x-forwarded-proto': ['https'],
        'x-forwarded-for': ['127.0.0.1'],
      });
    });

    test('what does not fit into a header arrives percent-encoded, as documented', async () => {
      expect((await ask(`${stack().app}/api/orders`, { headers: basic(ZOE) })).status).toBe(200);
      const headers = stack().application.requests[0]?.headers ?? {};
      expect(headers['x-auth-user']).toEqual(['zo%C3%AB']);
      expect(headers['x-auth-name']?.map(decodeURIComponent)).toEqual([ZOE.name]);
      expect(headers['x-auth-groups']?.[0]?.split(',').map(decodeURIComponent)).toEqual(ZOE.groups);
      // Nothing known is nothing said: empty or missing, as the front server has it.
      for (const name of ['x-auth-email', 'x-auth-roles']) expect(headers[name] ?? ['']).toEqual(['']);
    });

    test('a wrong password: 401, no redirect, the application is not reached', async () => {
      const answer = await ask(`${stack().app}/api/orders`, {
        headers: { ...basic({ username: 'alice', password: 'wrong' }), accept: 'text/html' },
      });
      expect(answer.status).toBe(401);
      expect(answer.headers.location).toBeUndefined();
      expect(stack().application.requests).toEqual([]);
    });

    test('a token of POST /auth', async () => {
      const { app, pages, application } = stack();
      const issued = await ask(`${pages}/auth`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ username: ALICE.username, password: ALICE.password }),
      });
      expect(issued.status).toBe(200);
      const { token } = issued.json() as { token: string }; // the JSON of an answer has no type of its own
      for (const path of ['/api/orders', '/page']) {
        const answer = await ask(app + path, { headers: { authorization: `Bearer ${token}` } });
        expect(answer.status).toBe(200);
      }
      expect(application.requests.map(({ headers }) => [headers['x-auth-user'], headers['x-auth-method']])).toEqual([
        [['alice'], ['token']],
        [['alice'], ['token']],
      ]);
    });

    test.each(['authorization', 'x-api-key'])('an API key in %s', async (field) => {
      const value = field === 'authorization' ? `Bearer ${key}` : key;
      expect((await ask(`${stack().app}/api/orders`, { headers: { [field]: value } })).status).toBe(200);
      expect(stack().application.requests[0]?.headers).toMatchObject({
        'x-auth-user': ['alice'],
        'x-auth-method': ['apikey'],
      });
    });

    test('known but not allowed: 403', async () => {
      const path = `${stack().app}/api/admin/users`;
      expect((await ask(path, { headers: basic(ALICE) })).status).toBe(403);
      expect(stack().application.requests).toEqual([]);
      expect((await ask(path, { headers: basic(ADMIN) })).status).toBe(200);
      expect(stack().application.requests[0]?.headers['x-auth-user']).toEqual([ADMIN.username]);
    });

    test('the API tells programs how to authenticate and never redirects, not even a browser', async () => {
      const answer = await ask(`${stack().app}/api/orders`, {
        headers: { 'sec-fetch-mode': 'navigate', accept: 'text/html' },
      });
      expect(answer.status).toBe(401);
      expect(answer.headers.location).toBeUndefined();
      expect(answer.headers['www-authenticate']).toContain('Basic realm="example.com"');
      expect(answer.headers['www-authenticate']).toContain('Bearer');
    });

    test.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])(
      '%s stays what it is',
      async (method) => {
        expect((await ask(`${stack().app}/api/x`, { method, headers: basic(ALICE) })).status).toBe(200);
        expect(stack().application.requests.map((request) => request.method)).toEqual([method]);
        stack().application.requests.length = 0;
        expect((await ask(`${stack().app}/api/x`, { method })).status).toBe(401);
        expect(stack().application.requests).toEqual([]);
      },
    );

    test.each([
      ['with its length told', {}],
      ['in chunks', { 'transfer-encoding': 'chunked' }],
      ['after a 100-continue', { expect: '100-continue' }],
    ])('5 MB arrive whole %s', async (_how, extra) => {
      const body = randomBytes(5 * 1024 * 1024);
      const answer = await ask(`${stack().app}/api/upload`, {
        method: 'POST',
        headers: { ...basic(ALICE), ...extra },
        body,
      });
      expect(answer.status).toBe(200);
      expect(stack().application.requests).toMatchObject([
        { method: 'POST', bodyLength: body.length, bodyMd5: createHash('md5').update(body).digest('hex') },
      ]);
    });

    test('public parts: nobody, somebody, and neither for what merely looks like them', async () => {
      const { app, application } = stack();
      const statuses = [
        await ask(`${app}/public/page`),
        await ask(`${app}/public/page`, { headers: { 'x-api-key': key } }),
        await ask(`${app}/health`, { headers: { authorization: 'garbage' } }),
        await ask(`${app}/robots.txt`),
        await ask(`${app}/healthz`),
        await ask(`${app}/publicity`),
        await ask(`${app}/robots.txt.bak`),
      ].map((answer) => answer.status);
      expect(statuses).toEqual([200, 200, 200, 200, 401, 401, 401]);
      expect(application.requests.map(({ headers }) => headers['x-auth-user']?.join() ?? '')).toEqual([
        '',
        'alice',
        '',
        '',
      ]);
    });

    test('too many requests are refused', async () => {
      expect((await ask(`${stack().app}/rarely`)).status).toBe(200);
      const refused = await ask(`${stack().app}/rarely`);
      expect(refused.status).toBe(traits.passesStatusOn ? 429 : 403);
      if (traits.passesStatusOn) expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect(stack().application.requests).toHaveLength(1);
    });
  });
}
