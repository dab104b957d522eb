import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { type Answer, ask } from '../support/http-client.ts';

const BROWSER = { 'sec-fetch-mode': 'navigate', accept: 'text/html' };
const PUBLIC_URL = 'https://auth.example.com/gate';
const basic = (user: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:a long password`).toString('base64')}`,
});
let gatelodge: Gatelodge;
let port: number;

beforeAll(async () => {
  port = await freePort();
  gatelodge = await startGatelodge({
    ready: port,
    yaml: `
listen: {port: ${port}}
public_url: ${PUBLIC_URL}
branding: {name: "Tea & Co"}
users:
  - {username: "al&ice", password: "a long password", roles: [user]}
auth_plugins: {session: {}, basic: {}}
paths:
  - {path: /admin, roles: [admin]}
  - {path: /closed, deny: true}
  - {path: /programs, plugins: [basic]}
  - {path: /limited, authenticate: false, rate_limit: {requests: 1, per: 1h, burst: 1}}
`,
  });
});
afterAll(() => gatelodge?.stop());

type Fields = Record<string, string>;
const forwarded = (uri: string, headers: Fields = {}, method = 'GET'): Promise<Answer> =>
  ask(`http://127.0.0.1:${port}/validate`, {
    headers: {
      ...{ 'x-forwarded-method': method, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'app.example.com' },
      ...{ 'x-forwarded-uri': uri, ...headers },
    },
  });
const nginx = (uri: string, headers: Fields = {}): Promise<Answer> =>
  ask(`http://127.0.0.1:${port}/validate/nginx`, {
    headers: { 'x-original-url': `https://app.example.com${uri}`, 'x-original-method': 'GET', ...headers },
  });
const bodyOf = (answer: Answer) => answer.body.toString('utf8');

describe('a refused navigation', () => {
  it('shows whose account was refused, and a way to another one and back', async () => {
    const answer = await forwarded('/admin?a=1&b="', { ...BROWSER, ...basic('al&ice') });
    const page = bodyOf(answer);
    expect(answer.status).toBe(403);
    expect(answer.headers['x-auth-reason']).toBe('role-missing');
    expect(answer.headers['content-length']).toBe(String(answer.body.length));
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.headers['cache-control']).toBe('no-store');
    const style = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(answer.headers['content-security-policy']).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'`,
    );
    expect(page).toContain('You are signed in as <strong>al&amp;ice</strong>.');
    const back = encodeURIComponent('https://app.example.com/admin?a=1&b="');
    expect(page).toContain(`<a class="button" href="${PUBLIC_URL}/login?prompt=login&amp;rd=${back}">`);
    expect(page).toContain('<title>You may not open this page · Tea &amp; Co</title>');
  });

  it('names nobody where nobody is known, and nobody else after somebody was', async () => {
    const page = bodyOf(await forwarded('/closed', BROWSER));
    expect(page).toContain('Nobody may open this page');
    expect(page).not.toMatch(/signed in as|al&amp;ice|href="http/);
  });

  it('is told what else is the matter', async () => {
    await forwarded('/limited', BROWSER);
    const limited = await forwarded('/limited', BROWSER);
    expect([limited.status, Number(limited.headers['retry-after']) > 0]).toEqual([429, true]);
    expect(bodyOf(limited)).toContain('Too many requests');
    const challenged = await forwarded('/programs', BROWSER);
    expect(challenged.status).toBe(401);
    expect(challenged.headers['www-authenticate']).toContain('Basic');
    expect(bodyOf(challenged)).toContain('Sign-in needed');
  });

  it('is empty where it is led to the login page, and for HEAD', async () => {
    const login = await forwarded('/admin', BROWSER);
    expect([login.status, login.body.length, login.headers['content-length']]).toEqual([302, 0, '0']);
    const head = await forwarded('/closed', BROWSER, 'HEAD');
    expect([head.status, head.body.length, head.headers['content-length']]).toEqual([403, 0, '0']);
  });
});

describe('a refused program', () => {
  it.each<Fields>([{}, { accept: '*/*' }, { 'sec-fetch-mode': 'cors', accept: 'text/html' }])(
    'with %j gets no body',
    async (headers) => {
      for (const path of ['/closed', '/programs', '/limited', '/admin']) {
        const answer = await forwarded(path, headers);
        expect(answer.status, path).not.toBe(200);
        expect([answer.body.length, answer.headers['content-length']], path).toEqual([0, '0']);
        expect(answer.headers['content-type'], path).toBeUndefined();
      }
    },
  );
});

describe('behind nginx', () => {
  it('a browser’s page about it is told, and nothing to programs', async () => {
    const asked = await nginx('/admin?a=1', { ...BROWSER, ...basic('al&ice') });
    const rd = encodeURIComponent('https://app.example.com/admin?a=1');
    expect(asked.status).toBe(403);
    expect(asked.headers['x-auth-page']).toBe(`/gate/forbidden?reason=role-missing&rd=${rd}`);
    expect(asked.headers['x-auth-redirect']).toBeUndefined();
    expect(asked.headers['location']).toBeUndefined();
    expect(asked.headers['content-length']).toBe('0');
    await nginx('/limited', BROWSER);
    expect((await nginx('/limited', BROWSER)).headers['x-auth-page']).toContain('reason=rate-limited');
    const program = await nginx('/admin', basic('al&ice'));
    expect([program.status, program.headers['x-auth-page']]).toEqual([403, undefined]);
  });
});
