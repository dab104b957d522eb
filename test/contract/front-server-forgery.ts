import { beforeAll, describe, expect, test } from 'vitest';
import { askHttp2 } from '../support/http2-client.ts';
import { ALICE } from '../support/people.ts';
import { rawRequest, statusOf } from '../support/raw-request.ts';
import type { Subject } from './front-server-contract.ts';

const APP = 'app.example.com';
const OPEN = 'open.example.com';
/** Every name under which gatelodge or another proxy tells who it is. */
const IDENTITY = [
  ...['User', 'Subject', 'Name', 'Email', 'Roles', 'Groups', 'Method', 'Token', 'Role'].map((name) => `X-Auth-${name}`),
  ...['ID', 'Email', 'Name', 'Groups', 'Roles', 'Claims'].map((name) => `X-Auth-User-${name}`),
  ...['User', 'Email', 'Groups', 'Preferred-Username', 'Access-Token'].map((name) => `X-Auth-Request-${name}`),
  ...['User', 'Subject', 'Name', 'Email', 'Roles', 'Groups', 'Method'].map((name) => `Remote-${name}`),
  ...['User', 'Name', 'Email', 'Groups', 'Role'].map((name) => `X-WebAuth-${name}`),
  ...['User', 'Preferred-Username', 'Email', 'Groups', 'Roles'].map((name) => `X-Forwarded-${name}`),
  'X-Remote-User',
];
/** Many applications read other characters in a name as the hyphen. */
const SPELLINGS: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) => name.toLowerCase(),
  (name) => name.toUpperCase().replaceAll('-', '_'),
  (name) => name.replaceAll('-', '_'),
  (name) => name.replace('-', '_'),
  (name) => name.replaceAll('-', '.'),
];
/** The characters other than letters, digits and the hyphen that a name may have (RFC 9110 section 5.6.2). */
const ODD = [..."!#$%&'*+.^_`|~"];
/** Not all in one request: HAProxy takes 101 lines. */
const BATCHES = SPELLINGS.map((spelled) => IDENTITY.map((name) => `${spelled(name)}: forged`));
const FORGED = BATCHES.flat();
/** Words of front servers, with which a client would tell gatelodge what to decide about. */
const WORDS = [
  `X-Original-URL: https://${OPEN}/`,
  'X-Original-URI: /health',
  'X-Original-Method: OPTIONS',
  'X-Forwarded-Uri: /health',
  'X-Forwarded-Method: OPTIONS',
  `X-Forwarded-Host: ${OPEN}`,
  'X-Forwarded-Proto: http',
  'X-Forwarded-Port: 80',
  'X-Forwarded-For: 10.0.0.1',
  `Forwarded: for=10.0.0.1;host=${OPEN}`,
];

/** What a client writes about itself never reaches the application as an identity, and never moves a decision. */
export function describeForgery({ stack, traits }: Subject): void {
  describe('forgery', () => {
    let alices = '';
    beforeAll(async () => {
      const key = await stack().gatelodge.run('keys', 'create', '--user', ALICE.username, '--name', 'forgery');
      alices = `X-API-Key: ${key.trim()}`;
    });

    function send(requestLine: string, headers: readonly string[]): Promise<string> {
      const lines = [`${requestLine} HTTP/1.1`, ...headers, 'Connection: close', '', ''];
      return rawRequest(stack().port, lines.join('\r\n'), { servername: APP }).catch(() => '');
    }
    const seen = (): string => JSON.stringify(stack().application.requests.map(({ headers }) => headers));

    test.each(BATCHES.map((forged, spelling) => ({ spelling, forged })))(
      'no spelling of an identity arrives beside a good credential: spelling $spelling',
      async ({ forged }) => {
        expect(statusOf(await send('GET /page', [`Host: ${APP}`, alices, ...forged]))).toBe(200);
        expect(stack().application.requests).toHaveLength(1);
        expect(seen()).not.toContain('forged');
        expect(stack().application.requests[0]?.headers).toMatchObject({
          'x-auth-user': ['alice'],
          'x-auth-roles': ['user,a%2Cb'],
          'x-auth-method': ['apikey'],
        });
      },
    );

    test('one at a time', async () => {
      for (const line of FORGED) await send('GET /page', [`Host: ${APP}`, alices, line]);
      expect(stack().application.requests).toHaveLength(FORGED.length);
      expect(seen()).not.toContain('forged');
    });

    test('nor any other character in place of the hyphens, which CGI and what copies it read as one', async () => {
      for (const character of ODD) {
        for (const name of ['X-Auth-User', 'X-Auth-Roles', 'Remote-User']) {
          await send('GET /page', [`Host: ${APP}`, alices, `${name.replaceAll('-', character)}: forged`]);
          await send('GET /page', [`Host: ${APP}`, alices, `${name.replace('-', character)}: forged`]);
        }
      }
      expect(stack().application.requests.length).toBeGreaterThan(0);
      expect(seen()).not.toContain('forged');
    });

    test('nor where no credential is looked at, or gatelodge is not asked', async () => {
      const requests = ['/health', '/public/x', '/robots.txt'].flatMap((path) =>
        BATCHES.map((forged) => ({ path, forged })),
      );
      for (const { path, forged } of requests) {
        stack().application.requests.length = 0;
        const answer = await send(`GET ${path}`, [`Host: ${APP}`, ...forged]);
        expect([200, 401]).toContain(statusOf(answer));
        for (const { headers } of stack().application.requests) {
          const about = Object.entries(headers).filter(([name]) => /auth|remote|user|email|groups/i.test(name));
          // Empty ones say nothing either.
          expect(about.filter(([, values]) => values.some((value) => value !== ''))).toEqual([]);
        }
      }
    });

    test('a forged identity is no credential', async () => {
      for (const forged of BATCHES) expect(statusOf(await send('GET /page', [`Host: ${APP}`, ...forged]))).toBe(401);
      expect(stack().application.requests).toEqual([]);
    });

    test('naming headers in Connection takes none of them off the application’s request', async () => {
      // Envoy answers 400 to some names, so they come one by one.
      for (const name of [...IDENTITY, 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'Host']) {
        stack().application.requests.length = 0;
        const bytes = `GET /page HTTP/1.1\r\nHost: ${APP}\r\n${alices}\r\nX-Auth-User: forged\r\nConnection: close, ${name}\r\n\r\n`;
        const status = statusOf(await rawRequest(stack().port, bytes, { servername: APP }));
        expect([200, 400]).toContain(status);
        if (name.startsWith('X-Auth-')) expect(status).toBe(200);
        for (const { headers } of stack().application.requests)
          expect(headers).toMatchObject({
            'x-auth-user': ['alice'],
            'x-auth-roles': ['user,a%2Cb'],
            'x-forwarded-for': ['127.0.0.1'],
            'x-forwarded-proto': ['https'],
          });
      }
    });

    test('naming them in Connection takes nothing off the check either', async () => {
      for (const name of [
        'X-Forwarded-Uri',
        'X-Forwarded-Method',
        'X-Forwarded-Host',
        'X-Forwarded-Proto',
        'X-Original-URL',
      ]) {
        const bytes = `GET /page HTTP/1.1\r\nHost: ${APP}\r\n${WORDS.join('\r\n')}\r\nConnection: close, ${name}\r\n\r\n`;
        expect([400, 401]).toContain(statusOf(await rawRequest(stack().port, bytes, { servername: APP })));
      }
      expect(stack().application.requests).toEqual([]);
    });

    test.each([
      'X-Auth-User : forged',
      'X-Auth-User\t: forged',
      'X-Filler: a\r\n X-Auth-User: forged',
      'X-Filler: a\r\n\tX-Auth-User: forged',
      'X-Filler: a\nX-Auth-User: forged',
      'X-Filler: a\rX-Auth-User: forged',
      '\0X-Auth-User: forged',
      'Transfer-Encoding: x\r\nX-Auth-User: forged',
    ])('a line that can be read in two ways: %j', async (line) => {
      await send('GET /health', [`Host: ${APP}`, line]);
      await send('GET /page', [`Host: ${APP}`, alices, line]);
      for (const { headers } of stack().application.requests)
        for (const name of ['x-auth-user', 'x_auth_user']) expect(headers[name] ?? []).not.toContain('forged');
    });

    test('words of the front server from the client change nothing', async () => {
      expect(statusOf(await send('GET /page', [`Host: ${APP}`, ...WORDS]))).toBe(401);
      for (const word of WORDS) expect(statusOf(await send('GET /page', [`Host: ${APP}`, word]))).toBe(401);
      expect(stack().application.requests).toEqual([]);
      expect(statusOf(await send('GET /page', [`Host: ${APP}`, alices, ...WORDS]))).toBe(200);
      const headers = stack().application.requests[0]?.headers ?? {};
      expect(headers).toMatchObject({ 'x-forwarded-for': ['127.0.0.1'], 'x-forwarded-proto': ['https'] });
      expect(headers['x-forwarded-host']?.join() ?? APP).toMatch(/^app\.example\.com(:\d+)?$/);
    });

    test.each([
      ['two credentials of one kind', ['Authorization: Basic eDp5', 'Authorization: Basic eDp6']],
      ['two keys', ['X-API-Key: a', 'X-API-Key: b']],
    ])('%s are refused', async (_what, lines) => {
      expect([400, 401, 403]).toContain(statusOf(await send('GET /page', [`Host: ${APP}`, alices, ...lines])));
      expect(stack().application.requests).toEqual([]);
    });

    test('h2c is not tunnelled past the gate', async () => {
      const ways = [
        'h2c',
        'H2C',
        'websocket, h2c',
        'h2c, websocket',
        'websocket\r\nUpgrade: h2c',
        'h2c\r\nUpgrade: websocket',
      ];
      for (const upgrade of ways) {
        const bytes = `GET /health HTTP/1.1\r\nHost: ${APP}\r\nUpgrade: ${upgrade}\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n`;
        await rawRequest(stack().port, bytes, { servername: APP, until: '\r\n\r\n' }).catch(() => '');
      }
      expect(seen()).not.toContain('h2c');
    });

    test.runIf(traits.http2)('the same over HTTP/2', async () => {
      const [, key = ''] = alices.split(': ');
      const fields = (lines: readonly string[]): Record<string, string> =>
        Object.fromEntries(
          lines.map((line) =>
            line
              .toLowerCase()
              .split(/: (.*)/s)
              .slice(0, 2),
          ),
        );
      for (const lines of [...BATCHES, WORDS]) {
        stack().application.requests.length = 0;
        expect(await askHttp2(`${stack().app}/page`, fields(lines))).toBe(401);
        expect(stack().application.requests).toEqual([]);
        expect(await askHttp2(`${stack().app}/page`, { ...fields(lines), 'x-api-key': key })).toBe(200);
        expect(seen()).not.toContain('forged');
        expect(stack().application.requests[0]?.headers['x-auth-user']).toEqual(['alice']);
      }
    });
  });
}
