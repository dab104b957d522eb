import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Client,
  type ClientOptions,
  createClient,
  GatelodgeClientError,
  type Tokens,
} from '../../src/client/client.ts';
import { type Guarded, KEY, LOGIN, type Lodge, startGuarded, startLodge } from './lodge.ts';

let lodge: Lodge;
let app: Guarded;
/** The client's clock, in ms, which no wrong time of day touches. */
let now: number;

beforeEach(async () => {
  lodge = await startLodge();
  app = await startGuarded(lodge.accepts);
  now = 1_000_000;
});
afterEach(async () => {
  await Promise.all([lodge.stop(), app.stop()]);
});

const client = (credentials: Partial<ClientOptions> = LOGIN, options: Partial<ClientOptions> = {}) =>
  createClient({
    ...{ url: lodge.url, origins: [app.origin], clock: () => now },
    ...credentials,
    ...options,
  } as ClientOptions);
const get = (client: Client, init?: RequestInit) => client.fetch(`${app.origin}/x`, init);
const status = async (client: Client) => (await get(client)).status;
const calls = () => [lodge.count('/gate/auth'), lodge.count('/gate/refresh')];
async function failure(work: Promise<unknown>): Promise<GatelodgeClientError> {
  const error = await work.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (error instanceof GatelodgeClientError) return error;
  throw error;
}
/** Until something that nobody waits for has come to its end. */
async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error('it did not come');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('a token', () => {
  test('is asked for once, by however many', async () => {
    const one = client();
    expect(lodge.calls).toEqual([]);
    const answers = await Promise.all(Array.from({ length: 50 }, () => get(one)));
    expect(answers.map((answer) => answer.status)).toEqual(Array(50).fill(200));
    expect(calls()).toEqual([1, 0]);
    expect(lodge.calls[0]).toMatchObject({ method: 'POST', body: JSON.stringify(LOGIN) });
    expect(lodge.calls[0]?.headers.cookie).toBeUndefined();
    expect(new Set(app.credentials()).size).toBe(1);
  });

  test('is renewed ahead of its end, while the old one is still used', async () => {
    const one = client();
    await get(one);
    now += 3_539_000;
    await get(one);
    expect(calls()).toEqual([1, 0]);
    now += 2_000;
    let release = () => {};
    lodge.hold('/gate/refresh', new Promise<void>((resolve) => (release = resolve)));
    await Promise.all([get(one), get(one), get(one)]);
    await until(() => lodge.count('/gate/refresh') === 1);
    expect(new Set(app.credentials()).size).toBe(1);
    release();
    while (app.credentials().at(-1) === app.credentials()[0]) await get(one);
    expect(calls()).toEqual([1, 1]);
  });

  test('is waited for when the old one has ended', async () => {
    const one = client();
    await get(one);
    now += 3_596_000;
    await get(one);
    expect(calls()).toEqual([1, 1]);
    expect(new Set(app.credentials()).size).toBe(2);
  });

  test('is measured from when it was asked for, by a clock of its own', async () => {
    let release = () => {};
    lodge.hold('/gate/auth', new Promise<void>((resolve) => (release = resolve)));
    const one = client();
    const first = get(one);
    await until(() => lodge.count('/gate/auth') === 1);
    // The answer took an hour. Whoever waited for it gets it; the next one asks anew.
    now += 3_600_000;
    release();
    expect((await first).status).toBe(200);
    expect(calls()).toEqual([1, 0]);
    expect(await status(one)).toBe(200);
    expect(calls()).toEqual([1, 1]);
  });

  test('that lives for a second only is no reason to ask without end', async () => {
    lodge.lifetime = 1;
    const one = client();
    for (let count = 0; count < 5; count += 1) expect(await status(one)).toBe(200);
    expect(calls()).toEqual([1, 0]);
    now += 1_000;
    await get(one);
    expect(calls()).toEqual([1, 1]);
  });

  test('that is still good is used while gatelodge is away', async () => {
    const one = client();
    await get(one);
    now += 3_550_000;
    lodge.plan('/gate/refresh', { status: 503, headers: { 'retry-after': '20' } });
    for (let count = 0; count < 10; count += 1) expect(await status(one)).toBe(200);
    await until(() => lodge.count('/gate/refresh') === 1);
    // It is asked once, and then left alone for as long as it says.
    for (let count = 0; count < 10; count += 1) expect(await status(one)).toBe(200);
    expect(lodge.count('/gate/refresh')).toBe(1);
    now += 21_000;
    await get(one);
    await until(() => lodge.count('/gate/refresh') === 2);
  });
});

describe('a refresh token', () => {
  test('is used first, and its successor next', async () => {
    const first = lodge.refreshToken();
    const stored: Tokens[] = [];
    const one = client({ ...LOGIN, refreshToken: first }, { onTokens: (tokens) => stored.push(tokens) });
    await get(one);
    now += 3_600_000;
    await get(one);
    expect(calls()).toEqual([0, 2]);
    const sent = lodge.calls.map(({ body }) => (JSON.parse(body) as { refresh_token: string }).refresh_token);
    expect(sent).toEqual([first, stored[0]?.refreshToken]);
    expect(stored[1]).toEqual({
      token: app.credentials()[1]?.slice('Bearer '.length),
      expiresIn: 3_600,
      refreshToken: expect.stringMatching(/^refresh-/),
      refreshExpiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  test('that is refused gives way to the password, and is never sent again', async () => {
    const one = client({ ...LOGIN, refreshToken: 'unknown' });
    expect(await status(one)).toBe(200);
    expect(calls()).toEqual([1, 1]);
    now += 3_600_000;
    await get(one);
    expect(lodge.calls.filter(({ body }) => body.includes('unknown'))).toHaveLength(1);
  });

  test('that is refused gives way to the key', async () => {
    const one = client({ key: KEY, refreshToken: 'unknown' });
    expect([await status(one), await status(one)]).toEqual([200, 200]);
    expect(app.credentials()).toEqual([`Bearer ${KEY}`, `Bearer ${KEY}`]);
    expect(calls()).toEqual([0, 1]);
  });

  test('with nothing beside it is the end, and gatelodge is not asked again', async () => {
    const one = client({ refreshToken: 'unknown' });
    for (let count = 0; count < 5; count += 1) {
      now += 60_000;
      expect(await failure(get(one))).toMatchObject({ code: 'refused', status: 401 });
    }
    expect(calls()).toEqual([0, 1]);
    expect(app.calls).toEqual([]);
  });

  test('that another program spends is given up at once', async () => {
    const refreshToken = lodge.refreshToken();
    lodge.spend(refreshToken);
    const one = client({ ...LOGIN, refreshToken });
    expect(await status(one)).toBe(200);
    expect(calls()).toEqual([1, 1]);
    const other = client({ refreshToken });
    expect(await failure(get(other))).toMatchObject({ code: 'conflict', status: 409 });
    now += 60_000;
    // Sent after ten seconds it would count as stolen and end the other program's session.
    expect(await failure(get(other))).toMatchObject({ code: 'conflict' });
    expect(calls()).toEqual([1, 2]);
  });

  test.each(['lost-answer', 'lost-request'] as const)('survives a %s', async (mishap) => {
    lodge.plan('/gate/refresh', mishap);
    expect(await status(client({ refreshToken: lodge.refreshToken() }))).toBe(200);
    expect(calls()).toEqual([0, 2]);
  });

  test('survives an answer that does not come, within the ten seconds in which there is another', async () => {
    lodge.plan('/gate/refresh', 'silence');
    const before = performance.now();
    expect(await status(client({ refreshToken: lodge.refreshToken() }))).toBe(200);
    expect(performance.now() - before).toBeLessThan(9_500);
  });

  test.each([429, 500, 502, 503, 404, 400, 403])(
    'is kept through a %i, and no password is sent instead',
    async (code) => {
      const one = client({ ...LOGIN, refreshToken: lodge.refreshToken() });
      lodge.plan('/gate/refresh', { status: code });
      expect((await failure(get(one))).status).toBe(code);
      expect(calls()).toEqual([0, 1]);
      now += 5_000;
      expect(await status(one)).toBe(200);
      expect(calls()).toEqual([0, 2]);
    },
  );
});

describe('trouble', () => {
  test('is a typed error with the time to wait, and nobody is asked before that', async () => {
    lodge.plan('/gate/auth', { status: 429, headers: { 'retry-after': '30' } });
    const one = client();
    expect(await failure(get(one))).toMatchObject({ code: 'rate-limited', status: 429, retryAfter: 30 });
    now += 10_000;
    for (let count = 0; count < 10; count += 1) {
      expect(await failure(get(one))).toMatchObject({ code: 'rate-limited', retryAfter: 20 });
    }
    expect(calls()).toEqual([1, 0]);
    now += 20_000;
    expect(await status(one)).toBe(200);
  });

  test.each([
    ['a date, held against the answer’s own clock', { 'retry-after': 'Thu, 01 Jan 2026 00:00:42 GMT' }, 42],
    ['a date that has gone by', { 'retry-after': 'Wed, 31 Dec 2025 23:59:00 GMT' }, 0],
    ['nonsense', { 'retry-after': 'soon' }, undefined],
    ['a number beyond all numbers', { 'retry-after': '9'.repeat(400) }, undefined],
    ['less than nothing', { 'retry-after': '-5' }, undefined],
    ['nothing', {}, undefined],
  ])('with %s', async (_, headers, retryAfter) => {
    lodge.plan('/gate/auth', { status: 503, headers: { date: 'Thu, 01 Jan 2026 00:00:00 GMT', ...headers } });
    const error = await failure(get(client()));
    expect([error.code, error.retryAfter]).toEqual(['unavailable', retryAfter]);
  });

  test('that is said to last for years is looked at again within the hour', async () => {
    lodge.plan('/gate/auth', { status: 429, headers: { 'retry-after': '999999999' } });
    const one = client();
    expect((await failure(get(one))).retryAfter).toBe(999_999_999);
    now += 3_599_000;
    expect((await failure(get(one))).retryAfter).toBe(1);
    now += 1_000;
    expect(await status(one)).toBe(200);
  });

  test('a wrong password is sent again only after a pause that grows', async () => {
    lodge.password = 'changed';
    const one = client();
    expect(await failure(get(one))).toMatchObject({ code: 'invalid-credentials', status: 401 });
    // A program that asks every second for a day must not lock its account: ten failures in ten minutes would.
    const times: number[] = [];
    const start = now;
    for (; now - start < 3_600_000; now += 1_000) {
      const before = lodge.count('/gate/auth');
      expect((await failure(get(one))).code).toBe('invalid-credentials');
      if (lodge.count('/gate/auth') > before) times.push((now - start) / 1_000);
    }
    expect(times.slice(0, 5)).toEqual([30, 90, 210, 450, 930]);
    expect(times.slice(5)).toEqual([1_530, 2_130, 2_730, 3_330]);
    lodge.password = LOGIN.password;
    now += 600_000;
    expect(await status(one)).toBe(200);
  });

  test('no answer is one, with its cause', async () => {
    await lodge.stop();
    const error = await failure(get(client()));
    expect(error).toMatchObject({ code: 'network', status: undefined, cause: expect.any(TypeError) });
    lodge = await startLodge();
  });

  test.each(['silence', 'stops-halfway'] as const)('%s ends at the timeout', async (mishap) => {
    lodge.plan('/gate/auth', mishap);
    const error = await failure(get(client(LOGIN, { timeout: 100 })));
    expect([error.code, (error.cause as DOMException).name]).toEqual(['network', 'TimeoutError']);
  });

  test('a fetch that listens to no signal cannot hold everybody up', async () => {
    const error = await failure(get(client(LOGIN, { timeout: 50, fetch: () => new Promise(() => {}) })));
    expect(error.code).toBe('network');
  });

  test.each([
    ['a page', '<!doctype html>'],
    ['no object', 'null'],
    ['no token', '{"expires_in":3600}'],
    ['no end', '{"token":"t"}'],
    ['an end that is none', '{"token":"t","expires_in":"3600"}'],
    ['an end before now', '{"token":"t","expires_in":-1}'],
    ['a token with a line break', '{"token":"stolen\\r\\nX-Evil: 1","expires_in":3600}'],
    ['a token beyond ASCII', '{"token":"stolenü","expires_in":3600}'],
    ['more than anybody reads', `{"token":"${'stolen'.repeat(50_000)}","expires_in":3600}`],
  ])('%s where tokens should be', async (_, body) => {
    lodge.plan('/gate/auth', { status: 200, body });
    const error = await failure(get(client()));
    expect(error.code).toBe('unexpected-answer');
    expect(inspect(error, { depth: 9 })).not.toContain('stolen');
    expect(app.calls).toEqual([]);
  });

  test('no error holds a credential', async () => {
    const refreshToken = lodge.refreshToken();
    for (const status of [400, 401, 403, 404, 409, 429, 500, 503]) {
      lodge.plan('/gate/refresh', { status }, { status });
      lodge.plan('/gate/auth', { status, body: `${LOGIN.password} ${refreshToken}` });
      const error = await failure(get(client({ ...LOGIN, refreshToken })));
      const text = inspect(error, { depth: 9, showHidden: true }) + error.stack;
      expect(text).not.toContain(LOGIN.password);
      expect(text).not.toContain(refreshToken);
    }
  });
});

describe('a caller that gives up', () => {
  test('leaves the renewal to the others', async () => {
    let release = () => {};
    lodge.hold('/gate/auth', new Promise<void>((resolve) => (release = resolve)));
    const one = client();
    const controller = new AbortController();
    const given = get(one, { signal: controller.signal });
    const viaRequest = one.fetch(new Request(`${app.origin}/x`, { signal: controller.signal }));
    const waiting = get(one);
    await until(() => lodge.count('/gate/auth') === 1);
    controller.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    await expect(viaRequest).rejects.toThrow('enough');
    release();
    expect((await waiting).status).toBe(200);
    expect(calls()).toEqual([1, 0]);
  });

  test('has what the renewal brings when it comes back', async () => {
    let release = () => {};
    lodge.hold('/gate/refresh', new Promise<void>((resolve) => (release = resolve)));
    const one = client({ refreshToken: lodge.refreshToken() });
    const controller = new AbortController();
    const given = get(one, { signal: controller.signal });
    await until(() => lodge.count('/gate/refresh') === 1);
    controller.abort();
    await expect(given).rejects.toMatchObject({ name: 'AbortError' });
    release();
    // The refresh token is spent: had its successor been thrown away, nobody would get in again.
    expect(await status(one)).toBe(200);
    expect(calls()).toEqual([0, 1]);
  });

  test('before it begins asks for nothing', async () => {
    await expect(get(client(), { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    expect([lodge.calls, app.calls]).toEqual([[], []]);
  });
});

describe('onTokens', () => {
  test('is done before the token is used', async () => {
    let stored = false;
    const one = client(LOGIN, {
      async onTokens() {
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(app.calls).toEqual([]);
        stored = true;
      },
    });
    await get(one);
    expect(stored).toBe(true);
  });

  test('that throws is told once, and the tokens are good nevertheless', async () => {
    const cause = new Error('disk full');
    const one = client(LOGIN, {
      onTokens() {
        throw cause;
      },
    });
    expect(await failure(get(one))).toMatchObject({ code: 'callback-failed', cause });
    expect([await status(one), await status(one)]).toEqual([200, 200]);
    expect(calls()).toEqual([1, 0]);
  });

  test('cannot change what the client holds', async () => {
    const one = client(LOGIN, {
      onTokens(tokens) {
        Object.assign(tokens, { token: 'x', refreshToken: 'x' });
      },
    });
    expect(await status(one)).toBe(200);
    now += 3_600_000;
    expect(await status(one)).toBe(200);
    expect(calls()).toEqual([1, 1]);
  });
});

describe('logout', () => {
  const revokedOf = () => lodge.revoked().map((token) => token.split('-')[0]);

  test('has the tokens taken back, and nothing is sent afterwards', async () => {
    const one = client();
    await get(one);
    await one.logout();
    expect(revokedOf()).toEqual(['refresh', 'access']);
    expect(lodge.accepts(app.credentials()[0]?.slice(7) ?? '')).toBe(false);
    expect((await failure(get(one))).code).toBe('logged-out');
    expect([calls(), app.calls.length]).toEqual([[1, 0], 1]);
    await one.logout();
    expect(lodge.revoked()).toHaveLength(2);
  });

  test('takes back what a renewal under way brings', async () => {
    let release = () => {};
    lodge.hold('/gate/auth', new Promise<void>((resolve) => (release = resolve)));
    const stored: Tokens[] = [];
    const one = client(LOGIN, { onTokens: (tokens) => stored.push(tokens) });
    const waiting = failure(get(one));
    await until(() => lodge.count('/gate/auth') === 1);
    const ended = Promise.all([one.logout(), one.logout()]);
    release();
    await ended;
    expect(revokedOf()).toEqual(['refresh', 'access']);
    expect((await waiting).code).toBe('logged-out');
    expect([stored, app.calls]).toEqual([[], []]);
  });

  test('that fails can be done again, and is a logout nevertheless', async () => {
    const one = client();
    await get(one);
    lodge.plan('/gate/revoke', { status: 503, headers: { 'retry-after': '1' } });
    expect(await failure(one.logout())).toMatchObject({ code: 'unavailable', retryAfter: 1 });
    expect((await failure(get(one))).code).toBe('logged-out');
    await one.logout();
    expect(revokedOf()).toEqual(['refresh', 'access']);
  });

  test('of a key leaves the key alone; revoke takes it back', async () => {
    const one = client({ key: KEY });
    await one.logout();
    expect(lodge.calls).toEqual([]);
    await one.revoke(KEY);
    expect([lodge.revoked(), lodge.accepts(KEY)]).toEqual([[KEY], false]);
    expect((await failure(one.revoke('no token'))).code).toBe('invalid-options');
  });

  test('honours a signal', async () => {
    const one = client();
    await get(one);
    await expect(one.logout({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    await expect(one.revoke('x', { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    expect(await status(one)).toBe(200);
    lodge.plan('/gate/revoke', 'silence');
    await expect(one.logout({ signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});
