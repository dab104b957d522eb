import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { logIn } from '../../support/login.ts';
import { ALICE, type NginxStack, type Recipe, startNginxStack } from '../../support/nginx-stack.ts';
import { rawRequest, statusOf } from '../../support/raw-request.ts';
import { missing } from '../../support/skip.ts';

const APP = 'app.example.com';
const OPEN = 'open.example.com';

describe.skipIf(missing('nginx', 'openssl'))('hosts and gatelodge’s own paths', () => {
  describe.each<Recipe>(['minimal', 'complete'])('%s.conf', (recipe) => {
    let stack: NginxStack;
    let cookie: string;
    beforeAll(async () => {
      // A host that is public, but not on this nginx: whoever makes gatelodge believe in it is in.
      stack = await startNginxStack(recipe, { rules: [`{host: ${OPEN}, authenticate: false}`] });
      cookie = (await logIn(`${stack.pages}/login`, ALICE.username, ALICE.password)).jar.header();
    });
    afterAll(() => stack?.stop());
    beforeEach(() => {
      stack.application.requests.length = 0;
    });

    const send = (
      requestLine: string,
      host: string,
      { headers = [], servername = APP }: { headers?: readonly string[]; servername?: string } = {},
    ): Promise<string> =>
      rawRequest(
        stack.port,
        `${requestLine} HTTP/1.1\r\n${[`Host: ${host}`, ...headers, 'Connection: close'].join('\r\n')}\r\n\r\n`,
        { servername },
      );

    test('an absolute request target counts, not the Host beside it', async () => {
      const answer = await send(`GET https://${APP}/page`, OPEN, { headers: ['Sec-Fetch-Mode: navigate'] });
      expect(statusOf(answer)).toBe(302);
      expect(answer).toContain(encodeURIComponent(`https://${APP}:${stack.port}/page`));
      expect(stack.application.requests).toEqual([]);
    });

    test.each([
      ['a Host that is nobody’s', 'GET /page', OPEN],
      ['an absolute target that is nobody’s', `GET https://${OPEN}/page`, APP],
      ['the same with a port', `GET https://${OPEN}:443/page`, `${APP}:443`],
      ['no host in the target', 'GET https:///page', APP],
      ['a name before the host', `GET https://${APP}@${OPEN}/page`, APP],
      ['two hosts', 'GET /page', `${OPEN}\r\nHost: ${APP}`],
      ['a host with a path', 'GET /page', `${OPEN}/x#.${APP}`],
      ['a host with a blank', 'GET /page', `${APP} ${OPEN}`],
    ])('%s reaches nothing', async (_what, requestLine, host) => {
      const answer = await send(requestLine, host).catch(() => '');
      expect([0, 400, 401, 403, 404]).toContain(statusOf(answer));
      expect(stack.application.requests).toEqual([]);
    });

    test('a final dot and capitals are the same host, decided as such', async () => {
      for (const host of ['APP.EXAMPLE.COM', `${APP}.`, `${APP}.:${stack.port}`]) {
        expect(statusOf(await send('GET /page', host))).toBe(401);
      }
      expect(stack.application.requests).toEqual([]);
    });

    test('a client’s port is not believed', async () => {
      const answer = await send('GET /page', `${APP}:12345`, { headers: ['Sec-Fetch-Mode: navigate'] });
      expect(answer).toContain(encodeURIComponent(`https://${APP}:${stack.port}/page`));
      expect(answer).not.toContain('12345');
    });

    test('HTTP/1.0 without a host is the catch-all’s', async () => {
      const answer = await rawRequest(stack.port, 'GET /page HTTP/1.0\r\n\r\n', { servername: APP }).catch(() => '');
      expect(statusOf(answer)).toBe(0);
      expect(stack.application.requests).toEqual([]);
    });

    test('an unknown name in TLS gets no certificate', async () => {
      await expect(send('GET /page', OPEN, { servername: OPEN })).rejects.toThrow();
    });

    const OWN = [
      '/validate',
      '/validate/nginx',
      '/validate/envoy/health',
      '//validate/nginx',
      '/%76alidate/nginx',
      '/x/../validate/nginx',
      '/./validate/nginx',
      '/validate%2fnginx',
      '/gatelodge/../validate/nginx',
      '/gatelodge/..%2fvalidate/nginx',
      '/gatelodge/%2e%2e/validate/nginx',
      '/gatelodge/..;/validate/nginx',
      '/gatelodge//../validate/nginx',
      '/gatelodge/validate/nginx',
      '/validate/nginx/../../gatelodge/login',
      '/validate/nginx/../../login',
      '/validate/envoy/../../gatelodge/login',
      '/validate/envoy/../../login',
      '/gatelodge-check',
      '/gatelodge-check/',
    ];
    test.each(OWN)('%s asks nobody from outside', async (path) => {
      const hosts = recipe === 'minimal' ? [APP] : [APP, 'auth.example.com'];
      for (const host of hosts) {
        const answer = await send(`GET ${path}`, host, {
          headers: [`Cookie: ${cookie}`, `X-Original-URL: https://${APP}/page`, 'X-Original-Method: GET'],
          servername: host,
        });
        // A decision would say so in its headers. On the application's host the path may be the application's.
        expect(answer).not.toMatch(/^x-auth-(?:user|reason|subject):/im);
        if (host !== APP && !path.endsWith('login')) expect([400, 403, 404]).toContain(statusOf(answer));
        if (path === '/gatelodge-check') expect(host === APP ? statusOf(answer) : 404).toBe(404);
      }
    });
  });
});
