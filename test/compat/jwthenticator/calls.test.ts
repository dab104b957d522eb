import { afterEach, describe, expect, it } from 'vitest';
import { GatelodgeError } from '../../../src/domain/errors.ts';
import { DAY, HOUR, NIL, openStand, type Stand, type StandOptions } from './stand.ts';

const TRUE = '{"result": true, "message": null}';
const FALSE = '{"result": false, "message": null}';
const KEY = 'correct horse battery staple';

let stand: Stand;
const open = async (options?: StandOptions) => {
  stand = await openStand(options);
};
afterEach(() => stand.close());

const authenticate = (key: string = KEY, identifier: string = NIL) => stand.post('authenticate', { key, identifier });
const refresh = (refresh_token: string, identifier: string = NIL) =>
  stand.post('refresh', { refresh_token, identifier });
const validateRequest = (authorization?: string, method = 'GET') =>
  stand.request('/validate_request', {
    method,
    ...(authorization === undefined ? {} : { headers: { authorization } }),
  });

describe('authenticate', () => {
  it('gives a JWT and a refresh token for a registered key', async () => {
    await open();
    await stand.register(KEY);
    const { status, text, headers, granted } = await authenticate();
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(headers.get('content-length')).toBe(String(text.length));
    expect(headers.get('cache-control')).toBe('no-store');
    expect(text).toMatch(/^\{"jwt": "[\w-]+\.[\w-]+\.[\w-]+", "refresh_token": "[0-9a-f]{128}"\}$/);
    expect((await authenticate()).granted.refresh_token).not.toBe(granted.refresh_token);
  });

  it('is 401 {} for an unknown and for an expired key', async () => {
    await open();
    await stand.register(KEY);
    for (const key of [`${KEY} `, KEY.toUpperCase(), 'x'.repeat(100_000)])
      expect(await authenticate(key)).toMatchObject({ status: 401, text: '{}' });
    stand.now += 120 * DAY - 1;
    expect((await authenticate()).status).toBe(200);
    stand.now += 1;
    expect(await authenticate()).toMatchObject({ status: 401, text: '{}' });
  });

  it('takes keys of any letters, each for itself', async () => {
    await open();
    for (const key of ['ключ', '鍵', 'e\u0301', '\u00e9', ' ', '\u0000', '{}', '__proto__']) {
      expect((await authenticate(key)).status).toBe(401);
      await stand.register(key);
      expect((await authenticate(key)).status).toBe(200);
    }
  });
});

describe('refresh', () => {
  it('gives a JWT alone, again and again, until the refresh token expires', async () => {
    await open();
    await stand.register(KEY);
    const { refresh_token: token } = (await authenticate()).granted;
    for (const days of [0, 30, 29]) {
      stand.now += days * DAY;
      const { status, text, granted } = await refresh(token);
      expect(status).toBe(200);
      expect(text).toMatch(/^\{"jwt": "[\w-]+\.[\w-]+\.[\w-]+", "refresh_token": null\}$/);
      expect(await stand.post('validate', { jwt: granted.jwt })).toMatchObject({ status: 200, text: TRUE });
    }
    stand.now += DAY;
    expect(await refresh(token)).toMatchObject({ status: 401, text: '{}' });
  });

  it('succeeds for 20 at once with one refresh token', async () => {
    await open();
    await stand.register(KEY);
    const { refresh_token: token } = (await authenticate()).granted;
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(token)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(answers.map(({ granted }) => granted.jwt)).size).toBe(20);
  });

  it('goes on when the key has expired', async () => {
    await open();
    await stand.register(KEY);
    stand.now += 119 * DAY;
    const { refresh_token: token } = (await authenticate()).granted;
    stand.now += 2 * DAY;
    expect((await authenticate()).status).toBe(401);
    expect((await refresh(token)).status).toBe(200);
  });

  it('is 401 {} for what is no refresh token', async () => {
    await open();
    await stand.register(KEY);
    const { refresh_token: token, jwt } = (await authenticate()).granted;
    for (const text of ['', KEY, jwt, token.toUpperCase(), token.slice(1), `${token} `])
      expect(await refresh(text)).toMatchObject({ status: 401, text: '{}' });
  });
});

describe('validate and validate_request', () => {
  it('know a good JWT until it expires', async () => {
    await open();
    await stand.register(KEY);
    const { jwt } = (await authenticate()).granted;
    const both = async () => [
      (await stand.post('validate', { jwt })).status,
      (await validateRequest(`Bearer ${jwt}`)).status,
    ];
    expect(await stand.post('validate', { jwt })).toMatchObject({ status: 200, text: TRUE });
    expect(await validateRequest(`Bearer ${jwt}`)).toMatchObject({ status: 200, text: '{}' });
    expect(await validateRequest(`Bearer ${jwt}`, 'HEAD')).toMatchObject({ status: 200, text: '' });
    stand.now += 25 * HOUR - 1_000;
    expect(await both()).toEqual([200, 200]);
    stand.now += 1_000;
    expect(await both()).toEqual([401, 401]);
  });

  it('are 401 {} for every other text', async () => {
    await open();
    await stand.register(KEY);
    const { jwt, refresh_token: token } = (await authenticate()).granted;
    for (const text of [
      'x',
      'a.b.c',
      '..',
      `${jwt}x`,
      `x${jwt}`,
      jwt.slice(0, -2),
      `${jwt}.`,
      token,
      `${jwt},${jwt}`,
      'x'.repeat(17_000),
    ]) {
      expect(await stand.post('validate', { jwt: text })).toMatchObject({ status: 401, text: '{}' });
      expect(await validateRequest(`Bearer ${text}`)).toMatchObject({ status: 401, text: '{}' });
      expect((await validateRequest(`Bearer ${text}`, 'HEAD')).status).toBe(401);
    }
    expect(await stand.post('validate', { jwt: '' })).toMatchObject({ status: 401, text: '{}' });
    expect(stand.failures).toEqual([]);
  });

  it.each([
    ['a header that is missing', () => undefined],
    ['two blanks', (jwt: string) => `Bearer  ${jwt}`],
    ['lower case', (jwt: string) => `bearer ${jwt}`],
    ['upper case', (jwt: string) => `BEARER ${jwt}`],
    ['no token', () => 'Bearer'],
    ['a tab', (jwt: string) => `Bearer\t${jwt}`],
    ['the token alone', (jwt: string) => jwt],
    ['something behind it', (jwt: string) => `Bearer ${jwt} x`],
    ['another scheme', (jwt: string) => `Basic ${jwt}`],
    ['two headers, as they are joined', (jwt: string) => `Bearer ${jwt}, Bearer ${jwt}`],
  ])('validate_request is 403 {} for %s', async (_what, header) => {
    await open();
    await stand.register(KEY);
    const { jwt } = (await authenticate()).granted;
    expect(await validateRequest(header(jwt))).toMatchObject({ status: 403, text: '{}' });
    expect((await validateRequest(header(jwt), 'HEAD')).status).toBe(403);
  });
});

describe('internal calls', () => {
  it('register a key; again makes it last longer, and never shorter', async () => {
    await open();
    const register = () => stand.post('register_key', { key: KEY, identifier: `{${NIL}}` });
    const isRegistered = async () => (await stand.post('is_key_registered', { key: KEY })).text;
    expect(await isRegistered()).toBe(FALSE);
    expect(await register()).toMatchObject({ status: 201, text: TRUE });
    expect(await isRegistered()).toBe(TRUE);
    stand.now += 100 * DAY;
    expect(await register()).toMatchObject({ status: 201, text: TRUE });
    stand.now += 100 * DAY;
    expect((await authenticate()).status).toBe(200);
    expect(await stand.store.jwthenticator.listKeys()).toMatchObject([{ identifier: NIL }]);
    stand.now += 20 * DAY;
    expect((await authenticate()).status).toBe(401);
    // Expired, and still registered; registering it brings it back.
    expect(await isRegistered()).toBe(TRUE);
    expect((await register()).status).toBe(201);
    expect((await authenticate()).status).toBe(200);
    stand.now -= DAY;
    await register();
    stand.now += 120 * DAY;
    expect((await authenticate()).status).toBe(200);
  });

  it('registered by several at once is one key', async () => {
    await open();
    await Promise.all(Array.from({ length: 20 }, () => stand.post('register_key', { key: KEY, identifier: NIL })));
    expect(await stand.store.jwthenticator.listKeys()).toHaveLength(1);
  });

  it('are for internal callers, whatever the body', async () => {
    await open();
    for (const call of ['register_key', 'is_key_registered']) {
      for (const body of ['', { key: KEY, identifier: NIL }]) {
        const { status, text } = await stand.post(call, body, { internal: false });
        expect({ status, text }).toEqual({ status: 403, text: expect.stringContaining('"forbidden"') });
      }
    }
    expect(await stand.store.jwthenticator.listKeys()).toEqual([]);
  });
});

describe('general calls', () => {
  it.each(['/', '/health'])('GET %s is alive', async (call) => {
    await open();
    expect(await stand.request(call)).toMatchObject({ status: 200, text: TRUE });
    expect(await stand.request(call, { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  });

  it.each([
    ['POST', '/validate_request', 'GET, HEAD'],
    ['GET', '/authenticate', 'POST'],
    ['HEAD', '/refresh', 'POST'],
    ['PUT', '/validate', 'POST'],
    ['GET', '/register_key', 'POST'],
    ['DELETE', '/is_key_registered', 'POST'],
    ['POST', '/jwks', 'GET, HEAD'],
    ['OPTIONS', '/health', 'GET, HEAD'],
    ['POST', '/', 'GET, HEAD'],
  ])('%s %s is 405', async (method, call, allow) => {
    await open();
    const { status, headers } = await stand.request(call, { method });
    expect([status, headers.get('allow')]).toEqual([405, allow]);
  });

  it.each(['', '/nothing', '/health/', '/validate_request/', '//health', '/HEALTH'])('%j is nowhere', async (call) => {
    await open();
    expect((await stand.request(call)).status).toBe(404);
  });
});

describe('trouble', () => {
  it('is 503 where the store is away, never 401', async () => {
    const away = () => Promise.reject(new GatelodgeError('store-unavailable', 'away'));
    await open({ store: (real) => ({ ...real, findKey: away, findRefreshToken: away, register: away }) });
    for (const answer of [
      await authenticate(),
      await refresh('x'),
      await stand.post('register_key', { key: KEY, identifier: NIL }),
      await stand.post('is_key_registered', { key: KEY }),
    ]) {
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2']);
    }
  });

  it('of any other kind is 503 too, and told to us alone', async () => {
    const broken = () => Promise.reject(new Error('the secret is 42'));
    await open({ store: (real) => ({ ...real, insertRefreshToken: broken, findRefreshToken: broken }) });
    await stand.register(KEY);
    for (const { status, text } of [await authenticate(), await refresh('x')]) {
      expect(status).toBe(503);
      expect(text).not.toContain('42');
    }
    expect(stand.failures).toMatchObject([
      { code: 'store-unavailable', cause: { message: 'the secret is 42' } },
      { cause: { message: 'the secret is 42' } },
    ]);
  });

  it('is 401 where the key is revoked in the middle of it, and no refresh token is left behind', async () => {
    await open({
      store: (real) => ({
        ...real,
        async insertRefreshToken(token) {
          await real.deleteKey(token.keyId, { keepRefreshTokens: false });
          return real.insertRefreshToken(token);
        },
      }),
    });
    await stand.register(KEY);
    expect(await authenticate()).toMatchObject({ status: 401, text: '{}' });
    expect(await stand.store.jwthenticator.listRefreshTokens()).toEqual([]);
  });
});
