import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Explanation } from '../../src/flows/explain.ts';
import { type Place, place, run } from './run-command.ts';

const FIXTURE = 'test/fixtures/python-auth-proxy.yaml';

const POLICY = `
public_url: https://auth.example.com/gate
data_dir: ./data
users:
  - {username: alice, roles: [admin], groups: [staff]}
  - {username: mallory, roles: [admin], locked: true}
auth: {default_plugins: [session, apikey], default_behavior: deny}
auth_plugins: {session: {}, basic: {}, apikey: {}}
paths:
  - {host: app.example.com, path: /inside, networks: [10.0.0.0/8]}
  - {path: /admin, roles: [admin], max_age: 15m, rate_limit: {requests: 60, per: 1m}}
  - {path: /staff, groups: [staff], plugins: [basic, apikey], mode: all}
  - {path: /jobs, scopes: [jobs]}
  - {path: /gone, deny: true}
  - {path: /maybe, authenticate: optional}
  - {path: /straße, authenticate: false}
  - {path: /post, methods: [POST], authenticate: false}
`;

async function explained(at: Place, ...args: string[]): Promise<Explanation> {
  const { code, out } = await at.run(['explain', '--json', ...args]);
  expect(code).toBe(0);
  return JSON.parse(out) as Explanation;
}

it('says that the directory does not have somebody, whose name may be mistyped', async () => {
  const at = place(POLICY);
  const words = async (...args: string[]) => (await at.run(['explain', ...args, 'https://app.example.com/maybe'])).out;
  expect(await words('--user', 'alcie')).toContain('\nHint: the directory has no user alcie\nIdentity: alcie (');
  expect(await words('--user', 'alice')).not.toContain('Hint');
  expect(await words('--roles', 'admin')).not.toContain('Hint');
});

describe('in the words of python-auth-proxy', () => {
  it('shows the rule that decides, its number, pattern, plugins, mode and everything it says', async () => {
    const { code, out } = await run(['explain', '-c', FIXTURE, '/api/v1/users']);
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      'Path: /api/v1/users',
      'Matching rule #3: ^/api/v1/.*$',
      'Authentication required: True',
      'Authentication plugins: oidc, user-basic',
      'Authentication mode: any',
      'Decision: challenge (401)',
      'Reason: no-credentials',
      '',
      'Full matching rule:',
      '  path: ^/api/v1/.*$',
      '  regex: true',
      '  authenticate: true',
      '  plugins:',
      '    - oidc',
      '    - user-basic',
      '  mode: any',
      '  deny: false',
      '',
    ]);
  });

  it('shows a plugin’s own path as such', async () => {
    const { out } = await run(['explain', '-c', FIXTURE, '/auth/oidc/callback']);
    expect(out).toContain(
      'Matching plugin path: /auth/oidc/callback\nPlugin: oidc\nDescription: OpenID Connect callback of oidc\nAuthentication required: False\n',
    );
    expect(out).not.toContain('Matching rule');
  });

  it.each([
    ['/healthz-admin', 'Matching rule: none (default_behavior: authenticated)'],
    ['/health/../secure/x', 'Matching rule: undecidable'],
    ['/health/live?full=1', 'Matching rule #9: /health'],
    ['/api/v1/admin/x', 'Matching rule #2: ^/api/v1/admin/.*$'],
    ['/API/v1/x', 'Matching rule: none (default_behavior: authenticated)'],
  ])('%s: %s', async (path, line) => {
    expect((await run(['explain', '-c', FIXTURE, path])).out).toContain(`\n${line}\n`);
  });
});

describe('as JSON', () => {
  it.each([
    ['nobody is asked to log in', [], '/admin', 'challenge', 'no-credentials', 2],
    ['a directory user has the directory’s roles', ['--user', 'alice'], '/admin', 'allow', null, 2],
    ['--roles takes their place', ['--user', 'alice', '--roles', 'x,y'], '/admin', 'deny', 'role-missing', 2],
    ['somebody without a name', ['--roles', 'y,admin'], '/admin', 'allow', null, 2],
    ['a user of no directory has no roles', ['--user', 'zoe'], '/admin', 'deny', 'role-missing', 2],
    [
      'a locked one stays locked, whatever roles',
      ['--user', 'mallory', '--roles', 'admin'],
      '/admin',
      'challenge',
      'user-locked',
      2,
    ],
    ['groups of the directory', ['--user', 'alice'], '/staff', 'allow', null, 3],
    ['--groups in their place', ['--user', 'alice', '--groups', 'x'], '/staff', 'deny', 'role-missing', 3],
    ['a session is not restricted by scopes', ['--user', 'alice'], '/jobs', 'allow', null, 4],
    ['a credential with scopes is', ['--user', 'alice', '--scopes', 'read'], '/jobs', 'deny', 'scope-missing', 4],
    ['deny', ['--user', 'alice'], '/gone/x', 'deny', 'deny-rule', 5],
    ['optional', [], '/maybe', 'allow', null, 6],
    ['a text in other letters, encoded as a client would', [], '/straße/a b', 'allow', null, 7],
    ['the same, encoded by hand', [], '/stra%C3%9Fe', 'allow', null, 7],
    ['another method', [], '/post', 'deny', 'no-rule', null],
    ['--method', ['--method', 'POST'], '/post', 'allow', null, 8],
    ['methods are case-sensitive', ['--method', 'post'], '/post', 'deny', 'no-rule', null],
    ['inside, without an address', [], 'https://app.example.com/inside', 'deny', 'malformed-request', 1],
    ['inside, from elsewhere', ['--ip', '192.0.2.1'], 'https://app.example.com/inside', 'deny', 'no-rule', null],
    ['inside, from inside', ['--ip', '10.1.2.3'], 'https://app.example.com/inside', 'challenge', 'no-credentials', 1],
    ['two readings', [], '/maybe/..;/admin', 'deny', 'ambiguous-path', null],
    ['a path that cannot be read', [], '/maybe%zz', 'deny', 'malformed-request', null],
    ['the login page', [], '/gate/login?rd=x', 'allow', null, null],
    ['the login page of another host', [], 'https://app.example.com/gate/login', 'deny', 'no-rule', null],
  ])('%s', async (_what, args, url, decision, reason, rule) => {
    const explanation = await explained(place(POLICY), ...args, url);
    expect({ decision: explanation.decision, reason: explanation.reason, rule: explanation.rule }).toEqual({
      decision,
      reason,
      rule,
    });
  });

  it('holds everything that the rule says, durations as they are written', async () => {
    const at = place(POLICY);
    expect(await explained(at, '--user', 'alice', '/admin/%41')).toEqual({
      ...{ decision: 'allow', reason: null, status: 200, rule: 2, pattern: '/admin', required: true },
      ...{ plugins: ['session', 'apikey'], mode: 'any', path: '/admin/A' },
      ...{ plugin_path: null, plugin: null, description: null, default_behavior: 'deny' },
      identity: { username: 'alice', roles: ['admin'], groups: ['staff'], scopes: null },
      full_rule: {
        ...{ path: '/admin', regex: false, authenticate: true, deny: false, roles: ['admin'], max_age: '15m' },
        rate_limit: { requests: 60, per: '1m' },
      },
    });
    expect(await explained(at, '/staff')).toMatchObject({
      plugins: ['basic', 'apikey'],
      mode: 'all',
      status: 401,
      identity: null,
    });
    expect(await explained(at, '/gone')).toMatchObject({ required: false, plugins: [], status: 403 });
    expect(await explained(at, '/gate/login')).toMatchObject({
      plugin_path: '/gate/login',
      plugin: 'session',
      required: false,
      full_rule: null,
    });
  });
});

it('knows where users may come from', async () => {
  const at = place('users: [{username: alice, networks: [10.0.0.0/8]}]\npaths: [{path: /x}]\n');
  expect(await explained(at, '--user', 'alice', '--ip', '10.1.2.3', '/x')).toMatchObject({ decision: 'allow' });
  for (const from of [['--ip', '192.0.2.1'], []])
    expect(await explained(at, '--user', 'alice', ...from, '/x')).toMatchObject({ reason: 'user-not-allowed' });
});

it('knows users and locks of the database, and leaves no trace there', async () => {
  const at = place(POLICY);
  await at.run(['users', 'add', 'bob', '--role', 'admin', '--generate']);
  await at.run(['users', 'lock', 'alice']);
  const before = readdirSync(join(at.directory, 'data')).map((name) => [
    name,
    readFileSync(join(at.directory, 'data', name)),
  ]);
  expect(await explained(at, '--user', 'bob', '/admin')).toMatchObject({
    decision: 'allow',
    identity: { roles: ['admin'] },
  });
  expect(await explained(at, '--user', 'alice', '/admin')).toMatchObject({ reason: 'user-locked' });
  expect(await explained(at, '--user', 'zoe', '/admin')).toMatchObject({ reason: 'role-missing' });
  const after = readdirSync(join(at.directory, 'data')).map((name) => [
    name,
    readFileSync(join(at.directory, 'data', name)),
  ]);
  expect(after).toEqual(before);
});

it('makes no data directory and changes no file', async () => {
  const yaml = `${POLICY}\n# a plain password stays until the start\n`.replace(
    '{username: alice,',
    '{username: alice, password: secret-secret,',
  );
  const at = place(yaml);
  await explained(at, '--user', 'alice', '/admin');
  await at.run(['check']);
  expect(existsSync(join(at.directory, 'data'))).toBe(false);
  expect(at.read('gatelodge.yaml')).toBe(yaml);
});

it('lets nobody in by a rule that has no plugin to ask', async () => {
  const at = place('auth: {default_plugins: []}\npaths: [{path: /a}]\n');
  expect(await explained(at, '--user', 'alice', '/a')).toMatchObject({
    decision: 'challenge',
    reason: 'no-credentials',
    plugins: [],
  });
});

it('says what is missing where a rule asks for the address', async () => {
  const { out } = await place(POLICY).run(['explain', 'https://app.example.com/inside']);
  expect(out).toContain("Hint: rule 1 looks at the client's address; say it with --ip\n");
});

it.each([
  'api/v1',
  'ftp://example.com/',
  'https://user@example.com/',
  'https://',
  'https://exa mple/',
  'http://x:0/',
  '/a\nb',
  '',
])('refuses %j, which no front server could ask about', async (url) => {
  const { code, out, err } = await run(['explain', '-c', FIXTURE, url]);
  expect(code).toBe(2);
  expect(out).toBe('');
  expect(err).toContain('Usage: gatelodge explain');
  // It may hold a password.
  expect(err).not.toContain('user@');
});

it.each([[], ['/a', '/b'], ['--ip', 'nowhere', '/a'], ['--nonsense', '/a'], ['--method', 'G T', '/a']])(
  'refuses wrong words: %j',
  async (...args) => {
    expect((await run(['explain', '-c', FIXTURE, ...args])).code).toBe(2);
  },
);
