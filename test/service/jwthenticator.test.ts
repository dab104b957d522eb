import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { type Answer, ask } from '../support/http-client.ts';
import { rawRequest, statusOf } from '../support/raw-request.ts';

const NIL = '00000000-0000-0000-0000-000000000000';
const KEY = { key: 'a key of a machine', identifier: NIL };
const PATIENCE = { timeout: 20_000, interval: 50 };
const TRUE = '{"result": true, "message": null}';

const running: Gatelodge[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((gatelodge) => gatelodge.stop()));
});

async function start(yaml: string, port: number): Promise<Gatelodge> {
  const gatelodge = await startGatelodge({ yaml, ready: port });
  running.push(gatelodge);
  return gatelodge;
}

async function serve(
  yaml = 'compat: {jwthenticator: {}}',
): Promise<{ gatelodge: Gatelodge; base: string; port: number }> {
  const port = await freePort();
  const gatelodge = await start(
    `listen: {port: ${port}}\nusers: [{username: alice, password: correct-horse}]\n${yaml}\n`,
    port,
  );
  return { gatelodge, base: `http://127.0.0.1:${port}`, port };
}

const post = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
/** Of an answer that grants; what it is, the tests assert. */
const granted = (answer: Answer) => answer.json() as { jwt: string; refresh_token: string };

describe('internal: trusted', () => {
  it('lets a program on a trusted machine register a key, which then gets JWTs that anybody can verify', async () => {
    const { gatelodge, base, port } = await serve();
    const mount = `${base}/jwthenticator`;
    expect((await post(`${mount}/authenticate`, KEY)).status).toBe(401);
    const registered = await post(`${mount}/register_key`, KEY);
    expect([registered.status, String(registered.body)]).toEqual([201, TRUE]);
    const authenticated = await post(`${mount}/authenticate`, KEY);
    expect(authenticated.status).toBe(200);
    const { jwt, refresh_token } = granted(authenticated);
    expect((await ask(`${mount}/validate_request`, bearer(jwt))).status).toBe(200);
    const head = await ask(`${mount}/validate_request?x=1`, { method: 'HEAD', ...bearer(jwt) });
    expect([head.status, String(head.body)]).toEqual([200, '']);
    const refreshed = await post(`${mount}/refresh`, { refresh_token, identifier: NIL });
    expect(refreshed.status).toBe(200);
    const set = (await ask(`${mount}/jwks`)).json() as JSONWebKeySet;
    const { payload } = await jwtVerify(granted(refreshed).jwt, createLocalJWKSet(set));
    expect(payload['identifier']).toBe(NIL);
    for (const call of ['', 'health']) expect(String((await ask(`${mount}/${call}`)).body)).toBe(TRUE);
    const twice = `Authorization: Bearer ${jwt}\r\n`.repeat(2);
    const request = `GET /jwthenticator/validate_request HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`;
    expect(statusOf(await rawRequest(port, `${request}${twice}\r\n`))).toBe(403);
    expect(statusOf(await rawRequest(port, `${request}Authorization: Bearer  ${jwt}\r\n\r\n`))).toBe(403);
    // No credential is ever logged. The log is written in batches, and this is the last of them.
    await vi.waitFor(() => expect(gatelodge.output()).toContain('"event":"jwthenticator.refreshed"'), PATIENCE);
    for (const credential of [KEY.key, jwt, refresh_token]) expect(gatelodge.output()).not.toContain(credential);
  });

  it.each([
    ['X-Forwarded-For', '127.0.0.1'],
    ['X-Forwarded-For', ''],
    ['Forwarded', 'for=127.0.0.1'],
    ['Via', '1.1 proxy'],
    ['X-Real-IP', '127.0.0.1'],
    ['X-Original-URL', 'http://127.0.0.1/'],
    ['Origin', 'http://127.0.0.1'],
    ['Sec-Fetch-Site', 'same-origin'],
  ])('refuses what a front server or a page hands on: %s: %s', async (name, value) => {
    const { base } = await serve();
    for (const call of ['register_key', 'is_key_registered'])
      expect((await post(`${base}/jwthenticator/${call}`, KEY, { [name]: value })).status).toBe(403);
    expect(String((await post(`${base}/jwthenticator/is_key_registered`, { key: KEY.key })).body)).toContain('false');
  });

  it('refuses HTTP/1.0, roundabout paths of a front server, and peers that nobody trusts', async () => {
    const { base, port } = await serve();
    const body = JSON.stringify(KEY);
    const request = (line: string, more = '') =>
      rawRequest(
        port,
        `POST ${line}\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`,
      );
    expect(statusOf(await request('/jwthenticator/register_key HTTP/1.0'))).toBe(403);
    const forwarded = 'X-Forwarded-For: 192.0.2.1\r\n';
    for (const path of [
      '/jwthenticator/x/../register_key',
      '/jwthenticator/%2e/register_key',
      '/jwthenticator/register_key',
    ])
      expect(statusOf(await request(`${path} HTTP/1.1`, forwarded))).not.toBe(201);
    expect(String((await post(`${base}/jwthenticator/is_key_registered`, { key: KEY.key })).body)).toContain('false');

    const other = await serve('trusted_proxies: [192.0.2.1]\ncompat: {jwthenticator: {}}');
    expect((await post(`${other.base}/jwthenticator/register_key`, KEY)).status).toBe(403);
    expect((await post(`${other.base}/jwthenticator/authenticate`, KEY)).status).toBe(401);
  });
});

describe('internal: listener', () => {
  it('keeps registration to a listener of its own', async () => {
    const [port, internalPort] = [await freePort(), await freePort()];
    await start(
      `listen: [{port: ${internalPort}, serves: [internal]}, {port: ${port}}]
public_url: https://auth.example.com/gate
compat: {jwthenticator: {path: /machines, internal: listener}}
`,
      port,
    );
    const [open, internal] = [port, internalPort].map((at) => `http://127.0.0.1:${at}/gate/machines`);
    for (const call of ['register_key', 'is_key_registered'])
      expect((await post(`${open}/${call}`, KEY)).status).toBe(404);
    expect((await post(`${internal}/register_key`, KEY, { origin: 'http://127.0.0.1' })).status).toBe(403);
    expect((await post(`${internal}/register_key`, KEY)).status).toBe(201);
    expect((await post(`${internal}/is_key_registered`, { key: KEY.key })).status).toBe(200);
    expect((await post(`${internal}/register_key`, {})).status).toBe(400);
    expect((await ask(`${internal}/register_key`)).status).toBe(405);
    for (const call of ['authenticate', 'refresh', 'validate'])
      expect((await post(`${internal}/${call}`, KEY)).status).toBe(404);
    for (const path of ['/gate/login', '/validate', '/gate/auth', '/gate/machines/validate_request'])
      expect((await ask(`http://127.0.0.1:${internalPort}${path}`)).status).toBe(404);
    for (const mount of [open, internal])
      for (const call of ['', 'health', 'jwks']) expect((await ask(`${mount}/${call}`)).status).toBe(200);
    for (const path of ['/healthz', '/readyz'])
      expect((await ask(`http://127.0.0.1:${internalPort}${path}`)).status).toBe(200);
    expect((await post(`${open}/authenticate`, KEY)).status).toBe(200);
  });
});

it('its JWTs open nothing else, and nothing else is one of them', async () => {
  const rules = 'paths: [{path: /, plugins: [token, apikey]}]';
  const { gatelodge, base } = await serve(
    `tokens: {algorithm: RS256}\nauth_plugins: {session: {}, token: {}, apikey: {}}\n${rules}\ncompat: {jwthenticator: {}}`,
  );
  const mount = `${base}/jwthenticator`;
  await post(`${mount}/register_key`, KEY);
  const { jwt, refresh_token } = granted(await post(`${mount}/authenticate`, KEY));
  const check = (token: string) =>
    ask(`${base}/validate`, {
      headers: { 'x-original-url': 'https://a.example/', 'x-original-method': 'GET', authorization: `Bearer ${token}` },
    });
  const password = { username: 'alice', password: 'correct-horse' };
  const { token } = (await post(`${base}/auth`, password)).json() as { token: string };
  const apiKey = (await gatelodge.run('keys', 'create', '--user', 'alice', '--name', 'x')).trim();
  for (const good of [token, apiKey]) expect((await check(good)).status).toBe(200);
  for (const foreign of [jwt, refresh_token, KEY.key]) expect((await check(foreign)).status).toBe(401);
  expect((await ask(`${base}/userinfo`, bearer(jwt))).status).toBe(401);
  for (const foreign of [token, apiKey]) {
    expect((await ask(`${mount}/validate_request`, bearer(foreign))).status).toBe(401);
    expect((await post(`${mount}/validate`, { jwt: foreign })).status).toBe(401);
    expect((await post(`${mount}/refresh`, { refresh_token: foreign, identifier: NIL })).status).toBe(401);
  }
  const own = (await ask(`${base}/jwks`)).json() as JSONWebKeySet;
  await expect(jwtVerify(jwt, createLocalJWKSet(own))).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
});

it('keys, refresh tokens and the key pair are there after a kill; under another secret it does not start', async () => {
  const { gatelodge, base } = await serve();
  const mount = `${base}/jwthenticator`;
  await post(`${mount}/register_key`, KEY);
  const { jwt, refresh_token } = granted(await post(`${mount}/authenticate`, KEY));
  await gatelodge.halt('SIGKILL');
  await gatelodge.start();
  expect((await ask(`${mount}/validate_request`, bearer(jwt))).status).toBe(200);
  expect((await post(`${mount}/refresh`, { refresh_token, identifier: NIL })).status).toBe(200);
  expect((await post(`${mount}/authenticate`, KEY)).status).toBe(200);
  await gatelodge.halt();
  const secret = join(gatelodge.directory, 'data', 'secret');
  const kept = await readFile(secret, 'utf8');
  await writeFile(secret, `${'another secret '.repeat(3)}\n`);
  await expect(gatelodge.start()).rejects.toThrow(/another secret|sealed/);
  await writeFile(secret, kept);
  await gatelodge.start();
  expect((await post(`${mount}/authenticate`, KEY)).status).toBe(200);
});

it('a revocation by command holds in every worker from the next request on', async () => {
  const { gatelodge, base } = await serve('workers: 2\ncompat: {jwthenticator: {}}');
  // All of them: one that is ready says nothing of the other.
  await vi.waitFor(() => expect(gatelodge.output()).toContain('service.ready'), PATIENCE);
  const mount = `${base}/jwthenticator`;
  expect((await post(`${mount}/register_key`, KEY)).status).toBe(201);
  const round = (call: () => Promise<Answer>) => Promise.all(Array.from({ length: 8 }, call));
  const statuses = async (call: () => Promise<Answer>) => [...new Set((await round(call)).map(({ status }) => status))];
  const authenticated = await round(() => post(`${mount}/authenticate`, KEY));
  expect(authenticated.map(({ status }) => status)).toEqual(Array(8).fill(200));
  const tokens = authenticated.map((answer) => granted(answer).refresh_token);
  const refresh = (refresh_token = tokens[0]) => post(`${mount}/refresh`, { refresh_token, identifier: NIL });
  expect(await statuses(() => refresh())).toEqual([200]);
  const [key] = JSON.parse(await gatelodge.run('jwthenticator', 'list', '--json'));
  expect(key).toMatchObject({ identifier: NIL, refresh_tokens: 8, expired: false });
  await gatelodge.run('jwthenticator', 'revoke', key.id);
  expect(await statuses(() => post(`${mount}/authenticate`, KEY))).toEqual([401]);
  expect(await statuses(() => refresh())).toEqual([401]);
  expect(await statuses(() => refresh(tokens[7]))).toEqual([401]);
});
