import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FrontServerStack, startFrontServerStack } from '../../support/front-server-stack.ts';
import { ask } from '../../support/http-client.ts';
import { ALICE, basic } from '../../support/people.ts';
import { rawRequest, statusOf } from '../../support/raw-request.ts';
import { missing } from '../../support/skip.ts';
import { haproxyRecipe } from './haproxy-recipe.ts';

const APP = 'app.example.com';
const programs = ['haproxy', 'haproxy-2.8'].filter((program) => !missing('openssl', program));

describe.each(programs)('%s: the request as the application gets it', (program) => {
  let stack: FrontServerStack;
  beforeAll(async () => {
    stack = await startFrontServerStack(haproxyRecipe(program, 'minimal'));
  });
  afterAll(() => stack?.stop());
  beforeEach(() => {
    stack.application.requests.length = 0;
  });

  const send = (requestLine: string, lines: readonly string[]): Promise<string> =>
    rawRequest(
      stack.port,
      [`${requestLine} HTTP/1.1`, ...lines, `Authorization: ${basic(ALICE).authorization}`, '', ''].join('\r\n'),
      { servername: APP },
    );
  const headers = () => stack.application.requests[0]?.headers ?? {};

  test.each([
    'X-Original-URL: https://open.example.com/',
    'X-Original-URI: /health',
    'Forwarded: for=10.0.0.1;host=open.example.com',
    'X-Forwarded-Port: 80',
    'X-Real-IP: 10.0.0.1',
  ])('without what another proxy could have said: %s', async (line) => {
    expect(statusOf(await send('GET /api/x', [`Host: ${APP}`, line, 'Connection: close']))).toBe(200);
    const [name = ''] = line.toLowerCase().split(':');
    expect(stack.application.requests).toHaveLength(1);
    expect(headers()[name]).toBeUndefined();
  });

  test('without names in Connection that the next proxy would take off', async () => {
    expect(statusOf(await send('GET /api/x', [`Host: ${APP}`, 'Connection: close, X-Auth-User']))).toBe(200);
    expect(headers()).toMatchObject({ 'x-auth-user': ['alice'] });
    expect(JSON.stringify(headers()['connection'] ?? [])).not.toMatch(/x-auth/i);
  });

  test('with HAProxy’s own port, and a path where the client sent a whole URL', async () => {
    expect(statusOf(await send(`GET https://${APP}:1/api/x?a=b`, [`Host: ${APP}:1`, 'Connection: close']))).toBe(200);
    expect(stack.application.requests[0]).toMatchObject({ url: '/api/x?a=b' });
    const host = [`${APP}:${stack.port}`];
    expect(headers()).toMatchObject({ host, 'x-forwarded-host': host });
  });

  test.each(['/gatelodge/../x', '/gatelodge/%2e%2e/x', '/gatelodge//x', '/gatelodge/a;b', '/gatelodge/.'])(
    '%s is no page of gatelodge’s, and nobody’s',
    async (path) => {
      expect((await ask(stack.app + path)).status).toBe(400);
      expect(stack.application.requests).toEqual([]);
    },
  );
});

describe.each(programs)('%s: reached at 443 though it listens elsewhere', (program) => {
  test('the URL to return to has no port', async () => {
    const stack = await startFrontServerStack(
      // As the recipe's comment says.
      haproxyRecipe(program, 'minimal', () => [
        ['http-request set-var-fmt(txn.authority)', '# http-request set-var-fmt(txn.authority)'],
      ]),
    );
    try {
      const refused = await ask(`${stack.app}/page?x=1`, { headers: { 'sec-fetch-mode': 'navigate' } });
      expect(new URL(refused.headers.location ?? '').searchParams.get('rd')).toBe(`https://${APP}/page?x=1`);
    } finally {
      await stack.stop();
    }
  });
});

describe.each(programs)('%s: plain HTTP', (program) => {
  test.each(['minimal', 'complete'] as const)(
    '%s sends a known host to https, path and query included',
    async (name) => {
      let plainPort = 0;
      const stack = await startFrontServerStack(
        haproxyRecipe(program, name, (places) => {
          plainPort = places.plainPort;
          return [];
        }),
      );
      try {
        const moved = await ask(`http://${APP}:${plainPort}/page?x=%26`);
        expect([moved.status, moved.headers.location]).toEqual([308, `https://${APP}/page?x=%26`]);
        const elsewhere = await ask(`http://other.example.com:${plainPort}/page`);
        expect(elsewhere.headers.location ?? '').not.toContain('other');
      } finally {
        await stack.stop();
      }
    },
  );
});
