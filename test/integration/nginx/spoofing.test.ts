import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ALICE, type NginxStack, startNginxStack } from '../../support/nginx-stack.ts';
import { rawRequest, statusOf } from '../../support/raw-request.ts';
import { missing } from '../../support/skip.ts';

const APP = 'app.example.com';
const ALICES = `Authorization: Basic ${Buffer.from(`${ALICE.username}:${ALICE.password}`).toString('base64')}`;
/** Every name under which gatelodge or another proxy tells who it is. */
const IDENTITY = [
  ...['User', 'Subject', 'Name', 'Email', 'Roles', 'Groups', 'Method', 'Token', 'Role'].map((name) => `X-Auth-${name}`),
  ...['ID', 'Email', 'Name', 'Groups', 'Roles', 'Claims'].map((name) => `X-Auth-User-${name}`),
  ...['User', 'Name', 'Email', 'Groups'].map((name) => `Remote-${name}`),
  ...['User', 'Preferred-Username', 'Email', 'Groups'].map((name) => `X-Forwarded-${name}`),
  'X-Remote-User',
];
const FORGED = IDENTITY.flatMap((name) => [
  `${name}: forged`,
  `${name.toLowerCase()}: forged again`,
  `${name.toUpperCase().replaceAll('-', '_')}: forged`,
  `${name.replaceAll('-', '_')}: forged`,
  `${name.replaceAll('-', '.')}: forged`,
]);

describe.skipIf(missing('nginx', 'openssl'))('what a client writes about itself', () => {
  let stack: NginxStack;
  beforeAll(async () => {
    stack = await startNginxStack('complete', { rules: ['{host: open.example.com, authenticate: false}'] });
  });
  afterAll(() => stack?.stop());
  beforeEach(() => {
    stack.application.requests.length = 0;
  });

  function send(requestLine: string, headers: readonly string[], servername = APP): Promise<string> {
    return rawRequest(
      stack.port,
      `${requestLine} HTTP/1.1\r\n${[...headers, 'Connection: close'].join('\r\n')}\r\n\r\n`,
      { servername },
    );
  }
  const identitySeen = (): unknown =>
    Object.fromEntries(
      Object.entries(stack.application.requests[0]?.headers ?? {}).filter(([name]) =>
        /auth|remote|user|email|groups/.test(name),
      ),
    );

  test.each([
    ['beside a good credential', '/api/x', [ALICES]],
    ['where nobody has to be known', '/public/x', []],
    ['where no credential is looked at', '/health', []],
    ['where gatelodge is not asked', '/robots.txt', []],
  ])('forged identity never arrives: %s', async (_where, path, credential) => {
    const answer = await send(`GET ${path}`, [`Host: ${APP}`, ...credential, ...FORGED]);
    expect(statusOf(answer)).toBe(200);
    expect(stack.application.requests).toHaveLength(1);
    expect(JSON.stringify(stack.application.requests[0]?.headers)).not.toContain('forged');
    if (credential.length > 0) expect(stack.application.requests[0]?.headers['x-auth-user']).toEqual(['alice']);
    else expect(identitySeen()).toEqual({});
  });

  test('forged identity is no credential', async () => {
    expect(statusOf(await send('GET /api/x', [`Host: ${APP}`, ...FORGED]))).toBe(401);
    expect(stack.application.requests).toEqual([]);
  });

  test('naming the headers in Connection does not take them off the application’s request', async () => {
    const names = IDENTITY.join(', ');
    const bytes = `GET /api/x HTTP/1.1\r\nHost: ${APP}\r\n${ALICES}\r\nX-Auth-User: forged\r\nConnection: close, ${names}\r\n\r\n`;
    expect(statusOf(await rawRequest(stack.port, bytes, { servername: APP }))).toBe(200);
    expect(stack.application.requests[0]?.headers).toMatchObject({
      'x-auth-user': ['alice'],
      'x-auth-roles': ['user,a%2Cb'],
    });
  });

  test.each([
    'X-Auth-User : forged',
    'X-Auth-User\t: forged',
    'X-Filler: a\r\n X-Auth-User: forged',
    'X-Filler: a\r\n\tX-Auth-User: forged',
  ])('a line that can be read in two ways: %j', async (line) => {
    await send('GET /public/x', [`Host: ${APP}`, line]);
    expect(JSON.stringify(stack.application.requests.map(({ headers }) => headers['x-auth-user'] ?? []))).not.toContain(
      'forged',
    );
  });

  test('words of the front server from the client change nothing', async () => {
    const words = [
      'X-Original-URL: https://open.example.com/',
      'X-Original-URI: /health',
      'X-Original-Method: OPTIONS',
      'X-Forwarded-Uri: /health',
      'X-Forwarded-Method: OPTIONS',
      'X-Forwarded-Host: open.example.com',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Port: 80',
      'X-Forwarded-For: 10.0.0.1',
      'Forwarded: for=10.0.0.1;host=open.example.com',
    ];
    expect(statusOf(await send('GET /api/x', [`Host: ${APP}`, ...words]))).toBe(401);
    expect(stack.application.requests).toEqual([]);
    expect(statusOf(await send('GET /api/x', [`Host: ${APP}`, ALICES, ...words]))).toBe(200);
    expect(stack.application.requests[0]?.headers).toMatchObject({
      'x-forwarded-for': ['127.0.0.1'],
      'x-forwarded-proto': ['https'],
      'x-forwarded-host': [`${APP}:${stack.port}`],
    });
  });

  test('the application gets the host that was decided on, not the Host beside an absolute target', async () => {
    expect(statusOf(await send(`GET https://${APP}/api/x`, ['Host: open.example.com', ALICES]))).toBe(200);
    expect(stack.application.requests[0]).toMatchObject({
      url: '/api/x',
      headers: { host: [`${APP}:${stack.port}`], 'x-forwarded-host': [`${APP}:${stack.port}`] },
    });
  });

  test.each([
    ['a good and a bad password', [ALICES, 'Authorization: Basic eDp5']],
    ['the same password twice', [ALICES, ALICES]],
    ['a password and two keys', [ALICES, 'X-API-Key: a', 'X-API-Key: b']],
  ])('two credentials of one kind are refused: %s', async (_what, lines) => {
    expect([400, 401, 403]).toContain(statusOf(await send('GET /api/x', [`Host: ${APP}`, ...lines])));
    expect(stack.application.requests).toEqual([]);
  });

  test('h2c is not tunnelled past the gate', async () => {
    const bytes = `GET /health HTTP/1.1\r\nHost: ${APP}\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n`;
    await rawRequest(stack.port, bytes, { servername: APP, until: '\r\n\r\n' });
    expect(stack.application.requests).toHaveLength(1);
    expect(stack.application.requests[0]?.headers['upgrade']).toBeUndefined();
  });
});
