import { createHash, randomBytes } from 'node:crypto';
import { Agent } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ClientOptions, createClient, GatelodgeClientError } from '../../../src/client/client.ts';
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
