import { createHash, randomBytes } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { Agent } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ClientOptions, createClient, GatelodgeClientError } from '../../../src/client/client.ts';
import { clientModules } from '../../client/client-modules.ts';
import { CHROMIUM, newPerson, startBrowser } from '../../support/browser.ts';
import { ADMIN, ALICE, type NginxStack, startNginxStack } from '../../support/nginx-stack.ts';
import { missing } from '../../support/skip.ts';

/** Every name is this machine, whose certificate nobody has signed. */
const dispatcher = new Agent({
  connect: {
    rejectUnauthorized: false,
    lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
  },
});
// What the platform's fetch takes beyond the standard is not in its types.
const send = (request: Request) => fetch(request, { dispatcher } as unknown as RequestInit);

describe.skipIf(missing('nginx', 'openssl'))('gatelodge/client behind complete.conf', () => {
  let stack: NginxStack;
  beforeAll(async () => {
    stack = await startNginxStack('complete');
  });
  afterAll(async () => {
    await stack?.stop();
    await dispatcher.close();
  });
  beforeEach(() => {
    stack.application.requests.length = 0;
  });

  const client = (options: Partial<ClientOptions> = ALICE) =>
    createClient({ url: stack.pages, origins: [stack.app], fetch: send, ...options } as ClientOptions);
  const whoCame = () =>
    stack.application.requests.map(({ headers }) => [headers['x-auth-user'], headers['x-auth-method']]);

  test('a password becomes a token, and the application learns who it is', async () => {
    const { fetch } = client();
    const answers = await Promise.all([1, 2, 3].map((page) => fetch(`${stack.app}/api/orders?page=${page}`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(whoCame()).toEqual(Array(3).fill([['alice'], ['token']]));
  });

  test('an API key goes as it is', async () => {
    const key = (await stack.gatelodge.run('keys', 'create', '--user', ALICE.username, '--name', 'client')).trim();
    expect((await client({ key }).fetch(`${stack.app}/api/orders`)).status).toBe(200);
    expect(whoCame()).toEqual([[['alice'], ['apikey']]]);
  });

  test('a token that was taken back is renewed on the way, also below an upload', async () => {
    const issued: string[] = [];
    const one = client({ ...ALICE, onTokens: ({ token }) => issued.push(token) });
    expect((await one.fetch(`${stack.app}/api/orders`)).status).toBe(200);
    await one.revoke(issued[0] ?? '');
    const body = randomBytes(500_000);
    expect((await one.fetch(`${stack.app}/api/upload`, { method: 'PUT', body })).status).toBe(200);
    expect(issued).toHaveLength(2);
    // The first attempt ended at nginx.
    expect(stack.application.requests.map(({ bodyLength }) => bodyLength)).toEqual([0, 500_000]);
    await one.logout();
    const stale = await send(
      new Request(`${stack.app}/api/orders`, { headers: { authorization: `Bearer ${issued[1]}` } }),
    );
    expect(stale.status).toBe(401);
  });

  test('5 MB arrive as they were sent', async () => {
    const body = randomBytes(5_000_000);
    const response = await client().fetch(`${stack.app}/api/upload`, { method: 'POST', body });
    expect(response.status).toBe(200);
    const md5 = createHash('md5').update(body).digest('hex');
    expect(stack.application.requests).toMatchObject([{ method: 'POST', bodyLength: 5_000_000, bodyMd5: md5 }]);
  });

  test('what a user may not do is a 403, and no reason to log in again', async () => {
    const { fetch } = client();
    expect((await fetch(`${stack.app}/api/admin`)).status).toBe(403);
    expect((await client(ADMIN).fetch(`${stack.app}/api/admin`)).status).toBe(200);
  });

  test('a wrong password is told, and the application not reached', async () => {
    const { fetch } = client({ ...ALICE, password: 'wrong' });
    const error = await fetch(`${stack.app}/api/orders`).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(GatelodgeClientError);
    expect(error).toMatchObject({ code: 'invalid-credentials', status: 401 });
    expect(stack.application.requests).toEqual([]);
  });
});

describe.skipIf(missing('nginx', 'openssl', CHROMIUM))('gatelodge/client in a page behind minimal.conf', () => {
  let stack: NginxStack;
  let browser: Browser;
  beforeAll(async () => {
    stack = await startNginxStack('minimal');
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
  });

  test('logs in, fetches, renews and logs out', async () => {
    const person = await newPerson(browser);
    try {
      const page = await person.newPage();
      const modules = clientModules();
      // Scripts come from wherever a page has its scripts; everything else is the real thing.
      await page.route('**/client/*.js', (route) =>
        route.fulfill({
          contentType: 'text/javascript',
          body: modules.get(new URL(route.request().url()).pathname) ?? '',
        }),
      );
      await page.goto(`${stack.app}/health`);
      const options = JSON.stringify({ url: stack.pages, ...ALICE });
      // As a text: the test's own compiler would take the import for its own.
      const said = await page.evaluate(`(async () => {
        const { createClient } = await import('/client/client.js');
        const issued = [];
        const client = createClient({ ...${options}, onTokens: ({ token }) => issued.push(token) });
        const get = async () => (await client.fetch('/api/orders', { method: 'POST', body: 'x' })).status;
        const statuses = [await get()];
        await client.revoke(issued[0]);
        statuses.push(await get());
        await client.logout();
        return [statuses, issued.length, await get().catch(({ code }) => code)];
      })()`);
      expect(said).toEqual([[200, 200], 2, 'logged-out']);
      const orders = stack.application.requests.filter(({ url }) => url === '/api/orders');
      expect(orders.map(({ headers }) => headers['x-auth-user'])).toEqual([['alice'], ['alice']]);
    } finally {
      await person.close();
    }
  });
});
