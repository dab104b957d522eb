import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { isServer } from '../../src/client/redirects.ts';
import { type Guarded, KEY, startGuarded } from './lodge.ts';

let app: Guarded;
let elsewhere: Guarded;
const here = new Map<string, readonly [number, string]>();
const there = new Map<string, readonly [number, string]>();

beforeEach(async () => {
  here.clear();
  there.clear();
  app = await startGuarded(() => true, here);
  elsewhere = await startGuarded(() => true, there);
});
afterEach(async () => {
  await Promise.all([app.stop(), elsewhere.stop()]);
});

type Fetch = (request: Request) => Promise<Response>;
const client = (fetch?: Fetch) =>
  createClient({ url: 'https://auth.example.com', origins: [app.origin], key: KEY, fetch });
const seen = ({ calls }: Guarded) => calls.map(({ method, path, body }) => `${method} ${path} ${body}`);

/** As runtimes were that kept everything on the way. */
const careless: Fetch = async (request) => {
  const response = await fetch(new Request(request, { redirect: 'manual' }));
  const location = response.headers.get('location');
  if (request.redirect !== 'follow' || location === null) return response;
  return fetch(new URL(location, request.url), { headers: request.headers });
};

describe('beyond the origin', () => {
  test.each([301, 302, 303, 307, 308])(
    'a %i has no credential, also where the runtime’s fetch is careless',
    async (status) => {
      here.set('/away', [status, `${elsewhere.origin}/stolen`]);
      const headers = { cookie: 'session=mine', 'x-harmless': 'kept' };
      const response = await client(careless).fetch(`${app.origin}/away`, { headers });
      expect([response.status, response.url]).toEqual([200, `${elsewhere.origin}/stolen`]);
      expect(elsewhere.calls[0]?.headers).toMatchObject({ 'x-harmless': 'kept' });
      expect(elsewhere.calls[0]?.headers.authorization).toBeUndefined();
      expect(elsewhere.calls[0]?.headers.cookie).toBeUndefined();
    },
  );

  test.each(['//ELSEWHERE/x', 'http:\\\\ELSEWHERE/x', '/\\ELSEWHERE/x', 'http:///ELSEWHERE/x', '\thttp://ELSEWHERE/x'])(
    'so does one that is spelled %j',
    async (spelling) => {
      here.set('/away', [302, spelling.replace('ELSEWHERE', elsewhere.origin.slice('http://'.length))]);
      expect((await client(careless).fetch(`${app.origin}/away`)).status).toBe(200);
      expect(elsewhere.credentials()).toEqual([undefined]);
    },
  );

  test('it does not come back with the way back', async () => {
    here.set('/away', [302, `${elsewhere.origin}/back`]);
    there.set('/back', [302, `${app.origin}/home`]);
    await client().fetch(`${app.origin}/away`);
    expect(app.credentials()).toEqual([`Bearer ${KEY}`, undefined]);
    expect(elsewhere.credentials()).toEqual([undefined]);
  });
});

describe('within the origin', () => {
  test.each([
    [301, 'POST', 'GET /new '],
    [302, 'POST', 'GET /new '],
    [303, 'POST', 'GET /new '],
    [303, 'PUT', 'GET /new '],
    [301, 'PUT', 'PUT /new kept'],
    [307, 'POST', 'POST /new kept'],
    [308, 'POST', 'POST /new kept'],
  ])('a %i makes of a %s what Fetch says', async (status, method, expected) => {
    here.set('/old', [status, 'new']);
    for (const init of [
      { method, body: 'kept' },
      { method, body: new Blob(['kept']) },
    ]) {
      app.calls.length = 0;
      await client().fetch(`${app.origin}/old`, init);
      expect(seen(app)).toEqual([`${method} /old kept`, expected]);
      expect(app.credentials()).toEqual([`Bearer ${KEY}`, `Bearer ${KEY}`]);
      expect(app.calls[1]?.headers['content-type'] !== undefined).toBe(
        expected.includes('kept') && typeof init.body === 'string',
      );
    }
    app.calls.length = 0;
    await client().fetch(new Request(`${app.origin}/old`, { method, body: 'kept' }));
    expect(seen(app)).toEqual([`${method} /old kept`, expected]);
    // The platform's own, for comparison.
    app.calls.length = 0;
    await fetch(`${app.origin}/old`, { method, body: 'kept' });
    expect(seen(app)).toEqual([`${method} /old kept`, expected]);
  });

  test('a form is sent with a boundary that fits', async () => {
    here.set('/old', [307, '/new']);
    const form = new FormData();
    form.set('field', 'in a form');
    const response = await client().fetch(`${app.origin}/old`, { method: 'POST', body: form });
    const { body, type } = (await response.json()) as { body: string; type: string };
    expect((await new Response(body, { headers: { 'content-type': type } }).formData()).get('field')).toBe('in a form');
  });

  test('HEAD stays HEAD', async () => {
    here.set('/old', [303, '/new']);
    await client().fetch(`${app.origin}/old`, { method: 'HEAD' });
    expect(seen(app)).toEqual(['HEAD /old ', 'HEAD /new ']);
  });
});

describe('as with fetch', () => {
  test.each([
    [
      'a stream would have to be sent again',
      307,
      '/new',
      { method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' },
    ],
    ['it leads to another scheme', 302, 'data:text/plain,x', {}],
    ['it leads to a file', 302, 'file:///etc/hosts', {}],
    ['it holds a password', 302, 'http://a:b@ELSEWHERE/x', {}],
    ['it leads nowhere', 302, 'http://[', {}],
    ['it has no end', 302, '/old', {}],
    ['none is wanted', 302, '/new', { redirect: 'error' }],
  ])('it fails where %s', async (_, status, location, init) => {
    here.set('/old', [status, location.replace('ELSEWHERE', elsewhere.origin.slice('http://'.length))]);
    // `duplex` is the platform's condition for streams; the types do not know it.
    await expect(client().fetch(`${app.origin}/old`, init as RequestInit)).rejects.toThrow(TypeError);
    expect(elsewhere.calls).toEqual([]);
    expect(app.calls.length).toBeLessThanOrEqual(21);
  });

  test('it is handed back where that is wanted, and where it says nothing', async () => {
    here.set('/old', [302, '/new']);
    const manual = await client().fetch(`${app.origin}/old`, { redirect: 'manual' });
    expect([manual.status, manual.headers.get('location')]).toEqual([302, '/new']);
    const nothing = await client(async () => new Response(null, { status: 302 })).fetch(`${app.origin}/x`);
    expect(nothing.status).toBe(302);
    const choices = new Response(null, { status: 300, headers: { location: `${elsewhere.origin}/x` } });
    expect((await client(async () => choices).fetch(`${app.origin}/x`)).status).toBe(300);
    expect(elsewhere.calls).toEqual([]);
  });

  test('a signal ends it between two redirects', async () => {
    const controller = new AbortController();
    here.set('/old', [302, '/new']);
    const stopping: Fetch = async (request) => {
      const response = await fetch(request);
      controller.abort();
      return response;
    };
    const aborted = client(stopping).fetch(`${app.origin}/old`, { signal: controller.signal });
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    expect(seen(app)).toEqual(['GET /old ']);
  });

  test('one that is hidden is not taken for an answer', async () => {
    const hidden = () => Object.defineProperty(Response.error(), 'type', { value: 'opaqueredirect' });
    await expect(client(async () => hidden()).fetch(`${app.origin}/old`)).rejects.toThrow(TypeError);
  });
});

test.each([
  ['this Node.js', globalThis, true],
  ['Deno', { Deno: { version: {} }, navigator: { userAgent: 'Deno/2.5.0' } }, true],
  ['Bun', { Bun: {}, process: { versions: { bun: '1.3.0' } } }, true],
  ['Cloudflare’s', { navigator: { userAgent: 'Cloudflare-Workers' } }, true],
  ['a page', { window: {}, document: {}, navigator: { userAgent: 'Mozilla/5.0' } }, false],
  ['a page with a bundler’s process', { process: { versions: {}, env: {} }, navigator: {} }, false],
  ['a page with half a process', { process: { env: {} } }, false],
] as const)('redirects are followed here under %s: %s', (_, scope, expected) => {
  expect(isServer(scope)).toBe(expected);
});
