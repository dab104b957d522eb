import { request as forward } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Client, type ClientOptions, createClient, type Tokens } from '../../src/client/client.ts';
import { type Installation, installPlugins, type Served } from '../plugins/installed-plugin.ts';
import { type Guarded, serve, startGuarded } from './lodge.ts';

const ALICE = { username: 'alice', password: 'the password of alice' };
const BOB = { username: 'bob', password: 'the password of bob' };

const configuration = (format: string) => `
listen: {port: 0}
data_dir: ./data
users:
  - {username: alice, password: ${ALICE.password}}
  - {username: bob, password: ${BOB.password}}
auth_plugins: {token: {}, apikey: {}}
tokens: {format: ${format}}
paths:
  - {path: /, plugins: [token, apikey]}
`;

describe.each(['jwt', 'encrypted'])('with a real gatelodge that issues %s tokens', (format) => {
  let installation: Installation;
  let service: Served;
  let app: Guarded;
  /** The client's clock, in ms. */
  let now = 0;
  let stored: Tokens[];

  beforeAll(async () => {
    installation = await installPlugins({ 'gatelodge.yaml': configuration(format) });
    service = await installation.serve();
  });
  afterAll(async () => {
    await service?.stop();
    await installation?.remove();
  });
  beforeEach(async () => {
    stored = [];
    // gatelodge itself decides, as behind a front server.
    app = await startGuarded(
      async (token) => (await service.validate({ Authorization: `Bearer ${token}` })).status === 200,
    );
  });
  afterEach(() => app.stop());

  const client = (options: Partial<ClientOptions> = ALICE) =>
    createClient({
      ...{
        url: service.url,
        origins: [app.origin],
        clock: () => now,
        onTokens: (tokens: Tokens) => stored.push(tokens),
      },
      ...options,
    } as ClientOptions);
  const get = async (one: Client) => (await one.fetch(`${app.origin}/x`)).status;
  const refreshToken = async () => {
    await get(client());
    return stored.pop()?.refreshToken ?? '';
  };

  test('a token is renewed with the refresh token, which changes each time', async () => {
    const one = client();
    for (let round = 0; round < 3; round += 1) {
      expect(await get(one)).toBe(200);
      now += 3_600_000;
    }
    expect(new Set(app.credentials()).size).toBe(3);
    expect(new Set(stored.map((tokens) => tokens.refreshToken)).size).toBe(3);
    for (const tokens of stored)
      expect(tokens).toMatchObject({ expiresIn: 3_600, refreshExpiresAt: expect.any(String) });
    // A program that starts anew goes on with the last of them.
    expect(await get(client({ refreshToken: stored.at(-1)?.refreshToken ?? '' }))).toBe(200);
  });

  test('an access token that was taken back is replaced, for a hundred requests once', async () => {
    const one = client();
    await get(one);
    await client().revoke(stored[0]?.token ?? '');
    expect(await Promise.all(Array.from({ length: 100 }, () => get(one)))).toEqual(Array(100).fill(200));
    expect(stored).toHaveLength(2);
  });

  test('a login that was taken back is made again with the password, or is the end', async () => {
    const withPassword = client();
    const without = client({ refreshToken: await refreshToken() });
    for (const one of [withPassword, without]) {
      expect(await get(one)).toBe(200);
      await one.revoke(stored.at(-1)?.refreshToken ?? '');
    }
    expect(await get(withPassword)).toBe(200);
    await expect(get(without)).rejects.toMatchObject({ code: 'refused', status: 401 });
  });

  test('logout is one: what was handed out is refused from then on', async () => {
    const one = client();
    await get(one);
    await one.logout();
    const [tokens] = stored;
    expect((await service.validate({ Authorization: `Bearer ${tokens?.token}` })).status).toBe(401);
    const next = client({ refreshToken: tokens?.refreshToken ?? '' });
    await expect(get(next)).rejects.toMatchObject({ code: 'refused' });
  });

  test('a user who is locked is out, and in again afterwards', async () => {
    const one = client(BOB);
    expect(await get(one)).toBe(200);
    expect((await installation.run('users', 'lock', 'bob')).code).toBe(0);
    await expect.poll(() => get(one).catch((error) => error.code), { timeout: 10_000 }).toBe('invalid-credentials');
    expect((await installation.run('users', 'unlock', 'bob')).code).toBe(0);
    await expect.poll(() => get(client(BOB)).catch((error) => error.code), { timeout: 10_000 }).toBe(200);
  });

  test('a key goes as it is, and is taken back by revoke', async () => {
    const { stdout } = await installation.run('keys', 'create', '--user', 'alice', '--name', 'client');
    const one = client({ key: stdout.trim() });
    await expect.poll(() => get(one), { timeout: 10_000 }).toBe(200);
    await one.revoke(stdout.trim());
    expect(await get(one)).toBe(401);
  });

  test('an answer to a refresh that is lost is had again', async () => {
    let lost = 0;
    const relay = await serve((request, response) => {
      const { method, headers, url: path } = request;
      const onward = forward(`${service.url}${path}`, { method, headers }, (answer) => {
        if (path === '/refresh' && lost === 0) {
          lost += 1;
          answer.resume().on('end', () => response.destroy());
          return;
        }
        response.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(response);
      });
      request.pipe(onward);
    });
    try {
      const one = client({ url: relay.origin, refreshToken: await refreshToken() });
      expect([await get(one), lost]).toEqual([200, 1]);
      now += 3_600_000;
      expect(await get(one)).toBe(200);
    } finally {
      await relay.stop();
    }
  });

  test('several that share a refresh token: some win, the others fall back, and nobody ends the winner’s login', async () => {
    const shared = await refreshToken();
    const sharing = Array.from({ length: 5 }, () => client({ refreshToken: shared }));
    const said = await Promise.all(sharing.map((one) => get(one).catch((error) => error.code)));
    // One wins, one has the answer that might have been lost.
    expect(said.toSorted()).toEqual([200, 200, 'conflict', 'conflict', 'conflict']);
    const winner = sharing[said.indexOf(200)];
    expect(winner === undefined ? 0 : await get(winner)).toBe(200);
    expect(await get(client({ ...ALICE, refreshToken: shared }))).toBe(200);
  });
});

test('a gatelodge that has enough of guesses says when to come back', async () => {
  const installation = await installPlugins({ 'gatelodge.yaml': configuration('jwt') });
  try {
    const service = await installation.serve();
    try {
      const guesses = Array.from({ length: 12 }, (_, index) =>
        createClient({ url: service.url, username: 'alice', password: `guess ${index}` })
          .fetch(service.url)
          .catch((error: unknown) => error),
      );
      const errors = await Promise.all(guesses);
      const codes = new Set(errors.map((error) => (error as { code: string }).code));
      expect([...codes].toSorted()).toEqual(['invalid-credentials', 'rate-limited']);
      for (const error of errors) {
        const { code, retryAfter } = error as { code: string; retryAfter?: number };
        if (code === 'rate-limited') expect(retryAfter).toBeGreaterThanOrEqual(1);
      }
    } finally {
      await service.stop();
    }
  } finally {
    await installation.remove();
  }
});
