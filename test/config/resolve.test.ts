import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { configurationOf, directoryWith, load, problems, problemsOf } from './loading.ts';

const REFERENCE = '$' + '{';

describe('the environment', () => {
  it.each([
    [`${REFERENCE}X}`, 'value'],
    [`${REFERENCE}X:-other}`, 'value'],
    [`${REFERENCE}EMPTY:-other}`, 'other'],
    [`${REFERENCE}NONE:-a:b-c}`, 'a:b-c'],
    [`${REFERENCE}NONE:-$5}$`, '$5$'],
    [`${REFERENCE}X}/${REFERENCE}X}`, 'value/value'],
    [`a$${REFERENCE}X}`, `a${REFERENCE}X}`],
    [`${REFERENCE}SNEAKY}`, `${REFERENCE}X}`],
    [`${REFERENCE}YAML}`, '[admin]'],
  ])('fills %s in', async (source, expected) => {
    const configuration = await configurationOf(`identity_jwt: {roles_claim: "${source}"}`, {
      env: { X: 'value', EMPTY: '', SNEAKY: `${REFERENCE}X}`, YAML: '[admin]' },
    });
    expect(configuration.identity_jwt.roles_claim).toBe(expected);
  });

  it('turns a text into the number or boolean that is wanted, and only there', async () => {
    const configuration = await configurationOf(
      `listen:\n  port: ${REFERENCE}PORT}\ncookie: {secure: "${REFERENCE}SECURE}"}\nworkers: ${REFERENCE}AUTO}\nlog:\n  pretty: ${REFERENCE}SECURE}\nusers:\n  - username: bob\n    password: ${REFERENCE}PORT}\n`,
      { env: { PORT: '8080', SECURE: 'true', AUTO: 'auto' } },
    );
    expect(configuration.listen).toMatchObject([{ port: 8080 }]);
    expect(configuration.cookie.secure).toBe(true);
    expect(configuration.workers).toBe('auto');
    expect(configuration.log.pretty).toBe(true);
    expect(configuration.users[0]?.password).toBe('8080');
  });

  it('does not take yes for a boolean from there either', async () => {
    expect(await problems(`cookie:\n  secure: ${REFERENCE}X}\n`, { env: { X: 'yes' } })).toEqual([
      'invalid-value 2:11 cookie.secure',
    ]);
  });

  it('refuses a reference inside a default rather than taking half of it for a text', async () => {
    const text = `identity_jwt: {roles_claim: "${REFERENCE}NONE:-${REFERENCE}X}}"}`;
    expect(await problems(text, { env: { X: 'value' } })).toEqual(['invalid-value 1:29 identity_jwt.roles_claim']);
  });

  it('reports a missing variable once, and a broken reference', async () => {
    const text = `secret: ${REFERENCE}A}\nstorage: ${REFERENCE}}\nusers:\n  - username: ${REFERENCE}B}\nlog: {level: "${REFERENCE}c"}\nauth_plugins: {jwt: {secret: "${REFERENCE}C}", algorithm: HS256}}\n`;
    expect(await problems(text)).toEqual([
      'missing-variable 1:9 secret',
      'invalid-value 2:10 storage',
      'missing-variable 4:15 users[0].username',
      'invalid-value 5:14 log.level',
      'missing-variable 6:30 auth_plugins.jwt.secret',
    ]);
  });

  it('leaves keys alone and does not look into the prototype of the environment', async () => {
    expect(await problems(`"${REFERENCE}A}": 1\nsecret: ${REFERENCE}constructor}\n`, { env: { A: 'secret' } })).toEqual(
      [`unknown-key 1:1 "${REFERENCE}A}"`, 'missing-variable 2:9 secret'],
    );
  });
});

describe('k_file', () => {
  it('reads texts at every level, without the trailing newline', async () => {
    const directory = directoryWith({
      secret: `${'s'.repeat(32)}\n`,
      password: 'pass\r\n',
      key: `${'k'.repeat(40)}\n\n`,
      path: '/from-file',
      'gatelodge.yaml':
        'secret_file: secret\nusers:\n  - {username: bob, password_file: ./password}\nauth_plugins:\n  jwt: {secret_file: key}\npaths:\n  - {path_file: path}\n',
    });
    const loaded = await loadConfiguration({ file: join(directory, 'gatelodge.yaml'), env: {} });
    expect(problemsOf(loaded)).toEqual([]);
    expect(loaded.configuration?.secret).toBe('s'.repeat(32));
    expect(loaded.configuration?.users[0]?.password).toBe('pass');
    expect(loaded.configuration?.paths[0]?.path).toBe('/from-file');
    expect(loaded.plugins[0]?.options).toMatchObject({ secret: `${'k'.repeat(40)}\n` });
  });

  it('is refused beside its key in either order, at the second place', async () => {
    const secret = 's'.repeat(32);
    expect(await problems(`secret: ${secret}\nsecret_file: none\n`)).toEqual(['duplicate-key 2:1 secret_file']);
    expect(await problems(`secret_file: none\nsecret: ${secret}\n`)).toEqual([
      'unreadable-file 1:1 secret',
      'duplicate-key 2:1 secret',
    ]);
  });

  it('names users, headers, query parameters and instances as they stand', async () => {
    const loaded = await load(
      'auth_plugins: {a_file: {type: basic, users: {bob_file: x}}}\npaths: [{path: /a, query: {q_file: x}, headers: {X-F: y}}]\n',
    );
    expect(problemsOf(loaded)).toEqual([]);
    expect(loaded.configuration?.paths[0]?.query).toEqual({ q_file: 'x' });
    expect(loaded.plugins[0]).toMatchObject({ instance: 'a_file', options: { users: { bob_file: 'x' } } });
  });

  it('refuses what is not there, not a text, given twice, or a path already', async () => {
    const directory = directoryWith({ 'big.txt': 'x'.repeat(1024 * 1024 + 1) });
    const text =
      'secret_file: none\npublic_url_file: 5\nstorage: sqlite\nstorage_file: none\ndata_dir_file: none\nlisten: {port_file: none, host_file: .}\nidentity_jwt: {issuer_file: big.txt}\n';
    const loaded = await loadConfiguration({ file: join(directory, 'gatelodge.yaml'), env: {}, text });
    expect(problemsOf(loaded)).toEqual([
      'unreadable-file 1:1 secret',
      'wrong-type 2:18 public_url',
      'duplicate-key 4:1 storage_file',
      'unknown-key 5:1 data_dir_file',
      'unknown-key 6:10 listen.port_file',
      'unreadable-file 6:27 listen.host',
      'unreadable-file 7:16 identity_jwt.issuer',
    ]);
  });
});

describe('hostile input', () => {
  it.each([
    ['lists', '['.repeat(1_000_000)],
    ['maps', '{a: '.repeat(250_000)],
    ['dashes', '- '.repeat(500_000)],
    ['question marks', '? '.repeat(500_000)],
    ['lines', Array.from({ length: 1_400 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('')],
  ])('refuses a megabyte of nested %s at once', async (_, text) => {
    const start = performance.now();
    expect((await load(text)).problems).toMatchObject([{ code: 'yaml-syntax' }]);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it('refuses aliases that multiply', async () => {
    const levels = Array.from(
      { length: 9 },
      (_, level) => `  l${level + 1}: &l${level + 1} [${`*l${level}, `.repeat(9)}]\n`,
    );
    expect(await problems(`backend:\n  l0: &l0 [x]\n${levels.join('')}`)).toContainEqual(
      expect.stringMatching(/^yaml-alias-bomb 6:\d+ backend\.l4/),
    );
  });

  it('refuses aliases that contain themselves or stand for nothing', async () => {
    expect(await problems('backend: &a [*a]\n')).toContain('yaml-alias-bomb 1:14 backend[0]');
    expect(await problems('backend: *nobody\n')).toContain('yaml-syntax 1:10 backend');
  });

  it('takes honest aliases, and the last anchor of a name', async () => {
    const text = 'backend: [&r [a], &r [b]]\npaths:\n  - {path: /a, roles: *r}\n  - {path: /b, roles: *r}\n';
    const configuration = await configurationOf(text);
    expect(configuration.paths.map((rule) => rule.roles)).toEqual([['b'], ['b']]);
  });

  it('refuses names of the prototype and does not stumble over others', async () => {
    expect(
      await problems(
        '__proto__: {secret: x}\nauth_plugins:\n  basic: {users: {__proto__: pw}}\n  constructor: {}\ntoString: 1\n',
      ),
    ).toEqual([
      'unknown-key 1:1 __proto__',
      'unknown-key 3:19 auth_plugins.basic.users.__proto__',
      'unknown-plugin-type 4:3 auth_plugins.constructor',
      'unknown-key 5:1 toString',
    ]);
    const loaded = await load('auth_plugins: {basic: {users: {constructor: pw, toString: pw}}}');
    expect(loaded.problems).toEqual([]);
  });

  it('finds duplicate keys however deep, spelled or placed', async () => {
    const text =
      'auth_plugins:\n  mine: {type: nope, a: {b: [{c: 1, "c": 2}]}}\npaths:\n  - path: /a\n    headers: {X-A: a, X-A: b}\nauth_plugins: {}\n';
    expect(await problems(text)).toEqual([
      'unknown-plugin-type 2:16 auth_plugins.mine.type',
      'duplicate-key 2:37 auth_plugins.mine.a.b[0].c',
      'duplicate-key 5:23 paths[0].headers.X-A',
      'duplicate-key 6:1 auth_plugins',
    ]);
  });

  it.each([
    ['a tab', 'listen:\n\tport: 1\n', 'yaml-syntax 2:1'],
    ['two documents', 'log: {}\n---\nlog: {}\n', 'yaml-syntax 2:1'],
    ['YAML 1.1', '%YAML 1.1\n---\ncookie: {secure: yes}\n', 'yaml-syntax 1:1'],
    ['a binary', 'secret: !!binary aGVsbG8=\n', 'yaml-syntax 1:18 secret'],
    ['a map for a key', '{{a: b}: c}\n', 'wrong-type 1:2'],
    ['a list', '- a\n', 'wrong-type 1:1'],
    ['a merge', 'backend: &b {}\n<<: *b\n', 'unknown-key 2:1 "<<"'],
  ])('refuses %s', async (_, text, expected) => {
    expect((await problems(text)).filter((problem) => !problem.startsWith('warning'))).toContain(expected);
  });

  it('reads CRLF and a byte order mark, with the same columns', async () => {
    expect(await problems('\ufefflisen: 1\r\nlog: {level: loud}\r\n')).toEqual([
      'unknown-key 1:1 lisen',
      'invalid-value 2:14 log.level',
    ]);
  });

  it('reads a NUL as part of a text', async () => {
    expect(await problems('users: [{username: "a\\0b"}]\n')).toEqual(['invalid-value 1:20 users[0].username']);
    expect((await load('log: \0\n')).configuration).toBeNull();
  });

  it('treats an empty section as not given, and an empty requirement as a mistake', async () => {
    expect(await problems('users:\npaths:\nauth_plugins:\n  basic:\n')).toEqual([]);
    expect(await problems('paths:\n  - path: /a\n    users:\nsecret:\n')).toEqual([
      'wrong-type 3:11 paths[0].users',
      'wrong-type 4:8 secret',
    ]);
  });

  it('never names a value, whatever is wrong with it', async () => {
    const text = `secret: hunter2\nusers:\n  - {username: "hunter2,", password: [hunter2], email: hunter2}\nlisten: hunter2\nlog: {level: hunter2, hunter2:hunter2x}\nfront_server: "${REFERENCE}X}"\nauth_plugins:\n  jwt: {secret: x, public_key: hunter2, algorithm: hunter2}\n  basic: {users: {a: "$1$hunter2"}, htpasswd: hunter2}\nworkers: hunter2\nhunter2: "\n`;
    const broken = await load(text, { env: { X: 'hunter2' } });
    expect(broken.problems.map(formatProblem).join('\n')).not.toContain('hunter2');
    const whole = await load(text.replace(/hunter2: "\n/, ''), { env: { X: 'hunter2' } });
    expect(whole.problems.length).toBeGreaterThan(10);
    expect(
      whole.problems.map(formatProblem).join('\n').replaceAll('log."hunter2"…', '').replaceAll('log.hunter2', ''),
    ).not.toContain('hunter2');
  });
});
