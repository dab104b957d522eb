import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ClientOptions, createClient, GatelodgeClientError } from '../../src/client/client.ts';
import { type Guarded, KEY, LOGIN, type Lodge, startGuarded, startLodge } from './lodge.ts';

let lodge: Lodge;
let app: Guarded;
let elsewhere: Guarded;
const redirects = new Map<string, readonly [number, string]>();

beforeEach(async () => {
  lodge = await startLodge();
  redirects.clear();
  app = await startGuarded(lodge.accepts, redirects);
  elsewhere = await startGuarded(() => true);
});
afterEach(async () => {
  await Promise.all([lodge.stop(), app.stop(), elsewhere.stop()]);
});

const client = (options: Partial<ClientOptions> = {}) =>
  createClient({ url: lodge.url, origins: [app.origin], ...LOGIN, ...options } as ClientOptions);
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'no error',
    (error: unknown) => (error instanceof GatelodgeClientError ? error.code : String(error)),
  );

describe('the credential goes nowhere else', () => {
  test.each([
    ['another port', () => elsewhere.origin],
    ['another spelling of the host', () => app.origin.replace('127.0.0.1', 'localhost')],
    ['another scheme', () => app.origin.replace('http:', 'https:')],
    ['gatelodge itself, where origins name others', () => lodge.origin],
    ['a user name that looks like the host', () => `${app.origin.replace('http://', 'http://127.0.0.1:1@')}`],
    ['a host that begins like it', () => `${app.origin.replace(/:\d+$/, '')}.example.com/`],
    ['blob:', () => `blob:${app.origin}/1`],
    ['data:', () => 'data:text/plain,x'],
    ['file:', () => 'file:///etc/hosts'],
    ['about:', () => 'about:blank'],
  ])('not to %s', async (_, url) => {
    const { fetch } = client();
    for (const input of [url(), asObject(url())]) {
      expect(await codeOf(fetch(input as string))).toMatch(/^forbidden-origin$|includes credentials/);
    }
    // Not even a token was asked for, so nobody can have others log in.
    expect([lodge.calls, app.calls, elsewhere.calls]).toEqual([[], [], []]);
  });

  test('not to where an object leads that changes its mind', async () => {
    const urls = [`${app.origin}/a`, `${elsewhere.origin}/stolen`, `${elsewhere.origin}/stolen`];
    const input = { toString: () => urls.shift() ?? `${elsewhere.origin}/stolen` };
    const init = { method: 'POST', body: 'x' };
    const { fetch } = client();
    await (await fetch(`${app.origin}/first`)).text();
    lodge.expireTokens();
    expect((await fetch(input as unknown as string, init)).status).toBe(200);
    expect(elsewhere.calls).toEqual([]);
  });

  test('not to where a Request leads that its init changes', async () => {
    const request = new Request(`${elsewhere.origin}/x`);
    expect(await codeOf(client().fetch(request))).toBe('forbidden-origin');
    expect(elsewhere.calls).toEqual([]);
  });

  test.each([301, 302, 303, 307, 308])('not along with a %i to another origin', async (status) => {
    redirects.set('/away', [status, `${elsewhere.origin}/stolen`]);
    for (const options of [LOGIN, { key: KEY, username: undefined, password: undefined }]) {
      const response = await client(options as Partial<ClientOptions>).fetch(`${app.origin}/away`);
      expect([response.status, response.url]).toEqual([200, `${elsewhere.origin}/stolen`]);
    }
    expect(app.credentials()).toEqual([expect.stringMatching(/^Bearer access-/), `Bearer ${KEY}`]);
    expect(elsewhere.credentials()).toEqual([undefined, undefined]);
    expect(elsewhere.calls.map(({ headers }) => headers.cookie)).toEqual([undefined, undefined]);
  });

  test('not to another allowed origin by redirect, whose 401 then renews nothing', async () => {
    const other = await startGuarded(lodge.accepts);
    try {
      redirects.set('/over', [302, `${other.origin}/there`]);
      const response = await client({ origins: [app.origin, other.origin] }).fetch(`${app.origin}/over`);
      expect(response.status).toBe(401);
      expect(other.credentials()).toEqual([undefined]);
      expect([lodge.count('/gate/auth'), lodge.count('/gate/refresh')]).toEqual([1, 0]);
    } finally {
      await other.stop();
    }
  });

  test('but along with a redirect within the origin', async () => {
    redirects.set('/old', [307, '/new']);
    const response = await client().fetch(`${app.origin}/old`, { method: 'POST', body: 'kept' });
    expect(await response.json()).toMatchObject({ path: '/new', body: 'kept' });
  });

  test.each([301, 302, 307, 308])('and a %i of gatelodge takes no password along', async (status) => {
    lodge.plan('/gate/auth', { status, headers: { location: `${elsewhere.origin}/gate/auth` } });
    expect(await codeOf(client().fetch(`${app.origin}/x`))).toBe('network');
    lodge.plan(
      '/gate/refresh',
      ...Array(2).fill({ status, headers: { location: `${elsewhere.origin}/gate/refresh` } }),
    );
    const { fetch } = createClient({ url: lodge.url, refreshToken: lodge.refreshToken() });
    expect(await codeOf(fetch(lodge.origin))).toBe('network');
    expect(elsewhere.calls).toEqual([]);
  });

  test('and none is sent over another one of the caller’s', async () => {
    const { fetch } = client();
    const headers = { authorization: 'Basic YTpi' };
    expect(await codeOf(fetch(`${app.origin}/x`, { headers }))).toBe('invalid-options');
    expect(await codeOf(fetch(new Request(`${app.origin}/x`, { headers })))).toBe('invalid-options');
    expect(app.calls).toEqual([]);
  });
});

/** Something with a URL that is neither a text nor a URL. */
const asObject = (url: string) => ({ toString: () => url });

describe('fetch', () => {
  test('without origins goes to the origin of url alone', async () => {
    const { fetch } = createClient({ url: lodge.url, ...LOGIN });
    expect((await fetch(`${lodge.origin}/gate/unknown`, { method: 'POST', body: '{}' })).status).toBe(404);
    expect(lodge.calls.at(-1)?.headers.authorization).toMatch(/^Bearer access-/);
    expect(await codeOf(fetch(`${app.origin}/x`))).toBe('forbidden-origin');
  });

  test('takes what fetch takes', async () => {
    const { fetch } = client();
    const url = `${app.origin}/a?b=%26`;
    for (const input of [url, new URL(url), new Request(url)]) {
      const response = await fetch(input);
      expect(await response.json()).toMatchObject({ path: '/a?b=%26' });
    }
    const posted = await fetch(new Request(url, { method: 'POST', body: 'a' }), { body: 'b' });
    expect(await posted.json()).toMatchObject({ body: 'b' });
    await expect(fetch('no url')).rejects.toThrow(TypeError);
    await expect(fetch(url, { method: 'GET', body: 'x' })).rejects.toThrow(TypeError);
    expect(lodge.count('/gate/auth')).toBe(1);
  });

  test('sends an API key itself, and hands back the 401 of one that is no good', async () => {
    const { fetch } = createClient({ url: lodge.url, origins: [app.origin], key: KEY });
    expect((await fetch(`${app.origin}/x`)).status).toBe(200);
    const revoked = createClient({ url: lodge.url, origins: [app.origin], key: `${KEY}x` });
    expect((await revoked.fetch(`${app.origin}/x`)).status).toBe(401);
    expect(app.credentials()).toEqual([`Bearer ${KEY}`, `Bearer ${KEY}x`]);
    expect(lodge.calls).toEqual([]);
  });

  test('hands back what the application says, also 429, 503 and 500, and its failures', async () => {
    const { fetch } = client({ origins: [lodge.origin] });
    for (const status of [429, 503, 500, 403]) {
      lodge.plan('/x', { status, headers: { 'retry-after': '9' } });
      expect((await fetch(`${lodge.origin}/x`)).status).toBe(status);
    }
    lodge.plan('/x', 'lost-request');
    await expect(fetch(`${lodge.origin}/x`)).rejects.toThrow(TypeError);
    expect(lodge.count('/gate/auth')).toBe(1);
  });
});

describe('after a 401', () => {
  const stream = () => new Blob(['a stream']).stream();
  const form = () => {
    const data = new FormData();
    data.set('field', 'in a form');
    data.set('file', new File(['of a file'], 'name.txt'));
    return data;
  };

  test.each<[string, () => Exclude<RequestInit['body'], undefined>, string]>([
    ['a text', () => 'text ü', 'text ü'],
    ['a URLSearchParams', () => new URLSearchParams({ a: 'b c' }), 'a=b+c'],
    ['an ArrayBuffer', () => new TextEncoder().encode('buffer').buffer, 'buffer'],
    ['a part of a buffer', () => new TextEncoder().encode('a buffer').subarray(2), 'buffer'],
    ['a Blob', () => new Blob(['blob'], { type: 'text/x' }), 'blob'],
  ])('%s is sent again with a new token', async (_, body, text) => {
    const { fetch } = client();
    await fetch(`${app.origin}/first`);
    lodge.expireTokens();
    app.calls.length = 0;
    const response = await fetch(`${app.origin}/x`, { method: 'PUT', body: body() });
    expect(await response.json()).toMatchObject({ body: text });
    expect(app.calls.map((call) => call.body)).toEqual([text, text]);
    expect(app.calls[0]?.headers['content-type']).toBe(app.calls[1]?.headers['content-type']);
    expect(lodge.count('/gate/refresh')).toBe(1);
  });

  test('a form is sent again, each time with a boundary that fits', async () => {
    const { fetch } = client();
    await fetch(`${app.origin}/first`);
    lodge.expireTokens();
    const answer = await (await fetch(`${app.origin}/x`, { method: 'POST', body: form() })).json();
    const { body, type } = answer as { body: string; type: string };
    const read = await new Response(body, { headers: { 'content-type': type } }).formData();
    expect([read.get('field'), await (read.get('file') as File).text()]).toEqual(['in a form', 'of a file']);
  });

  test.each([
    ['a Request with a text', () => new Request(`${app.origin}/x`, { method: 'POST', body: 'a request' })],
    ['a Request with a stream', () => streaming(`${app.origin}/x`, new Blob(['a request']).stream())],
  ])('%s is sent again', async (_, make) => {
    const { fetch } = client();
    await fetch(`${app.origin}/first`);
    lodge.expireTokens();
    const request = make();
    expect(await (await fetch(request)).json()).toMatchObject({ body: 'a request' });
    expect(request.bodyUsed).toBe(true);
    await expect(fetch(request)).rejects.toThrow(TypeError);
  });

  test('a Request is used up without a 401 too', async () => {
    const request = new Request(`${app.origin}/x`, { method: 'POST', body: 'a request' });
    expect((await client().fetch(request)).status).toBe(200);
    expect(request.bodyUsed).toBe(true);
  });

  test.each([
    ['a stream', () => stream()],
    [
      'an iterable',
      () =>
        (async function* () {
          yield new TextEncoder().encode('a stream');
        })(),
    ],
  ])('%s is not sent again: the 401 comes back, and the next request has a new token', async (_, body) => {
    const { fetch } = client();
    await fetch(`${app.origin}/first`);
    lodge.expireTokens();
    app.calls.length = 0;
    // `duplex` is the platform's condition for streams; the types do not know it, nor iterables.
    const init = { method: 'POST', body: body(), duplex: 'half' } as unknown as RequestInit;
    const response = await fetch(`${app.origin}/x`, init);
    expect([response.status, await response.text()]).toEqual([401, 'no']);
    expect(app.calls.map((call) => call.body)).toEqual(['a stream']);
    expect((await fetch(`${app.origin}/next`)).status).toBe(200);
    expect(app.calls).toHaveLength(2);
  });

  test('there is one attempt more and not another, and not each time', async () => {
    let now = 0;
    const { fetch } = client({ clock: () => now });
    const response = await fetch(`${app.origin}/always-401`);
    expect([response.status, await response.text()]).toEqual([401, 'no']);
    expect(app.calls).toHaveLength(2);
    expect([lodge.count('/gate/auth'), lodge.count('/gate/refresh')]).toEqual([1, 1]);
    // An application with 401s of its own has nobody ask for a token each time.
    for (let count = 0; count < 20; count += 1) {
      now += 1_000;
      expect((await fetch(`${app.origin}/always-401`)).status).toBe(401);
    }
    expect(app.calls).toHaveLength(22);
    expect(lodge.count('/gate/refresh')).toBe(1);
    // But a token that was taken back is noticed again soon.
    now += 20_000;
    lodge.expireTokens();
    expect((await fetch(`${app.origin}/x`)).status).toBe(200);
    expect(lodge.count('/gate/refresh')).toBe(2);
  });

  test('a hundred requests at once have one new token', async () => {
    const { fetch } = client();
    await fetch(`${app.origin}/first`);
    lodge.expireTokens();
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => fetch(`${app.origin}/${index}`)));
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
    expect([lodge.count('/gate/auth'), lodge.count('/gate/refresh')]).toEqual([1, 1]);
  });

  test('a gatelodge that is away is a typed error', async () => {
    const { fetch } = client();
    await fetch(`${app.origin}/first`);
    lodge.expireTokens();
    lodge.plan('/gate/refresh', { status: 503, headers: { 'retry-after': '7' } });
    await expect(fetch(`${app.origin}/x`)).rejects.toMatchObject({ code: 'unavailable', status: 503, retryAfter: 7 });
  });
});

function streaming(url: string, body: ReadableStream): Request {
  // `duplex` is the platform's condition for streams; the types do not know it.
  return new Request(url, { method: 'POST', body, duplex: 'half' } as RequestInit);
}
