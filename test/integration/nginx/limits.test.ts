import { request as tlsRequest } from 'node:https';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ask } from '../../support/http-client.ts';
import { ALICE, type NginxStack, startNginxStack } from '../../support/nginx-stack.ts';
import { missing } from '../../support/skip.ts';

describe.skipIf(missing('nginx', 'openssl'))('limits and networks of users behind complete.conf', () => {
  let stack: NginxStack;
  beforeAll(async () => {
    stack = await startNginxStack('complete', {
      rules: [
        '{host: app.example.com, path: /limited, plugins: [session, token, apikey], rate_limit: {per: 1h, burst: 4}}',
        '{host: app.example.com, path: /seldom, authenticate: false, rate_limit: {per: 1h, burst: 2}}',
      ],
      settings: ['rate_limits: {auth: {per: 1h, burst: 5}}'],
    });
  });
  afterAll(() => stack?.stop());
  beforeEach(() => {
    stack.application.requests.length = 0;
  });

  const keyOf = async (username: string): Promise<string> =>
    (await stack.gatelodge.run('keys', 'create', '--user', username, '--name', 'integration')).trim();
  /** From another address of this machine, as nginx sees it. */
  function statusFrom(localAddress: string, path: string, headers: Record<string, string> = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const request = tlsRequest({
        ...{ host: '127.0.0.1', port: stack.port, localAddress, servername: 'app.example.com', path },
        ...{ rejectUnauthorized: false, agent: false },
        headers: { host: `app.example.com:${stack.port}`, ...headers },
      });
      request.on('response', (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      });
      request.on('error', reject);
      request.end();
    });
  }

  test('a user has one allowance, whatever keys they use; what was too much reaches no application', async () => {
    const keys = [await keyOf(ALICE.username), await keyOf(ALICE.username)];
    const answers: number[] = [];
    for (let times = 0; times < 3; times += 1) {
      for (const key of keys)
        answers.push((await ask(`${stack.app}/limited/x`, { headers: { 'x-api-key': key } })).status);
    }
    expect(answers).toEqual([200, 200, 200, 200, 403, 403]);
    expect(stack.application.requests).toHaveLength(4);
    await expect.poll(() => stack.gatelodge.output(), { timeout: 15_000 }).toContain('"reason":"rate-limited"');
  });

  test('where nobody is known the address counts, and not what the client says it is', async () => {
    const answers: number[] = [];
    for (let times = 0; times < 4; times += 1)
      answers.push(await statusFrom('127.0.0.3', '/seldom', { 'x-forwarded-for': `198.51.100.${times}` }));
    expect(answers).toEqual([200, 200, 403, 403]);
    expect(await statusFrom('127.0.0.4', '/seldom')).toBe(200);
  });

  test('a user with networks is let in from there alone', async () => {
    await stack.gatelodge.run('users', 'add', 'near', '--network', '127.0.0.2', '--generate');
    const key = { 'x-api-key': await keyOf('near') };
    expect(await statusFrom('127.0.0.2', '/api/orders', key)).toBe(200);
    for (const claim of [{}, { 'x-forwarded-for': '127.0.0.2' }, { 'x-real-ip': '127.0.0.2' }])
      expect(await statusFrom('127.0.0.1', '/api/orders', { ...key, ...claim })).toBe(403);
    expect(stack.application.requests).toHaveLength(1);
  });

  test('tries to log in end in 429 with the time to wait, which passes through the pages’ location', async () => {
    const body = new URLSearchParams({ username: 'nobody', password: 'wrong' }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answers: number[] = [];
    for (let times = 0; times < 5; times += 1)
      answers.push((await ask(`${stack.pages}/auth`, { method: 'POST', headers, body })).status);
    expect(answers).toEqual(Array(5).fill(401));
    const last = await ask(`${stack.pages}/auth`, { method: 'POST', headers, body });
    expect(last.status).toBe(429);
    expect(last.headers).toMatchObject({ 'ratelimit-limit': '5', 'ratelimit-remaining': '0' });
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(3_000);
  });
});
