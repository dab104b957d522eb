import { afterEach, expect, it } from 'vitest';
import { HttpProblem } from '../../src/http/problems.ts';
import type { PluginPath } from '../../src/plugins/plugin-api.ts';
import { rawRequest, statusOf } from '../support/raw-request.ts';
import { PASSWORD, type PublicStand, publicStand, type StandOptions } from './public-stand.ts';
import { visitor } from './visitor.ts';

let stand: PublicStand;
const open = async (options?: StandOptions) => {
  stand = await publicStand(options);
};
afterEach(() => stand.close());

const pluginPath = (overrides: Partial<PluginPath> = {}): PluginPath => ({
  path: '/mine/:id*',
  methods: ['GET', 'POST'],
  description: '',
  handle: (request) => new Response(request.method, { status: 202, headers: { 'set-cookie': 'a=b' } }),
  ...overrides,
});

it('knows exact paths and says who asks what is wrong', async () => {
  await open();
  for (const path of [
    '/',
    '/login',
    '/gate/login/',
    '/gate/Login',
    '/gate/log%69n',
    '/gate//login',
    '/gatelogin',
    '/gate/x',
  ]) {
    const response = await stand.request(path);
    expect([path, response.status]).toEqual([path, 404]);
    expect(await response.json()).toEqual({ error: 'not-found', message: expect.any(String) });
  }
  const page = await stand.request('/gate/x', { headers: { accept: 'text/html,*/*' } });
  expect(page.status).toBe(404);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
});

/** What java.net.HttpURLConnection sends unless told otherwise. */
const JAVA = { accept: 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2' };

it.each([
  ['POST', '/auth', 400, 'invalid-request'],
  ['GET', '/auth', 405, 'method-not-allowed'],
  ['POST', '/refresh', 400, 'invalid-request'],
  ['POST', '/introspect', 401, 'no-credentials'],
  ['GET', '/userinfo', 401, 'no-credentials'],
  ['POST', '/jwks', 405, 'method-not-allowed'],
  ['GET', '/api/v1/keys', 401, 'no-credentials'],
  ['DELETE', '/api/v1/keys/glk_AAAAAAAAAAAAAAAA', 401, 'no-credentials'],
  ['PUT', '/api/openapi.json', 405, 'method-not-allowed'],
  ['GET', '/api/v1/nothing', 404, 'not-found'],
  ['GET', '/mounted', 405, 'method-not-allowed'],
  ['POST', '/mounted', 401, 'invalid-credentials'],
])('answers %s %s in JSON, also to a program that asks for text/html', async (method, path, status, error) => {
  const handle = () => {
    throw new HttpProblem('invalid-credentials', 'No.');
  };
  await open({ mounted: [{ path: '/mounted', method: 'POST', handle }] });
  const response = await stand.request(`/gate${path}`, { method, headers: JAVA });
  expect([response.status, response.headers.get('content-type')]).toEqual([status, 'application/json']);
  expect(await response.json()).toEqual({ error, message: expect.any(String) });
});

it('answers people with a page, where there are pages', async () => {
  await open({ pluginPaths: [pluginPath({ handle: () => Promise.reject(new Error('x')) })] });
  for (const [method, path, status] of [
    ['DELETE', '/login', 405],
    ['POST', '/logout', 400],
    ['PUT', '/forbidden', 405],
    ['GET', '/mine/:id*', 500],
    ['GET', '/nothing', 404],
    ['GET', '/apis', 404],
  ] as const) {
    const response = await stand.request(`/gate${path}`, { method, headers: JAVA });
    expect([path, response.status, response.headers.get('content-type')]).toEqual([
      path,
      status,
      'text/html; charset=utf-8',
    ]);
  }
});

it('says which methods a path has', async () => {
  await open();
  const login = await stand.request('/gate/login', { method: 'DELETE' });
  expect(login.status).toBe(405);
  expect(login.headers.get('allow')).toBe('GET, POST, HEAD');
  expect(await login.json()).toMatchObject({ error: 'method-not-allowed' });
  expect((await stand.request('/gate/auth')).headers.get('allow')).toBe('POST');
  expect((await stand.request('/gate/jwks', { method: 'OPTIONS' })).status).toBe(405);
});

it('lives at the root where public_url has no path', async () => {
  await open({ configuration: { public_url: 'https://auth.example.com' } });
  expect((await stand.request('/login')).status).toBe(200);
  expect((await stand.request('/')).headers.get('location')).toBe('/login');
  expect((await stand.request('/jwks')).status).toBe(200);
  expect((await stand.request('/gate/login')).status).toBe(404);
});

it('gives plugins their exact paths', async () => {
  await open({ pluginPaths: [pluginPath()] });
  const response = await stand.request('/gate/mine/:id*', { method: 'POST' });
  expect([response.status, await response.text()]).toEqual([202, 'POST']);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.getSetCookie()).toEqual(['a=b']);
  expect((await stand.request('/gate/mine/7')).status).toBe(404);
  const refused = await stand.request('/gate/mine/:id*', { method: 'PUT' });
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, POST, HEAD']);
  expect(await refused.json()).toMatchObject({ error: 'method-not-allowed' });
});

it('survives a plugin that throws or answers nonsense', async () => {
  const nonsense = JSON.parse('{"status":200}');
  await open({
    pluginPaths: [
      pluginPath({ path: '/throws', handle: () => Promise.reject(new Error('secret')) }),
      pluginPath({ path: '/nonsense', handle: () => nonsense }),
    ],
  });
  for (const path of ['/gate/throws', '/gate/nonsense']) {
    const response = await stand.request(path);
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: 'internal-error', message: expect.not.stringContaining('secret') });
  }
  expect(stand.failures).toHaveLength(2);
});

it('does not start with a plugin on a path that is taken', async () => {
  await open();
  const taken = publicStand({ pluginPaths: [pluginPath({ path: '/login' })] });
  await expect(taken).rejects.toMatchObject({ code: 'configuration-invalid' });
});

it('brings a raw rd back byte for byte', async () => {
  await open();
  const port = await stand.listen();
  const person = visitor(stand);
  await person.logIn();
  const cookie = [...person.cookies].map((pair) => pair.join('=')).join('; ');
  const location = async (target: string) => {
    const answer = await rawRequest(
      port,
      `GET ${target} HTTP/1.1\r\nHost: x\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`,
    );
    expect(statusOf(answer)).toBe(303);
    expect(answer).toMatch(/\r\ncontent-length: 0\r\n/i);
    return /\r\nlocation: (.*)\r\n/i.exec(answer)?.[1];
  };
  const url = `https://app.example.com/a/../b;c/%2e?x='1'&y="<2>"&z=%zz|^\`{}\\&rd=//evil.test`;
  expect(await location(`/gate/login?rd=${url}`)).toBe(url);
  expect(await location(`/gate/login?rd=${encodeURIComponent(url)}&rd=/x`)).toBe(url);
  expect(await location('/gate/login?rd=https%3A%2F%2Fapp.example.com/%C3%A9%FF')).toBe(
    'https://app.example.com/%C3%A9%FF',
  );
  expect(await location('/gate/login?rd=%2Fx%0d%0aSet-Cookie:%20a=b')).toBe('/gate/');
  expect(await location('/gate/login?rd=https://evil.test/')).toBe('/gate/');
});

it('reads no more of a body than it may, whatever its length claims', async () => {
  await open();
  const port = await stand.listen();
  const head = 'POST /gate/auth HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
  const chunked = await rawRequest(port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(5)}`, {
    until: '\r\n\r\n{',
  });
  expect(statusOf(chunked)).toBe(413);
  const announced = await rawRequest(port, `${head}Content-Length: 99999999\r\n\r\n{`, { until: '\r\n\r\n{' });
  expect(statusOf(announced)).toBe(413);
  const body = JSON.stringify({ username: 'alice', password: PASSWORD });
  const small = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const fine = await rawRequest(port, `${head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n${small}`);
  expect(statusOf(fine)).toBe(200);
});

it('answers HEAD as GET without a body, and keeps the connection', async () => {
  await open();
  const port = await stand.listen();
  const answer = await rawRequest(
    port,
    'HEAD /gate/login HTTP/1.1\r\nHost: x\r\n\r\nGET /gate/jwks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  );
  expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  expect(answer).not.toContain('<form');
  expect(answer).not.toMatch(/transfer-encoding/i);
});
