import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Application, startApplication } from '../../support/application.ts';
import type { Gatelodge } from '../../support/gatelodge.ts';
import { type Answer, type Ask, ask } from '../../support/http-client.ts';
import { type NetunnelStack, startNetunnelStack } from '../../support/netunnel-stack.ts';
import { rawRequest, statusOf } from '../../support/raw-request.ts';
import { missing } from '../../support/skip.ts';

const HOST = 'tunnel.example.com';
const NIL = '00000000-0000-0000-0000-000000000000';
const KEY = { key: 'the key of a peer', identifier: NIL };

describe.skipIf(missing('nginx', 'openssl'))('netunnel.conf', () => {
  let stack: NetunnelStack;
  /** Stands for NETunnel, and answers everything. */
  let netunnel: Application;
  let gatelodge: Gatelodge;
  let port: number;
  let jwt: string;
  let refreshToken: string;

  const outside = (path: string, options?: Ask) => ask(`https://${HOST}:${port}${path}`, options);
  const withJwt = (path: string, token = jwt): Promise<Answer> =>
    outside(path, { headers: { authorization: `Bearer ${token}` } });
  const post = (path: string, body: unknown) => outside(path, { method: 'POST', body: JSON.stringify(body) });

  beforeAll(async () => {
    netunnel = await startApplication();
    stack = await startNetunnelStack(HOST, netunnel.port);
    ({ gatelodge, port } = stack);
    const { internal } = stack;
    const registered = await ask(`${internal}/register_key`, { method: 'POST', body: JSON.stringify(KEY) });
    expect(registered.status).toBe(201);
    const authenticated = await post('/jwthenticator/authenticate', KEY);
    expect(authenticated.status).toBe(200);
    // What it is, the answer's status says.
    ({ jwt, refresh_token: refreshToken } = authenticated.json() as { jwt: string; refresh_token: string });
  });
  afterAll(async () => {
    await stack?.stop();
    await netunnel?.stop();
  });
  beforeEach(() => {
    netunnel.requests.length = 0;
  });

  test.each([
    ['/netunnel/version', '/version'],
    ['/netunnel/channels', '/channels'],
    ['/netunnel/channels?x=1', '/channels?x=1'],
    ['/netunnel/channels/7', '/channels/7'],
    ['/netunnel/channels/7/connect', '/channels/7/connect'],
  ])('%s reaches NETunnel with a good JWT, and not without', async (path, there) => {
    expect((await withJwt(path)).status).toBe(200);
    expect(netunnel.requests.map(({ url }) => url)).toEqual([there]);
    expect((await outside(path)).status).toBe(403);
    expect((await outside(path, { headers: { authorization: `bearer ${jwt}` } })).status).toBe(403);
    for (const token of ['x', `${jwt}x`, jwt.slice(0, -2), refreshToken])
      expect((await withJwt(path, token)).status).toBe(401);
    expect(netunnel.requests).toHaveLength(1);
  });

  test.each([
    '/netunnel/',
    '/netunnel/peers',
    '/netunnel/peers/1',
    '/netunnel/authenticate',
    '/netunnel/versions',
    '/netunnel/version/',
    '/netunnel/version/x',
    '/netunnel/channelsx',
    '/netunnel/channels/',
    '/netunnel/CHANNELS',
    '/netunnel/channels/../peers',
    '/netunnel/channels/%2e%2e/peers',
    '/netunnel/channels/..%2fpeers',
    '/netunnel/channels//../peers',
    '/netunnel//peers',
    '/netunnel/%70eers',
    '/netunnel/./peers',
    '/jwthenticator/../netunnel/peers',
  ])('%s does not, whoever asks', async (path) => {
    // As it stands: a URL would be tidied up before it is sent.
    for (const more of ['', `Authorization: Bearer ${jwt}\r\n`]) {
      const request = `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n${more}\r\n`;
      expect(statusOf(await rawRequest(port, request, { servername: HOST }))).toBe(403);
    }
    expect(netunnel.requests).toEqual([]);
  });

  test('what a path hides is for NETunnel the channel’s name', async () => {
    expect((await withJwt('/netunnel/channels/%252e%252e/peers')).status).toBe(200);
    expect((await withJwt('/netunnel/channels/a%0d%0aX:%20y')).status).toBe(200);
    expect(netunnel.requests.map(({ url }) => url)).toEqual(['/channels/%252e%252e/peers', '/channels/a%0D%0AX:%20y']);
    expect(netunnel.requests[1]?.headers).not.toHaveProperty('x');
  });

  test('a tunnel is a WebSocket, with a good JWT alone', async () => {
    const open = (authorization: string) =>
      new WebSocket(`wss://127.0.0.1:${port}/netunnel/channels/7/connect`, {
        ...{ rejectUnauthorized: false, servername: HOST, headers: { host: HOST, authorization } },
      });
    const socket = open(`Bearer ${jwt}`);
    const echo = await new Promise((resolve, reject) => {
      socket.on('open', () => socket.send('through'));
      socket.on('message', (data) => resolve(String(data)));
      socket.on('error', reject);
    });
    socket.terminate();
    expect(echo).toBe('through');
    const refused = open('Bearer x');
    // What `terminate` does to one that was never open.
    refused.on('error', () => {});
    const status = await new Promise((resolve, reject) => {
      refused.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      refused.on('open', () => reject(new Error('open')));
    });
    refused.terminate();
    expect(status).toBe(401);
  });

  test('a body is handed on whole, and does not reach the check', async () => {
    const body = Buffer.alloc(900_000, 'x');
    const headers = { authorization: `Bearer ${jwt}` };
    expect((await outside('/netunnel/channels', { method: 'POST', body, headers })).status).toBe(200);
    expect(netunnel.requests).toMatchObject([{ method: 'POST', bodyLength: body.length }]);
  });

  test('the four calls for everybody are answered, and no other', async () => {
    expect((await post('/jwthenticator/refresh', { refresh_token: refreshToken, identifier: NIL })).status).toBe(200);
    expect((await post('/jwthenticator/validate', { jwt })).status).toBe(200);
    expect((await outside('/jwthenticator/jwks')).status).toBe(200);
    const wrong = await post('/jwthenticator/authenticate', {});
    expect([wrong.status, String(wrong.body)]).toEqual([
      400,
      '{"key": ["Missing data for required field."], "identifier": ["Missing data for required field."]}',
    ]);
    for (const call of ['register_key', 'is_key_registered', 'validate_request', 'health', '', 'authenticate/']) {
      expect((await post(`/jwthenticator/${call}`, KEY)).status).toBe(403);
    }
    for (const path of ['/jwthenticator-check', '/', '/login', '/validate/nginx', '/auth'])
      expect((await withJwt(path)).status).toBe(404);
    expect((await withJwt('/jwthenticator/x/%2e%2e/register_key')).status).toBe(403);
  });

  test('a guesser is known by the address that nginx tells', async () => {
    const claimed = { 'x-forwarded-for': '198.51.100.7', forwarded: 'for=198.51.100.7' };
    const body = JSON.stringify({ ...KEY, key: 'a guess' });
    const answer = await outside('/jwthenticator/authenticate', { method: 'POST', body, headers: claimed });
    expect(answer.status).toBe(401);
    const addressesOf = (event: string) =>
      gatelodge
        .output()
        .split('\n')
        .filter((line) => line.includes(`"${event}"`))
        .map((line) => JSON.parse(line).address);
    await vi.waitFor(() => expect(addressesOf('jwthenticator.refused')).toHaveLength(1), { timeout: 10_000 });
    expect(addressesOf('jwthenticator.refused')).toEqual(addressesOf('jwthenticator.authenticated'));
  });

  test('a revoked key gets nothing more through nginx either, and while gatelodge is down nobody gets through', async () => {
    const [key] = JSON.parse(await gatelodge.run('jwthenticator', 'list', '--json'));
    await gatelodge.run('jwthenticator', 'revoke', key.id);
    expect((await post('/jwthenticator/authenticate', KEY)).status).toBe(401);
    expect((await post('/jwthenticator/refresh', { refresh_token: refreshToken, identifier: NIL })).status).toBe(401);
    await gatelodge.halt();
    expect((await withJwt('/netunnel/version')).status).toBe(500);
    expect(netunnel.requests).toEqual([]);
  });
});
