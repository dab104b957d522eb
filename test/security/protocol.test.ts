import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { APP, basic, type Service, startService } from './service.ts';
import { check, checkBytes, exchange, verdict, viaForwarded, viaNginx } from './wire.ts';

const YAML = `
auth_plugins: {session: {}, basic: {}}
paths:
  - {path: /public, authenticate: false}
  - {path: /limited, authenticate: false, rate_limit: {requests: 1, per: 1h}}
  - {path: /}
`;
let service: Service;
beforeAll(async () => {
  service = await startService(YAML);
});
afterAll(() => service.stop());

const PUBLIC = viaNginx(`${APP}/public`);
const SECRET = viaNginx(`${APP}/secret`);
const ask = (lines: readonly string[], options = {}) => verdict(service.port, lines, options);

describe('an answer', () => {
  it('has a length, is not stored, and leaves the connection open for the next check', async () => {
    const checks = [
      PUBLIC,
      SECRET,
      viaNginx(`${APP}/%`),
      viaNginx(`${APP}/public/..%2fsecret`),
      [...SECRET, 'Accept: text/html'],
      viaNginx(`${APP}/limited`),
      viaNginx(`${APP}/limited`),
      [],
      PUBLIC,
    ];
    const answers = await exchange(service.port, checks.map((lines) => checkBytes(lines)).join(''), {
      answers: checks.length,
    });
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 403, 403, 401, 200, 403, 403, 200]);
    for (const answer of answers) {
      expect(answer.header('content-length')).toEqual(['0']);
      expect(answer.header('transfer-encoding')).toEqual([]);
      expect(answer.header('cache-control')).toEqual(['no-store']);
      expect(answer.header('connection')).not.toContain('close');
      expect(answer.header('x-auth-reason')).toHaveLength(answer.status === 200 ? 0 : 1);
    }
    const others = ['/healthz', '/readyz', '/validate/', '/nowhere', '/login'];
    for (const path of others) {
      const answer = await check(service.port, [], { path });
      expect(answer.header('content-length').length + answer.header('transfer-encoding').length, path).toBe(1);
    }
  });

  it('does not depend on the check’s own method', async () => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      expect(await ask(PUBLIC, { method }), method).toBe('200');
      expect(await ask(SECRET, { method }), method).toBe('401 no-credentials');
    }
  });

  it('comes without waiting for a body', async () => {
    for (const lines of [
      [...SECRET, 'Content-Length: 10'],
      [...SECRET, 'Content-Length: 5000000'],
      [...SECRET, 'Transfer-Encoding: chunked'],
      [...SECRET, 'Content-Length: 10', 'Expect: 100-continue'],
    ]) {
      const answers = await exchange(service.port, checkBytes(lines, { method: 'POST' }), {
        answers: lines.some((line) => line.startsWith('Expect')) ? 2 : 1,
      });
      expect(answers.at(-1)?.status, lines.at(-1)).toBe(401);
    }
  });

  it('to pipelined checks comes in their order, also where one has to wait', async () => {
    const lines = [
      viaNginx(`${APP}/secret`, basic('alice')),
      PUBLIC,
      viaNginx(`${APP}/secret`, basic('alice', 'wrong')),
      SECRET,
      viaNginx(`${APP}/secret`, basic('bob')),
    ];
    const answers = await exchange(service.port, lines.map((one) => checkBytes(one)).join(''), { answers: 5 });
    expect(answers.map((answer) => `${answer.status} ${answer.header('X-Auth-User').join()}`)).toEqual([
      '200 alice',
      '200 ',
      '401 ',
      '401 ',
      '200 bob',
    ]);
  });

  it('to a request hidden in a body comes for nobody', async () => {
    const hidden = checkBytes(viaNginx(`${APP}/public`));
    const outer = checkBytes([...SECRET, `Content-Length: ${hidden.length}`], { method: 'POST' });
    // After it the connection ends: a body that is announced may as well not come.
    const answers = await exchange(service.port, `${outer}${hidden}${checkBytes(PUBLIC)}`, { answers: 2 });
    expect(answers.map(({ status }) => status)).toEqual([401]);
  });
});

describe('a request line that is no usual one', () => {
  it.each([
    ['absolute-form', 'GET http://gatelodge/validate HTTP/1.1'],
    ['absolute-form with the profile', 'GET https://evil.example.com/validate/nginx HTTP/1.1'],
    ['an asterisk', 'OPTIONS * HTTP/1.1'],
    ['authority-form', 'CONNECT app.example.com:443 HTTP/1.1'],
    ['no slash', 'GET validate HTTP/1.1'],
    ['a backslash', 'GET \\validate HTTP/1.1'],
    ['two slashes', 'GET //validate HTTP/1.1'],
    ['a fragment', 'GET /validate#x HTTP/1.1'],
    ['dot segments', 'GET /login/../validate HTTP/1.1'],
    ['a method that is none', 'G\tT /validate HTTP/1.1'],
    ['NUL', 'GET /validate\0 HTTP/1.1'],
    ['raw bytes', 'GET /validat\xe9 HTTP/1.1'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0'],
  ])('%s is no check', async (_what, line) => {
    const answers = await exchange(
      service.port,
      `${line}\r\nHost: gatelodge\r\nConnection: close\r\n${PUBLIC.join('\r\n')}\r\n\r\n`,
    );
    for (const answer of answers) {
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.header('X-Auth-User')).toEqual([]);
    }
    expect(await ask(PUBLIC)).toBe('200');
  });
});

it('nothing but its own spelling leads to a page or call, however a front server reads another', async () => {
  const line = (target: string) => `GET ${target} HTTP/1.1\r\nHost: gatelodge\r\n\r\n`;
  const status = async (target: string) => (await exchange(service.port, line(target)))[0]?.status;
  for (const target of [
    '/login',
    '/login?rd=/../x',
    '/api/v1/csrf',
    'http://gatelodge/login',
    'http://gatelodge/login?a',
  ])
    expect(await status(target), target).toBe(200);
  for (const prefix of [
    '/x/..',
    '/.',
    '/x/%2e%2e',
    '/%2E',
    '/x\\..',
    '\\',
    '/',
    '/x/.%2e',
    '/x//../..',
    'http://gatelodge/x/..',
  ])
    for (const path of ['/login', '/api/v1/csrf', '/userinfo', '/jwks'])
      expect([400, 404], prefix + path).toContain(await status(prefix + path));
});

describe('header fields that are broken', () => {
  it.each([
    ['a control character', ['X-Original-URL: https://a/\x01']],
    ['NUL', ['X-Original-URL: https://a/\0']],
    ['a bare CR', ['X-A: 1\rX-Original-URL: https://a/public']],
    ['a folded line', ['X-A: 1', ' X-Original-URL: https://a/public']],
    ['a blank before the colon', ['X-Original-URL : https://a/public']],
    ['no colon', ['X-Original-URL']],
    ['an empty name', [': x']],
    ['two lengths', ['Content-Length: 1', 'Content-Length: 2']],
    ['a length and chunks', ['Content-Length: 1', 'Transfer-Encoding: chunked']],
    ['a negative length', ['Content-Length: -1']],
    ['an unknown coding', ['Transfer-Encoding: xchunked']],
    ['two Hosts', ['Host: a']],
  ])('%s: never allowed', async (_what, lines) => {
    const answers = await exchange(service.port, checkBytes([...SECRET, ...lines]));
    for (const answer of answers) expect(answer.status).toBeGreaterThanOrEqual(400);
  });

  it('in the target are refused', async () => {
    for (const url of [
      `${APP}/public\x01`,
      `${APP}/public\x7f`,
      `${APP}/pub lic`,
      `${APP}/public\t`.replace('public\t', 'pub\tlic'),
      `${APP}/public%00`,
      `${APP}/public%0d%0aX-Evil:1`,
    ]) {
      const answers = await exchange(service.port, checkBytes(viaNginx(url)));
      expect(
        answers.map(({ status }) => (status === 400 ? 403 : status)),
        JSON.stringify(url),
      ).toEqual([403]);
      expect(answers[0]?.header('X-Evil')).toEqual([]);
    }
  });
});

describe('sizes', () => {
  it('a path of 8 KiB is read, a longer one refused', async () => {
    expect(await ask(viaNginx(`${APP}/public/${'a'.repeat(8_192 - 8)}`))).toBe('200');
    expect(await ask(viaNginx(`${APP}/public/${'a'.repeat(8_192 - 7)}`))).toBe('403 malformed-request');
    expect(await ask(viaNginx(`${APP}/public?${'a'.repeat(20_000)}`))).toBe('200');
  });

  it('64 KB of header fields are read, more refused', async () => {
    const junk = (size: number) =>
      Array.from(
        { length: Math.floor(size / 100) },
        (_, index) => `X-Junk-${String(index).padStart(5, '0')}: ${'x'.repeat(84)}`,
      );
    expect(await ask([...junk(60_000), ...PUBLIC])).toBe('200');
    expect(await ask([...junk(60_000), ...SECRET])).toBe('401 no-credentials');
    const [answer] = await exchange(service.port, checkBytes([...junk(80_000), ...PUBLIC]));
    expect(answer?.status).toBe(431);
  });

  it('an address of the login page that is longer than a header may be is no crash', async () => {
    const answer = await check(
      service.port,
      viaForwarded('app.example.com', `/secret?${'%20'.repeat(5_000)}`, 'Sec-Fetch-Mode: navigate'),
      { path: '/validate/caddy' },
    );
    expect(answer.status).toBe(302);
    expect(new URL(answer.header('location')[0] ?? '').searchParams.get('rd')).toHaveLength(
      `${APP}/secret?`.length + 15_000,
    );
  });
});

it('a thousand broken requests leave the service as it was', async () => {
  const lines = [
    'GET',
    '\0\0\0',
    '\x16\x03\x01\x02\x00\x01',
    'GET /validate HTTP/1.1\r\n\r\n',
    'GET /validate HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n',
  ];
  for (let index = 0; index < 20; index += 1) {
    await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        exchange(service.port, `${lines[at % lines.length]}\r\n\r\n`).catch(() => []),
      ),
    );
  }
  expect(await ask(PUBLIC)).toBe('200');
  expect(service.gatelodge.output()).not.toMatch(/TypeError|RangeError|unhandled|at file:/i);
});
