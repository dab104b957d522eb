import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forge, hmac } from '../plugins/forged-jwt.ts';
import { APP, basic, PASSWORD, type Service, startService } from './service.ts';
import { check, verdict, viaForwarded, viaNginx, type WireAnswer } from './wire.ts';

const JWT_SECRET = 'a shared secret of more than thirty-two bytes';
const YAML = `
auth_plugins:
  session: {}
  basic: {}
  token: {}
  apikey: {}
  mobile: {type: jwt, secret: ${JWT_SECRET}, audience: app, claims: {roles: roles}}
anonymous: {}
paths:
  - {path: /public, authenticate: false}
  - {path: /optional, authenticate: optional}
  - {path: /admin, roles: [admin]}
  - {path: /both, plugins: [session, apikey], mode: all}
  - {path: /write, scopes: [write]}
  - {path: /}
login_limits: {account: {attempts: 1000}, address: {attempts: 1000}}
`;
const HEADERS = [
  'X-Auth-User',
  'X-Auth-Subject',
  'X-Auth-Name',
  'X-Auth-Email',
  'X-Auth-Roles',
  'X-Auth-Groups',
  'X-Auth-Method',
];

let service: Service;
let alice: string;
let bob: string;
let key: string;
let token: string;
beforeAll(async () => {
  service = await startService(YAML);
  [alice, bob, key, token] = [
    await service.cookie('alice'),
    await service.cookie('bob'),
    await service.key('alice', '--scope', 'read'),
    await service.token('alice'),
  ];
});
afterAll(() => service.stop());

const ask = (path: string, ...lines: string[]) => verdict(service.port, viaNginx(APP + path, ...lines));
const whole = (path: string, ...lines: string[]) => check(service.port, viaNginx(APP + path, ...lines));
const value = (cookie: string) => cookie.slice(cookie.indexOf('=') + 1);

describe('every credential', () => {
  it('opens by itself, and says by what', async () => {
    const jwt = forge(
      { alg: 'HS256' },
      { sub: 'alice', aud: 'app', exp: 4_000_000_000, roles: ['admin'] },
      hmac(JWT_SECRET),
    );
    for (const [line, method, subject] of [
      [`Cookie: ${alice}`, 'session', /^usr_/],
      [basic('alice'), 'basic', /^usr_/],
      [`Authorization: Bearer ${token}`, 'token', /^usr_/],
      [`Authorization: Bearer ${key}`, 'apikey', /^usr_/],
      [`X-API-Key: ${key}`, 'apikey', /^usr_/],
      [`Authorization: Bearer ${jwt}`, 'mobile', /^mobile:alice$/],
    ] as const) {
      const answer = await whole('/admin', line);
      expect([answer.status, answer.header('X-Auth-Method'), answer.header('X-Auth-User')], method).toEqual([
        200,
        [method],
        ['alice'],
      ]);
      expect(answer.header('X-Auth-Subject')[0]).toMatch(subject);
      expect(answer.header('X-Auth-Roles')[0]).toContain('admin');
    }
  });

  it('is refused where it is no good, and garbage does no harm where nothing is asked', async () => {
    for (const line of [
      'Cookie: gatelodge=x',
      'Authorization: Basic x',
      'Authorization: Bearer x',
      'X-API-Key: x',
      `Authorization: Bearer ${token.slice(0, -4)}AAAA`,
      basic('alice', 'wrong'),
    ]) {
      expect(await ask('/', line), line).toMatch(/^401 (credentials-rejected|session-expired)$/);
      expect(await ask('/public', line), line).toBe('200');
      expect(await ask('/optional', line), line).toBe(line.startsWith('Cookie') ? '200' : '401 credentials-rejected');
    }
    for (const line of [
      'Authorization: Digest x',
      'Authorization:',
      'Authorization: Negotiate',
      'X_API_Key: x',
      'Cookie: x=y',
    ]) {
      expect(await ask('/', line), line).toBe('401 no-credentials');
      expect(await ask('/optional', line), line).toBe('200');
    }
  });

  it('is bound by its scopes and roles', async () => {
    expect(await ask('/write', `X-API-Key: ${key}`)).toBe('403 scope-missing');
    expect(await ask('/write', `Cookie: ${bob}`)).toBe('200');
    expect(await ask('/admin', `Cookie: ${bob}`)).toBe('403 role-missing');
    expect(await ask('/admin', basic('bob'))).toBe('403 role-missing');
  });
});

describe('two of them', () => {
  it.each([
    ['Authorization', () => [basic('alice'), basic('alice')]],
    ['Authorization, one of them bad', () => [basic('alice'), 'authorization: Basic x']],
    ['Authorization of two kinds', () => [`Authorization: Bearer ${token}`, basic('bob')]],
    ['X-API-Key', () => [`X-API-Key: ${key}`, `x-api-key: ${key}`]],
    ['X-API-Key, one of them empty', () => [`X-API-Key: ${key}`, 'X-API-Key:']],
    ['Authorization, beside a good cookie', () => [`Cookie: ${alice}`, basic('bob'), basic('bob')]],
  ])('lines of %s are refused wherever credentials count', async (_what, lines) => {
    for (const path of ['/', '/optional', '/admin', '/both'])
      expect(await ask(path, ...lines()), path).toBe('403 malformed-request');
    expect(await ask('/public', ...lines())).toBe('200');
  });

  it('joined in one line are refused', async () => {
    const refused = /^(?:401 credentials-rejected|403 malformed-request)$/;
    expect(await ask('/', `${basic('alice')}, ${basic('alice').slice(15)}`)).toMatch(refused);
    expect(await ask('/', `X-API-Key: ${key}, ${key}`)).toMatch(refused);
  });

  it('of different kinds: the first in the order of the plugins', async () => {
    const answer = await whole('/', `X-API-Key: ${key}`, `Cookie: ${bob}`);
    expect([answer.header('X-Auth-User'), answer.header('X-Auth-Method')]).toEqual([['bob'], ['session']]);
  });

  it('for a rule that wants both must be one user’s', async () => {
    const together = await whole('/both', `X-API-Key: ${key}`, `Cookie: ${alice}`);
    expect([together.status, together.header('X-Auth-Method')]).toEqual([200, ['session+apikey']]);
    expect(await ask('/both', `X-API-Key: ${key}`, `Cookie: ${bob}`)).toBe('401 credentials-rejected');
    expect(await ask('/both', `X-API-Key: ${key}`)).toBe('401 no-credentials');
    expect(await ask('/both', `Cookie: ${alice}`)).toBe('401 no-credentials');
  });
});

describe('session cookies', () => {
  it('of one name: the only valid one counts, two of different users are refused', async () => {
    expect(await ask('/', `Cookie: gatelodge=old; ${alice}`)).toBe('200');
    expect(await ask('/', `Cookie: ${alice}; gatelodge=`, 'Cookie: gatelodge=x')).toBe('200');
    expect(await ask('/', `Cookie: ${alice}; gatelodge=${value(await service.cookie('alice'))}`)).toBe('200');
    expect(await ask('/', `Cookie: ${alice}; ${bob}`)).toBe('401 credentials-rejected');
    expect(await ask('/', `Cookie: ${alice}`, `Cookie: ${bob}`)).toBe('401 credentials-rejected');
    expect(await ask('/optional', `Cookie: ${alice}; ${bob}`)).toBe('401 credentials-rejected');
  });

  it('in huge numbers are refused in little time', async () => {
    const many = (count: number, name: string) =>
      Array.from({ length: count }, (_, index) => `${name}=${String(index).padStart(16, '0')}.${'x'.repeat(43)}`).join(
        '; ',
      );
    expect(await ask('/', `Cookie: ${many(700, 'gatelodge')}; ${alice}`)).toBe('401 credentials-rejected');
    expect(await ask('/', `Cookie: ${many(700, 'other')}; ${alice}`)).toBe('200');
  });
});

describe('Basic', () => {
  it('tells an unknown, a wrong and a locked user apart by nothing', async () => {
    await service.gatelodge.run('users', 'lock', 'carol');
    await expect.poll(() => ask('/', basic('carol')), { timeout: 15_000 }).toBe('401 credentials-rejected');
    const answers = await Promise.all(
      [basic('nobody'), basic('alice', 'wrong'), basic('carol'), basic('carol', 'wrong'), basic('')].map((line) =>
        whole('/', line),
      ),
    );
    const told = ({ status, fields, body }: WireAnswer) =>
      JSON.stringify([status, fields.filter(([name]) => name !== 'Date'), body]);
    expect(new Set(answers.map(told)).size).toBe(1);
    expect(answers[0]?.header('www-authenticate').join()).toContain('Basic');
  });

  it('is overloaded beyond its queue, and other checks go on meanwhile', async () => {
    const small = await startService(
      'auth_plugins: {basic: {}, apikey: {}}\nhashing: {concurrency: 1, queue: 1}\npaths: [{path: /}]\nlogin_limits: {account: {attempts: 1000}, address: {attempts: 1000}}\n',
    );
    try {
      const lines = Array.from({ length: 12 }, (_, index) => basic(`u${index}`, 'wrong'));
      const toNginx = await Promise.all(lines.map((line) => verdict(small.port, viaNginx(`${APP}/`, line))));
      expect(toNginx.filter((one) => one === '403 overloaded').length).toBeGreaterThan(0);
      expect(new Set(toNginx)).toEqual(new Set(['403 overloaded', '401 credentials-rejected']));
      const others = await Promise.all(
        lines.map((line) => verdict(small.port, viaForwarded('a', '/', line), { path: '/validate/caddy' })),
      );
      expect(others).toContain('503 overloaded');
      expect(await verdict(small.port, viaNginx(`${APP}/`, basic('alice', PASSWORD)))).toBe('200');
    } finally {
      await small.stop();
    }
  });
});

describe('identity headers', () => {
  it('are all there on every 200, empty for nobody, whatever the client sends', async () => {
    for (const [path, ...lines] of [
      ['/public'],
      ['/optional'],
      ['/optional', 'Cookie: gatelodge=old'],
      ['/', `Cookie: ${alice}`],
      ['/public', 'X-Auth-User: admin', 'X-Auth-Roles: admin'],
    ] as const) {
      const answer = await whole(path, ...lines);
      for (const name of HEADERS) {
        expect(answer.header(name), name).toHaveLength(1);
        if (path !== '/') expect(answer.header(name), name).toEqual(['']);
      }
    }
  });

  it('carry nothing but visible ASCII, whatever stands in the database', async () => {
    const name = 'Carl\r\nX-Auth-Roles: admin\r\n\r\nHTTP/1.1 200 OK\r\n\0\u0085\u2028 日本 \ud83d\ude00';
    await service.inDatabase(async (store) => {
      const fields = {
        username: 'mallory',
        name,
        email: 'a@b\r\nX-Evil: 1',
        roles: ['a,admin', 'x\r\ny', '%0d%0a'],
        groups: ['é'],
        networks: [],
        passwordHash: null,
      };
      await store.users.insert('usr_mallory', fields, Date.now());
    });
    const theirs = await service.key('mallory');
    const answer = await whole('/', `X-API-Key: ${theirs}`);
    expect(answer.status).toBe(200);
    expect(answer.header('X-Evil')).toEqual([]);
    expect(answer.header('X-Auth-Roles')).toEqual(['a%2Cadmin,x%0D%0Ay,%250d%250a']);
    expect(answer.header('X-Auth-Groups')).toEqual(['%C3%A9']);
    expect(decodeURIComponent(answer.header('X-Auth-Name')[0] ?? '')).toBe(name);
    for (const [, text] of answer.fields) expect(text).toMatch(/^[\x20-\x7e]*$/);
    expect(await ask('/admin', `X-API-Key: ${theirs}`)).toBe('403 role-missing');
  });
});
