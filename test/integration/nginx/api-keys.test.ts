import { request as tlsRequest } from 'node:https';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, ask } from '../../support/http-client.ts';
import { ADMIN, ALICE, type NginxStack, startNginxStack } from '../../support/nginx-stack.ts';
import { missing } from '../../support/skip.ts';

describe.skipIf(missing('nginx', 'openssl'))('API keys behind complete.conf', () => {
  let stack: NginxStack;
  beforeAll(async () => {
    stack = await startNginxStack('complete', {
      rules: ['{host: app.example.com, path: /for-admins, plugins: [apikey], roles: [admin]}'],
    });
  });
  afterAll(() => stack?.stop());
  beforeEach(() => {
    stack.application.requests.length = 0;
  });

  const create = async (username: string, ...more: readonly string[]): Promise<string> =>
    (await stack.gatelodge.run('keys', 'create', '--user', username, '--name', 'integration', ...more)).trim();
  const status = async (key: string, headers = {}, path = '/api/orders'): Promise<number> =>
    (await ask(`${stack.app}${path}`, { headers: { 'x-api-key': key, ...headers } })).status;

  test('one with networks is good from there, whatever addresses the client claims', async () => {
    const [here, there] = [
      await create(ALICE.username, '--network', '127.0.0.1', '--network', '10.0.0.0/8'),
      await create(ALICE.username, '--network', '10.0.0.0/8', '--network', '127.0.0.2/32'),
    ];
    expect(await status(here)).toBe(200);
    for (const claim of [
      {},
      { 'x-forwarded-for': '10.0.0.1' },
      { 'x-forwarded-for': '10.0.0.1, 127.0.0.1' },
      { 'x-forwarded-for': '127.0.0.2' },
      { 'x-real-ip': '10.0.0.1' },
      { forwarded: 'for=10.0.0.1' },
      { 'cf-connecting-ip': '10.0.0.1' },
    ])
      expect(await status(there, claim), JSON.stringify(claim)).toBe(401);
    expect(stack.application.requests).toHaveLength(1);
    // The other way round from another address of this machine.
    expect(await statusFrom('127.0.0.2', there)).toBe(200);
    expect(await statusFrom('127.0.0.2', here)).toBe(401);
    // The log is written in batches.
    await expect.poll(() => stack.gatelodge.output(), { timeout: 15_000 }).toContain('outside its networks');
    for (const key of [here, there]) expect(stack.gatelodge.output()).not.toContain(key.slice(21));
  });

  function statusFrom(localAddress: string, key: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const request = tlsRequest({
        ...{ host: '127.0.0.1', port: stack.port, localAddress, servername: 'app.example.com', path: '/api/orders' },
        ...{ rejectUnauthorized: false, agent: false },
        headers: { host: `app.example.com:${stack.port}`, 'x-api-key': key },
      });
      request.on('response', (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      });
      request.on('error', reject);
      request.end();
    });
  }

  test('one with a beginning is good from then on', async () => {
    const begins = Date.now() + 6_000;
    const key = await create(ALICE.username, '--not-before', new Date(begins).toISOString());
    const never = await create(ALICE.username, '--not-before', '1h');
    while ((await status(key)) === 401) {
      expect(Date.now()).toBeLessThan(begins + 20_000);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(Date.now()).toBeGreaterThanOrEqual(begins);
    expect(await status(never)).toBe(401);
  });

  test('one with fewer roles than its owner has those alone', async () => {
    const manager = await create(ADMIN.username, '--scope', 'keys');
    const made = await call(manager, 'POST', '/keys', { name: 'no roles', roles: [] });
    expect(made.status).toBe(201);
    const { key } = made.json() as { key: string }; // the JSON of an answer has no type of its own
    expect([await status(manager, {}, '/for-admins'), await status(key, {}, '/for-admins')]).toEqual([200, 403]);
    expect(await status(key)).toBe(200);
    expect(stack.application.requests.at(-1)?.headers).toMatchObject({ 'x-auth-user': [ADMIN.username] });
    expect(stack.application.requests.at(-1)?.headers['x-auth-roles']).toBeUndefined();
  });

  test('one that is rotated by call is good with both secrets for a while, and revoked from the next request on', async () => {
    const manager = await create(ADMIN.username, '--scope', 'keys');
    const old = await create(ADMIN.username);
    expect(await status(old)).toBe(200);
    const id = old.slice(0, 20);
    // Its scopes are none, so a key with `keys` alone may have it.
    const rotated = await call(manager, 'POST', `/keys/${id}/rotate`, { overlap_seconds: 600 });
    expect(rotated.status).toBe(200);
    const { key } = rotated.json() as { key: string }; // as above
    expect([await status(old), await status(key)]).toEqual([200, 200]);
    const again = await call(manager, 'POST', `/keys/${id}/rotate`, { overlap_seconds: 0 });
    expect(again.status).toBe(200);
    const { key: last } = again.json() as { key: string }; // as above
    expect([await status(old), await status(key), await status(last)]).toEqual([401, 401, 200]);
    expect((await call(manager, 'DELETE', `/keys/${id}`)).status).toBe(204);
    expect(await status(last)).toBe(401);
  });

  function call(key: string, method: string, path: string, body?: unknown): Promise<Answer> {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    return ask(`${stack.pages}/api/v1${path}`, {
      method,
      headers: { 'x-api-key': key, ...json },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
});
