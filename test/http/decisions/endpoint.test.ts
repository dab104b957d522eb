import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AuthenticationResult,
  CREDENTIALS_REJECTED,
  NOT_RESPONSIBLE,
} from '../../../src/domain/authentication.ts';
import { GatelodgeError } from '../../../src/domain/errors.ts';
import { good, plugin } from '../../decision/asking.ts';
import { check, checkBytes, exchange, verdict, viaForwarded, viaNginx } from '../../security/wire.ts';
import { type DecisionStand, decisionStand } from './stand.ts';

const fails = (error: unknown) => () => {
  throw error;
};
const PLUGINS = [
  plugin('session', NOT_RESPONSIBLE, { login: true }),
  plugin('basic', NOT_RESPONSIBLE, { challenge: 'Basic realm="x"' }),
  plugin('good', good({ name: 'Ä\r\nX-Evil: 1', roles: ['a', 'b'] })),
  plugin('bad', CREDENTIALS_REJECTED, { challenge: 'Bearer' }),
  plugin('scopes', good({ scopes: ['a'] }), { challenge: 'Bearer' }),
  plugin('away', fails(new GatelodgeError('store-unavailable', 'x'))),
  plugin('busy', fails(new GatelodgeError('overloaded', 'x'))),
  plugin('broken', fails(new Error('broken'))),
  plugin('unwritable', good({ claims: { department: 1n } })),
];
const RULES = [
  { path: '/public', authenticate: false },
  { path: '/page', plugins: ['session', 'basic'] },
  { path: '/api', plugins: ['basic', 'bad'] },
  { path: '/good', plugins: ['good'] },
  { path: '/role', plugins: ['good'], roles: ['x'] },
  { path: '/old/token', plugins: ['scopes'], max_age: '1m' },
  { path: '/scoped', plugins: ['scopes'], scopes: ['b'] },
  { path: '/old', plugins: ['good', 'session'], max_age: '1m' },
  { path: '/away', plugins: ['away'] },
  { path: '/busy', plugins: ['busy'] },
  { path: '/broken', plugins: ['broken', 'good'] },
  { path: '/limited', authenticate: false, rate_limit: { requests: 1, per: '1h' } },
  { path: '/unwritable', plugins: ['unwritable'] },
  { deny: true },
];

let stand: DecisionStand;
beforeAll(async () => {
  stand = await decisionStand({
    plugins: PLUGINS,
    configuration: { paths: RULES, identity_headers: { 'X-Department': 'department' }, auth_plugins: {} },
  });
});
afterAll(() => stand.stop());

const HOST = 'app.example.com';
const nginx = (path: string, ...more: string[]) =>
  check(stand.port, viaNginx(`https://${HOST}${path}`, ...more), { path: '/validate/nginx' });
const caddy = (path: string, ...more: string[]) =>
  check(stand.port, viaForwarded(HOST, path, ...more), { path: '/validate/caddy' });
const BROWSER = 'Sec-Fetch-Mode: navigate';
const IDENTITY = [
  'X-Auth-User',
  'X-Auth-Subject',
  'X-Auth-Name',
  'X-Auth-Email',
  'X-Auth-Roles',
  'X-Auth-Groups',
  'X-Auth-Method',
  'X-Department',
];

describe('an answer', () => {
  it.each([
    ['/public', 200, 200, ''],
    ['/page', 401, 401, 'no-credentials'],
    ['/api', 401, 401, 'credentials-rejected'],
    ['/good', 200, 200, ''],
    ['/role', 403, 403, 'role-missing'],
    ['/old', 401, 401, 'reauth-required'],
    ['/away', 403, 503, 'store-unavailable'],
    ['/busy', 403, 503, 'overloaded'],
    ['/broken', 403, 503, 'internal-error'],
    ['/unwritable', 403, 503, 'internal-error'],
    ['/nowhere', 403, 403, 'deny-rule'],
    ['/public/..%2fgood', 403, 403, 'ambiguous-path'],
    ['/%', 403, 403, 'malformed-request'],
    [`/${'a'.repeat(8_192)}`, 403, 403, 'malformed-request'],
  ])('for %s is %i to nginx and %i to others, %s', async (path, toNginx, toOthers, reason) => {
    for (const [answer, status] of [
      [await nginx(path), toNginx],
      [await caddy(path), toOthers],
    ] as const) {
      expect(answer.status).toBe(status);
      expect(answer.header('x-auth-reason')).toEqual(reason === '' ? [] : [reason]);
      expect(answer.header('content-length')).toEqual(['0']);
      expect(answer.header('cache-control')).toEqual(['no-store']);
      expect(answer.header('transfer-encoding')).toEqual([]);
      for (const name of IDENTITY) expect(answer.header(name), name).toHaveLength(status === 200 ? 1 : 0);
    }
  });

  it('names nobody with empty headers, and somebody with encoded ones', async () => {
    const nobody = await nginx('/public');
    expect(IDENTITY.map((name) => nobody.header(name)[0])).toEqual(IDENTITY.map(() => ''));
    const alice = await nginx('/good');
    expect(alice.header('X-Auth-Name')).toEqual(['%C3%84%0D%0AX-Evil: 1']);
    expect(alice.header('X-Evil')).toEqual([]);
    expect(alice.header('X-Auth-Roles')).toEqual(['a,b']);
  });

  it('over the limit says when to come again', async () => {
    expect((await caddy('/limited', 'X-Forwarded-For: 198.51.100.1')).status).toBe(200);
    const others = await caddy('/limited', 'X-Forwarded-For: 198.51.100.1');
    const toNginx = await nginx('/limited', 'X-Forwarded-For: 198.51.100.1');
    expect([others.status, toNginx.status]).toEqual([429, 403]);
    expect(Number(others.header('retry-after')[0])).toBeGreaterThan(3_500);
    expect((await caddy('/limited', 'X-Forwarded-For: 198.51.100.2')).status).toBe(200);
  });
});

describe('a challenge', () => {
  const login = (url: string, prompt = '') => `https://auth.example.com/login?${prompt}rd=${encodeURIComponent(url)}`;

  it('tells nginx the login page with 401, and every scheme of the rule', async () => {
    const answer = await nginx('/page?a=1&b=%2F', BROWSER);
    expect(answer.status).toBe(401);
    expect(answer.header('location')).toEqual([login(`https://${HOST}/page?a=1&b=%2F`)]);
    expect(answer.header('x-auth-redirect')).toEqual(answer.header('location'));
    expect(answer.header('www-authenticate')).toEqual(['Basic realm="x"']);
    // nginx hands on one line of the name alone.
    expect((await nginx('/api')).header('www-authenticate')).toEqual(['Basic realm="x", Bearer']);
    expect((await caddy('/api')).header('www-authenticate')).toEqual(['Basic realm="x"', 'Bearer']);
    expect((await nginx('/api', BROWSER)).header('location')).toEqual([]);
  });

  it.each([
    // First: Chromium obeys the first on a line, and a script's fetch would wait for a person who types a password.
    ['Authorization: Bearer x', ['Bearer error="invalid_token"', 'Basic realm="x"']],
    ['X-API-Key: x', ['Bearer error="invalid_token"', 'Basic realm="x"']],
    ['Authorization: Basic x', ['Basic realm="x"', 'Bearer']],
    ['X-Nothing: x', ['Basic realm="x"', 'Bearer']],
  ])('tells who sent %s what to renew: %j', async (line, challenges) => {
    expect((await caddy('/api', line)).header('www-authenticate')).toEqual(challenges);
    expect((await nginx('/api', line)).header('www-authenticate')).toEqual([challenges.join(', ')]);
  });

  it('does not have a good token renewed, only since its login is old', async () => {
    const answer = await caddy('/old/token', 'Authorization: Bearer x');
    expect([answer.header('x-auth-reason'), answer.header('www-authenticate')]).toEqual([
      ['reauth-required'],
      ['Bearer'],
    ]);
  });

  it('of nobody, by a token whose scopes do not reach, names what is missing', async () => {
    const answer = await caddy('/scoped');
    expect([answer.status, answer.header('www-authenticate')]).toEqual([403, ['Bearer error="insufficient_scope"']]);
    expect((await caddy('/role')).header('www-authenticate')).toEqual([]);
  });

  it('asks for the password again where a live session would lead straight back', async () => {
    expect((await nginx('/old')).header('location')).toEqual([login(`https://${HOST}/old`, 'prompt=login&')]);
  });

  it.each([
    [[BROWSER], 302],
    [['Accept: text/html,application/xhtml+xml'], 302],
    [['Accept: application/json, TEXT/HTML;q=0.9'], 302],
    [['Accept: text/html', 'Sec-Fetch-Mode: cors'], 401],
    [['Accept: text/html', 'Sec-Fetch-Mode: websocket'], 401],
    [['Accept: text/html', 'Sec-Fetch-Mode: no-cors'], 401],
    [['Accept: */*'], 401],
    [['Accept: application/json'], 401],
    [['Accept: text/event-stream'], 401],
    [['Accept: image/avif,image/webp'], 401],
    [['Accept: text/htmlx'], 401],
    [['Accept: xtext/html'], 401],
    [[], 401],
  ])('of %j is %i to others than nginx', async (lines, status) => {
    const answer = await caddy('/page', ...lines);
    expect(answer.status).toBe(status);
    expect(answer.header('location')).toHaveLength(status === 302 ? 1 : 0);
    expect((await caddy('/api', ...lines)).status).toBe(401);
  });

  it('of a posted form leads to a page that is fetched', async () => {
    const lines = viaForwarded(HOST, '/page', BROWSER).map((line) => line.replace('GET', 'POST'));
    expect((await check(stand.port, lines, { path: '/validate/caddy' })).status).toBe(303);
  });

  it('leads back to the bytes that were asked for, also where a client sent them as they are', async () => {
    const bytes = Buffer.from('ä').toString('latin1');
    for (const answer of [await nginx(`/page?q=${bytes}`, BROWSER), await caddy(`/page?q=${bytes}`, BROWSER)])
      expect(answer.header('location')).toEqual([login(`https://${HOST}/page?q=ä`)]);
  });

  it('leads back to nowhere else, whatever the target is', async () => {
    const evil = '/page//evil.example.com/?x=https://evil.example.com&rd=1';
    const location = new URL((await nginx(evil)).header('location')[0] ?? '');
    expect(location.origin).toBe('https://auth.example.com');
    expect(location.searchParams.getAll('rd')).toEqual([`https://${HOST}${evil}`]);
  });
});

describe('no target at all', () => {
  const KEYS: Readonly<Record<string, AuthenticationResult>> = { k: good(), x: CREDENTIALS_REJECTED };

  it('is refused where there is any rule, and told to the log', async () => {
    for (const path of ['/validate', '/validate/nginx', '/validate/traefik'])
      expect(await verdict(stand.port, [], { path })).toBe('403 malformed-request');
    expect(stand.records.at(-1)).toMatchObject({ targetMissing: true, request: null });
  });

  it('asks whether the credential is good where there is no rule', async () => {
    const bare = await decisionStand({
      plugins: [
        plugin('p', ({ headers }) => KEYS[headers.get('x-api-key') ?? ''] ?? NOT_RESPONSIBLE, {
          challenge: 'Bearer',
          login: true,
        }),
      ],
    });
    try {
      expect(await verdict(bare.port, [])).toBe('401 no-credentials');
      expect(await verdict(bare.port, ['X-API-Key: k'])).toBe('200');
      expect(await verdict(bare.port, ['X-API-Key: k', 'X-API-Key: k'])).toBe('403 malformed-request');
      expect(await verdict(bare.port, ['X-API-Key: k', 'X-Original-Method: GET'])).toBe('403 malformed-request');
      const useless = await check(bare.port, ['X-API-Key: x']);
      expect(useless.header('www-authenticate')).toEqual(['Bearer error="invalid_token"']);
      const toNginx = await check(bare.port, [], { path: '/validate/nginx' });
      expect(toNginx.header('location')).toEqual(['https://auth.example.com/login']);
      expect(toNginx.header('x-auth-redirect')).toEqual(toNginx.header('location'));
      expect(await verdict(bare.port, ['X-API-Key: k', 'X-Forwarded-Host: a', 'X-Forwarded-Proto: https'])).toBe('200');
    } finally {
      await bare.stop();
    }
  });
});

it('a header that cannot be written refuses that request and no other', async () => {
  const bytes = ['/unwritable', '/good', '/unwritable', '/public']
    .map((path) => checkBytes(viaNginx(`https://${HOST}${path}`)))
    .join('');
  const answers = await exchange(stand.port, bytes, { answers: 4 });
  expect(answers.map(({ status }) => status)).toEqual([403, 200, 403, 200]);
  expect(stand.records.at(-2)?.decision).toMatchObject({ effect: 'unavailable', reason: 'internal-error' });
});

it('says who nobody is, where the configuration names them', async () => {
  const named = await decisionStand({
    configuration: { paths: [{ authenticate: false }], anonymous: { user: 'guest', roles: ['visitor'] } },
  });
  try {
    const answer = await check(named.port, viaNginx('https://a/'));
    expect([answer.header('X-Auth-User'), answer.header('X-Auth-Roles'), answer.header('X-Auth-Subject')]).toEqual([
      ['guest'],
      ['visitor'],
      [''],
    ]);
  } finally {
    await named.stop();
  }
});
