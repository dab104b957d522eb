import { beforeAll, describe, expect, test } from 'vitest';
import { logIn } from '../support/login.ts';
import { ALICE } from '../support/people.ts';
import { rawRequest, statusOf } from '../support/raw-request.ts';
import type { Subject } from './front-server-contract.ts';

const APP = 'app.example.com';
const OPEN = 'open.example.com';

/** Ways to write a path so that one server sees a public one in it and another a protected one. */
const tricksAround = (open: string): string[] => [
  `${open}/../admin`,
  `${open}/..%2fadmin`,
  `${open}/..%2Fadmin`,
  `${open}%2f..%2fadmin`,
  `${open}/%2e%2e/admin`,
  `${open}/%2E%2E/admin`,
  `${open}/.%2e/admin`,
  `${open}/%2e%2e%2fadmin`,
  `${open}/%252e%252e/admin`,
  `${open}/%252e%252e%252fadmin`,
  `${open}/..;/admin`,
  `${open}/..;x=y/admin`,
  `${open};/../admin`,
  `${open}/..%3b/admin`,
  `${open}\\..\\admin`,
  `${open}/..\\admin`,
  `${open}/..%5cadmin`,
  `${open}%5c..%5cadmin`,
  `${open}/.%00./admin`,
  `${open}/..%00/admin`,
  `${open}//../admin`,
  `${open}/./../admin`,
  `${open}/x/../../admin`,
  `${open}/%c0%ae%c0%ae/admin`,
  `${open}/..%c0%afadmin`,
  `${open}/%uff0e%uff0e/admin`,
  `${open}/..%3fx/admin`,
  `${open}/..%23/../admin`,
  `/admin%2f..${open}`,
  `/admin/..%2f..${open}`,
  `/admin/%2e%2e${open}`,
  `/admin/..;${open}`,
  `/admin;/..${open}`,
  `/admin%3f/..${open}`,
  `/admin%23/..${open}`,
  `/admin\\..${open.replace('/', '\\')}`,
  `//admin/..${open}`,
  `/./admin/..${open}`,
  `//${APP}${open}`,
  `/${open}`,
  `/.${open}`,
  `//admin`,
  `/./admin`,
  `/ADMIN/..${open}`,
];
/** A URL that the application may see without a credential: nothing in it can be read in two ways. */
const PLAINLY_PUBLIC = /^\/(?:(?:public|health)(?:\/[\w.-]*\w)*\/?|robots\.txt)(?:\?.*)?$/;

const OWN = [
  '/validate',
  '/validate/nginx',
  '/validate/caddy',
  '/validate/envoy/health',
  '//validate/nginx',
  '/%76alidate/nginx',
  '/x/../validate/nginx',
  '/./validate/nginx',
  '/validate%2fnginx',
  ...['/gatelodge/', '/'].flatMap((base) => [
    `${base}../validate/caddy`,
    `${base}..%2fvalidate/caddy`,
    `${base}%2e%2e/validate/caddy`,
    `${base}..;/validate/caddy`,
    `${base}/../validate/caddy`,
    `${base}validate/caddy`,
    `/validate/caddy/../..${base}login`,
    `/validate/envoy/../..${base}login`,
    `/validate/envoy/%2e%2e/%2e%2e${base}login`,
    `/validate/envoy/..%2f..${base}login`,
  ]),
];

/** Hosts, paths and gatelodge's own places. */
export function describePaths({ stack, traits }: Subject): void {
  const send = (
    requestLine: string,
    host: string,
    { headers = [], servername = APP }: { headers?: readonly string[]; servername?: string } = {},
  ): Promise<string> => {
    const lines = [`${requestLine} HTTP/1.1`, `Host: ${host}`, ...headers, 'Connection: close', '', ''];
    return rawRequest(stack().port, lines.join('\r\n'), { servername }).catch(() => '');
  };

  describe('paths', () => {
    test.each(['/public', '/health', '/robots.txt'])(
      'no spelling leads from %s into what is protected',
      async (open) => {
        const targets = tricksAround(open).flatMap((path) => [path, `https://${APP}${path}`]);
        // Side by side: Envoy keeps a connection on which it refused for a second.
        await Promise.all(targets.map((target) => send(`GET ${target}`, APP)));
        for (const { url } of stack().application.requests) expect(url).toMatch(PLAINLY_PUBLIC);
      },
    );

    test('an absolute request target counts, not the Host beside it', async () => {
      // A server may as well refuse two hosts at all.
      expect([400, 401]).toContain(statusOf(await send(`GET https://${APP}/page`, OPEN)));
      expect(stack().application.requests).toEqual([]);
    });

    test.each([
      ['a Host that is nobody’s', 'GET /page', OPEN],
      ['an absolute target that is nobody’s', `GET https://${OPEN}/page`, APP],
      ['the same with a port', `GET https://${OPEN}:443/page`, `${APP}:443`],
      ['no host in the target', 'GET https:///page', APP],
      ['a name before the host', `GET https://${APP}@${OPEN}/page`, APP],
      ['two hosts', 'GET /page', `${OPEN}\r\nHost: ${APP}`],
      ['two hosts, the other way round', 'GET /page', `${APP}\r\nHost: ${OPEN}`],
      ['a host with a path', 'GET /page', `${OPEN}/x#.${APP}`],
      ['a host with a blank', 'GET /page', `${APP} ${OPEN}`],
      ['a host with a comma', 'GET /page', `${OPEN},${APP}`],
      ['no path', 'GET page', APP],
      ['a star', 'OPTIONS *', APP],
      ['CONNECT', `CONNECT ${APP}:443`, APP],
    ])('%s reaches nothing', async (_what, requestLine, host) => {
      await send(requestLine, host);
      expect(stack().application.requests).toEqual([]);
    });

    test('a final dot and capitals are the same host, or none', async () => {
      for (const host of ['APP.EXAMPLE.COM', `${APP}.`, `${APP}.:${stack().port}`]) await send('GET /page', host);
      expect(stack().application.requests).toEqual([]);
    });

    test.runIf(traits.clientPort === 'replaced')('a client’s port is not believed', async () => {
      const answer = await send('GET /page', `${APP}:12345`, { headers: ['Sec-Fetch-Mode: navigate'] });
      expect(answer).toContain(encodeURIComponent(`https://${APP}:${stack().port}/page`));
      expect(answer).not.toContain('12345');
    });

    test('HTTP/1.0 without a host reaches nothing', async () => {
      await rawRequest(stack().port, 'GET /health HTTP/1.0\r\n\r\n', { servername: APP }).catch(() => '');
      expect(stack().application.requests).toEqual([]);
    });
  });

  describe('checks', () => {
    let cookie = '';
    beforeAll(async () => {
      cookie = (await logIn(`${stack().pages}/login`, ALICE.username, ALICE.password)).jar.header();
    });

    test.each(OWN)('%s asks nobody from outside', async (path) => {
      const pagesHost = new URL(stack().pages).hostname;
      for (const host of new Set([APP, pagesHost])) {
        const answer = await send(`GET ${path}`, host, {
          headers: [`Cookie: ${cookie}`, `X-Original-URL: https://${APP}/page`, 'X-Original-Method: GET'],
          servername: host,
        });
        if (host === APP) {
          // Here the path is the application's, for somebody who is logged in. A check's answer would say who that is.
          expect(answer).not.toMatch(/^x-auth-(?:user|subject):/im);
        } else {
          expect(answer).not.toMatch(/^x-auth-(?:user|subject|reason):/im);
        }
      }
    });
  });
}
