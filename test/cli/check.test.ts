import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { place, run } from './run-command.ts';

it('reports every problem of a broken configuration with its place', async () => {
  const file = 'test/fixtures/broken.yaml';
  const { code, out } = await run(['check', '-c', file, '--json']);
  expect(code).toBe(1);
  const problems = JSON.parse(out) as { line: number; column: number; code: string }[];
  const expected = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((text, index) =>
      [...text.matchAll(/!([a-z-]+)@(\d+)/g)].map(([, name, column]) => `${name} ${index + 1}:${column}`),
    );
  const found = problems.map((problem) => `${problem.code} ${problem.line}:${problem.column}`);
  expect(found.filter((one) => expected.includes(one)).sort()).toEqual(expected.sort());
  expect(Object.keys(problems[0] ?? {}).sort()).toEqual([
    'code',
    'column',
    'file',
    'line',
    'message',
    'path',
    'severity',
  ]);
});

it('prints one line for each problem', async () => {
  const at = place('paths:\n  - {path: /a, rolls: [x]}\n');
  expect(await at.run(['check'])).toEqual({
    code: 1,
    out: `${at.file}:2:16: paths[0].rolls: unknown key: did you mean roles?\n`,
    err: '',
  });
});

it('is content with a sound one, and says what it looked at', async () => {
  const at = place('paths: [{path: /a}]\n');
  expect(await at.run(['check'])).toEqual({ code: 0, out: `${at.file}: 1 rule, 0 tests, no problems\n`, err: '' });
  expect((await at.run(['check', '--json'])).out).toBe('[]\n');
});

it('lets warnings pass', async () => {
  const at = place('backend: {host: x}\n');
  const { code, out } = await at.run(['check']);
  expect(code).toBe(0);
  expect(out).toContain('1:1: backend: warning: ');
  expect(out).toContain(': 0 rules, 0 tests, 1 warning\n');
});

it('does not take a missing file for an empty one', async () => {
  const { code, out } = await run(['check', '-c', '/nowhere/gatelodge.yaml']);
  expect(code).toBe(1);
  expect(out).toContain(
    '/nowhere/gatelodge.yaml:1:1: the file cannot be read: there is no such file or directory (ENOENT)',
  );
});

const TESTED = `
users: [{username: alice, roles: [admin]}]
auth: {default_behavior: deny}
paths:
  - {path: /open, authenticate: false}
  - {path: /admin, roles: [admin]}
  - {path: /inside, networks: [10.0.0.0/8], authenticate: false}
  - {path: /beta, headers: {X-Beta: "1"}, authenticate: false}
  - {path: /few, rate_limit: {requests: 2, per: 1m}}
tests:
`;

it('runs tests by the live code', async () => {
  const tests = [
    'request: GET https://x.example/open/a, expect: allow',
    'request: GET https://x.example/opened, expect: deny, reason: no-rule',
    'request: GET https://x.example/admin, expect: challenge, reason: no-credentials',
    'request: GET https://x.example/admin, as: {user: alice}, expect: allow',
    'request: GET https://x.example/admin, as: {user: alice, roles: []}, expect: deny, reason: role-missing',
    'request: GET https://x.example/inside, ip: 10.1.1.1, expect: allow',
    'request: GET https://x.example/inside, ip: 11.1.1.1, expect: deny',
    'request: GET https://x.example/beta, headers: {X-Beta: "1"}, expect: allow',
    'request: GET https://x.example/beta, expect: deny',
    'request: GET https://x.example/few, as: {user: bob}, expect: allow',
    'request: GET https://x.example/few, as: {user: bob}, expect: allow',
    'request: GET https://x.example/few, as: {user: bob}, expect: limited',
    'request: GET https://x.example/few, as: {user: eve}, expect: allow',
    'request: GET http://127.0.0.1:9190/login, expect: allow',
  ];
  const at = place(TESTED + tests.map((test) => `  - {${test}}\n`).join(''));
  expect(await at.run(['check'])).toEqual({ code: 0, out: `${at.file}: 5 rules, 14 tests, no problems\n`, err: '' });
});

it.each([
  ['request: GET https://x.example/open, expect: deny', 'expected deny, got allow by rule 1'],
  [
    'request: GET https://x.example/admin, as: {user: bob}, expect: allow',
    'expected allow, got deny (role-missing) by rule 2',
  ],
  [
    'request: GET https://x.example/admin, expect: challenge, reason: session-expired',
    'expected challenge (session-expired), got challenge (no-credentials) by rule 2',
  ],
  ['request: GET https://x.example/other, expect: allow', 'expected allow, got deny (no-rule) by no rule'],
  ['request: GET http://127.0.0.1:9190/login, expect: deny', 'expected deny, got allow by one of its own paths'],
  ['request: GET https://x_y:0/open, expect: allow', 'no URL that a front server could ask about'],
])('reports a test that comes out differently: %s', async (test, message) => {
  const at = place(`${TESTED}  - {request: GET https://x.example/open, expect: allow}\n  - {${test}}\n`);
  expect(await at.run(['check'])).toEqual({ code: 1, out: `${at.file}:12:5: tests[1]: ${message}\n`, err: '' });
  expect(JSON.parse((await at.run(['check', '--json'])).out)).toMatchObject([
    { code: 'test-failed', line: 12, path: 'tests[1]' },
  ]);
});

it('reports a plugin that cannot be made, and nothing that its options hold', async () => {
  const module = `
    const options = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
    export default { type: 'mine', description: 'm', options, create({ key }) { throw new RangeError('bad key ' + key); } };`;
  const at = place('auth_plugins:\n  mine: {module: ./mine.mjs, key: hunter2hunter2}\n', { 'mine.mjs': module });
  const { code, out, err } = await at.run(['check', '--json']);
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject([{ code: 'plugin-failed', line: 2, column: 3, path: 'auth_plugins.mine' }]);
  const explained = await at.run(['explain', '/']);
  expect(explained.code).toBe(1);
  expect(explained.err).toContain('(plugin-failed)');
  expect(out + err + explained.err).not.toContain('hunter2');
});
