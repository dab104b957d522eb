import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { configurationOf, directoryWith, load, problems, problemsOf } from './loading.ts';

describe('loadConfiguration', () => {
  it('loads the documented example', async () => {
    const directory = directoryWith({ 'gatelodge.yaml': EXAMPLE });
    const loaded = await loadConfiguration({
      file: join(directory, 'gatelodge.yaml'),
      env: { GATELODGE_SECRET: 'x'.repeat(32) },
    });
    expect(problemsOf(loaded)).toEqual(['warning weak-secret 22:32 auth_plugins.mobile.secret']);
    const { configuration } = loaded;
    expect(configuration?.secret).toBe('x'.repeat(32));
    expect(configuration?.session).toEqual({ idle: 3_600_000, lifetime: 43_200_000, remember: 2_592_000_000 });
    expect(configuration?.data_dir).toBe(join(directory, 'data'));
    expect(configuration?.paths[2]?.rate_limit).toEqual({ requests: 60, per: 60_000, burst: 10 });
    expect(loaded.plugins.map((plugin) => plugin.type)).toEqual(['session', 'basic', 'token', 'apikey', 'jwt']);
  });

  it('loads python-auth-proxy’s complete example with nothing but its warnings', async () => {
    const file = new URL('../fixtures/python-auth-proxy.yaml', import.meta.url).pathname;
    const loaded = await loadConfiguration({ file, env: {} });
    expect(problemsOf(loaded)).toEqual([
      'warning ignored-key 6:1 backend',
      'warning not-in-this-version 12:3 auth_plugins.oidc',
      'warning weak-secret 33:13 auth_plugins.web-jwt.secret',
      'warning weak-secret 39:13 auth_plugins.mobile-jwt.secret',
    ]);
    expect(loaded.configuration?.paths).toHaveLength(10);
    expect(loaded.configuration?.paths[8]).toMatchObject({ path: '/health', authenticate: false, regex: false });
    expect(loaded.plugins.find((plugin) => plugin.instance === 'web-jwt')?.options).toMatchObject({
      algorithms: ['HS256'],
    });
  });

  it.each(['', '# nothing\n', '---\n', 'null\n', '\ufeff'])('takes %j for all defaults', async (text) => {
    const loaded = await load(text);
    expect(loaded.problems).toEqual([]);
    expect(loaded.configuration?.listen).toEqual([{ host: '127.0.0.1', port: 9190, serves: ['decisions', 'public'] }]);
    expect(loaded.configuration?.data_dir).toBe('/nowhere/data');
    expect(loaded.plugins.map((plugin) => plugin.instance)).toEqual(['session', 'token', 'apikey']);
  });

  it('freezes everything it returns', async () => {
    const loaded = await load('users: [{username: bob, roles: [a]}]\nauth_plugins: {basic: {users: {a: b}}}\n');
    expect(() => Object.assign(loaded.configuration?.users[0]?.roles ?? {}, { 0: 'admin' })).toThrow(TypeError);
    expect(() => Object.assign(loaded.plugins[0] ?? {}, { type: 'token' })).toThrow(TypeError);
  });

  it('holds the options of plugins in one place only', async () => {
    const configuration = await configurationOf('auth_plugins: {a: {type: basic, users: {bob: hunter2}}}');
    expect(configuration.auth_plugins).toEqual({ a: { type: 'basic' } });
  });

  it('says that a file cannot be read', async () => {
    const loaded = await loadConfiguration({ file: '/nowhere/gatelodge.yaml', env: {} });
    expect(loaded.configuration).toBeNull();
    expect(loaded.problems.map(formatProblem)).toEqual([
      '/nowhere/gatelodge.yaml:1:1: the file cannot be read: there is no such file or directory (ENOENT): gatelodge init makes one, -c names another',
    ]);
  });

  it('refuses what is not UTF-8', async () => {
    const directory = directoryWith({});
    const file = join(directory, 'gatelodge.yaml');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(file, Buffer.from([0x23, 0xff, 0xfe, 0x0a]));
    expect(problemsOf(await loadConfiguration({ file, env: {} }))).toEqual(['unreadable-file 1:1']);
  });

  it('reports the problems of all kinds at once, each at its place', async () => {
    const text = readFileSync(new URL('../fixtures/broken.yaml', import.meta.url), 'utf8');
    const expected = text
      .split('\n')
      .flatMap((line, index) =>
        [...line.matchAll(/!(\S+)@(\d+)/g)].map((match) => `${match[1]} ${index + 1}:${match[2]}`),
      );
    const found = (await problems(text)).map((problem) =>
      problem
        .replace(/^warning /, '')
        .split(' ')
        .slice(0, 2)
        .join(' '),
    );
    expect(expected.length).toBeGreaterThan(25);
    expect(found.toSorted()).toEqual(expected.toSorted());
  });

  it('sorts problems by place and formats them as commands print them', async () => {
    const loaded = await load('paths:\n  - {path: /a, rolse: [x]}\nlisten: {port: x}\n');
    expect(loaded.problems.map(formatProblem)).toEqual([
      '/nowhere/gatelodge.yaml:2:16: paths[0].rolse: unknown key: did you mean roles?',
      '/nowhere/gatelodge.yaml:3:16: listen.port: expected a number',
    ]);
  });

  it.each([
    ['listen: {socket: a, port: 9190}', 'listen.port: cannot stand here together with socket'],
    ['listen: {port: 9190, socket_chmod: "660"}', 'listen.socket_chmod: cannot stand here together with port'],
    ['paths: [{authenticate: }]', 'paths[0].authenticate: expected true or false, or optional, and there is nothing'],
    [
      'users: [{username: a, networks: []}]',
      'users[0].networks: an empty list would let nobody in from anywhere: leave it out, or name a network',
    ],
  ])('says of %s what is wrong in words that help', async (text, expected) => {
    const loaded = await load(text);
    expect(loaded.problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([expected]);
  });

  it('says once what is wrong with the syntax at one place', async () => {
    const messages = (await load('{'.repeat(50))).problems.map(({ message }) => message);
    expect(messages).not.toEqual([]);
    expect(messages).toEqual([...new Set(messages)]);
    expect(await problems('["\n')).toEqual(['yaml-syntax 2:1']);
  });

  it.each([
    [
      'allowed_redirects: ["bad", "https://a.example:99999"]',
      'invalid-value 1:21 allowed_redirects[0]',
      'invalid-value 1:28 allowed_redirects[1]',
    ],
    [
      'trusted_proxies: [nope, 0.0.0.0/0]',
      'invalid-value 1:19 trusted_proxies[0]',
      'warning trusts-everybody 1:25 trusted_proxies[1]',
    ],
    [
      'paths: [x, {path: /a, plugins: ["", "", nope]}]',
      'wrong-type 1:9 paths[0]',
      'invalid-value 1:33 paths[1].plugins[0]',
      'invalid-value 1:37 paths[1].plugins[1]',
      'unknown-plugin 1:41 paths[1].plugins[2]',
    ],
    [
      'paths: [{path: /a, methods: [5, get]}]',
      'wrong-type 1:30 paths[0].methods[0]',
      'invalid-value 1:33 paths[0].methods[1]',
    ],
    [
      'paths: [{path: /a, roles: [""], deny: true}, {path: /b, deny: true, mode: any}]',
      'contradictory-rule 1:20 paths[0].roles',
      'invalid-value 1:28 paths[0].roles[0]',
      'contradictory-rule 1:69 paths[1].mode',
    ],
  ])('counts list items as the file does behind one that is wrong: %s', async (text, ...expected) => {
    expect(await problems(text)).toEqual(expected);
  });

  it('puts the policy’s findings at the rule of the file, also where broken rules stand before it', async () => {
    const text = 'paths:\n  - {path: "no-slash"}\n  - {path: /a}\n  - {path: /a/b}\n';
    const loaded = await load(text);
    expect(problemsOf(loaded)).toEqual(['invalid-value 2:12 paths[0].path', 'unreachable-rule 4:5 paths[2]']);
    expect(loaded.problems[1]?.message).toContain('rule 2');
  });

  it('asks the given policy check with the rules that are sound', async () => {
    const loaded = await load('paths:\n  - {path: x}\n  - {path: /a}\n', {
      checkPolicy: ({ paths }) => [{ rule: paths.length, code: 'invalid-value', message: 'odd', key: 'path' }],
    });
    expect(problemsOf(loaded)).toContain('invalid-value 3:12 paths[1].path');
  });

  it('loads ten thousand rules in seconds', async () => {
    const rules = Array.from({ length: 10_000 }, (_, index) => `  - {path: /p${index}, roles: [r${index}]}\n`);
    const configuration = await configurationOf(`paths:\n${rules.join('')}`);
    expect(configuration.paths).toHaveLength(10_000);
  }, 20_000);
});

const EXAMPLE = `listen: {host: 127.0.0.1, port: 9190}
public_url: https://auth.example.com
front_server: auto
trusted_proxies: [127.0.0.0/8, "::1/128"]
secret: \${GATELODGE_SECRET}
data_dir: ./data
storage: sqlite
redis: null
workers: 1

cookie: {name: gatelodge, domain: null, same_site: lax, secure: auto}
session: {idle: 1h, lifetime: 12h, remember: 30d}
allowed_redirects: ["https://*.example.com"]

users:
  - {username: admin, password: admin123, email: admin@example.com, roles: [admin]}
auth_plugins:
  session: {}
  basic:   {realm: Restricted}
  token:   {}
  apikey:  {}
  mobile:  {type: jwt, secret: short, algorithm: HS256, audience: mobile-app}
auth:
  default_plugins: [session, token, apikey]
  default_mode: any
  default_behavior: authenticated

paths:
  - {path: /health, authenticate: false}
  - {path: "^/api/v1/admin/.*$", regex: true, plugins: [basic, token], roles: [admin]}
  - {host: "*.example.com", path: /reports, methods: [GET], users: [alice], networks: [10.0.0.0/8], rate_limit: {requests: 60, per: 1m, burst: 10}}
login_limits: {account: {attempts: 10, window: 10m, lock: 10m}, address: {attempts: 100, window: 10m}}
tests:
  - {request: GET https://app.example.com/health, expect: allow}
  - {request: GET https://app.example.com/api/v1/admin/x, as: {roles: [user]}, expect: deny}
`;
