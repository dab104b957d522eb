import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type LoadedConfiguration, loadConfiguration } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { definePlugin } from '../../src/plugins/plugin-api.ts';
import { directoryWith, load, problems, problemsOf } from './loading.ts';

/** A plugin's module that needs no package: its schema takes a number and refuses everything else, quoting it. */
const MODULE = `export default {
  type: 'mine',
  description: 'for tests',
  optionDescriptions: { keep_file: 'a path of its own' },
  options: { '~standard': { version: 1, vendor: 'test', validate(options) {
    if (options.explode) throw new Error('boom');
    if (typeof options.size !== 'number') {
      return { issues: [{ message: 'not a number: ' + options.size, path: [{ key: 'size' }] }, { message: 'size must be a number', path: ['size'] }] };
    }
    return { value: { ...options, checked: true } };
  } } },
  create() { throw new Error('not here'); },
};
`;

async function loadModule(
  text: string,
  files: Readonly<Record<string, string>> = {},
  env = {},
): Promise<LoadedConfiguration> {
  const directory = directoryWith({ 'mine.mjs': MODULE, 'gatelodge.yaml': text, ...files });
  return loadConfiguration({ file: join(directory, 'gatelodge.yaml'), env });
}

describe('plugin instances', () => {
  it('take their type from their name, or from type, and keep the file’s order', async () => {
    const loaded = await load('auth_plugins:\n  token:\n  2: {type: apikey}\n  1: {type: session}\n  basic: {}\n');
    expect(loaded.problems).toEqual([]);
    expect(loaded.plugins.map(({ instance, type }) => [instance, type])).toEqual([
      ['token', 'token'],
      ['2', 'apikey'],
      ['1', 'session'],
      ['basic', 'basic'],
    ]);
    expect(loaded.plugins[3]).toMatchObject({ definition: null, options: { realm: 'Restricted', remember: 60_000 } });
  });

  it('report unknown types with a near name, and what is no map', async () => {
    const loaded = await load(
      'auth_plugins:\n  basick: {}\n  a: {type: jwtt}\n  b: {type: ldap}\n  c: {type: [x]}\n  basic: true\n',
    );
    expect(problemsOf(loaded)).toEqual([
      'unknown-plugin-type 2:3 auth_plugins.basick',
      'unknown-plugin-type 3:13 auth_plugins.a.type',
      'unknown-plugin-type 4:13 auth_plugins.b.type',
      'wrong-type 5:13 auth_plugins.c.type',
      'wrong-type 6:10 auth_plugins.basic',
    ]);
    expect(loaded.problems[0]?.message).toContain('did you mean basic?');
  });

  it('may be of a type that the caller brings', async () => {
    const definition = definePlugin({
      type: 'ours',
      description: '',
      options: z.strictObject({ token: z.string(), tries: z.int().default(3) }),
      create: () => ({ authenticate: () => ({ kind: 'not-responsible' }) }),
    });
    const directory = directoryWith({ token: 'abc\n' });
    const loaded = await loadConfiguration({
      file: join(directory, 'gatelodge.yaml'),
      env: { TRIES: '5' },
      text: 'auth_plugins: {a: {type: ours, token_file: token, tries: "$' + '{TRIES}"}}\n',
      pluginTypes: [definition],
    });
    expect(problemsOf(loaded)).toEqual([]);
    expect(loaded.plugins).toMatchObject([{ instance: 'a', type: 'ours', options: { token: 'abc', tries: 5 } }]);
    expect(loaded.plugins[0]?.definition).toBe(definition);
  });
});

describe('somebody else’s plugins', () => {
  it('come from a file beside the configuration, with files and variables in their options', async () => {
    const loaded = await loadModule(
      'auth_plugins:\n  a:\n    module: ./mine.mjs\n    size: $' +
        '{SIZE}\n    deep: {token_file: token}\n    keep_file: token\n',
      { token: 'secret\n' },
      { SIZE: '12' },
    );
    expect(problemsOf(loaded)).toEqual([]);
    expect(loaded.plugins).toMatchObject([
      {
        instance: 'a',
        type: 'mine',
        options: { size: 12, deep: { token: 'secret' }, keep_file: 'token', checked: true },
      },
    ]);
  });

  it('come from packages beside the configuration, also those made for import alone', async () => {
    const directory = directoryWith({
      'gatelodge.yaml':
        'auth_plugins: {a: {type: mine, module: gatelodge-plugin-a, size: 1}, b: {module: "@x/b", size: 2}}\n',
    });
    for (const [name, exports] of [
      ['gatelodge-plugin-a', './index.js'],
      ['@x/b', { '.': { types: './no.d.ts', import: './index.js' } }],
    ] as const) {
      const at = join(directory, 'node_modules', name);
      mkdirSync(at, { recursive: true });
      writeFileSync(join(at, 'package.json'), JSON.stringify({ name, type: 'module', exports }));
      writeFileSync(join(at, 'index.js'), MODULE);
    }
    const loaded = await loadConfiguration({ file: join(directory, 'gatelodge.yaml'), env: {} });
    expect(problemsOf(loaded)).toEqual([]);
    expect(loaded.plugins.map((plugin) => plugin.type)).toEqual(['mine', 'mine']);
  });

  it('are refused where they are missing, break, or are none', async () => {
    const loaded = await loadModule(
      `auth_plugins:
  a: {module: ./none.mjs}
  b: {module: gatelodge-plugin-nobody-has}
  c: {module: ./broken.mjs}
  d: {module: ./nonsense.mjs}
  e: {module: ./mine.mjs, type: other}
  f: {module: ./mine.mjs, explode: true}
  g: {module: ""}
`,
      {
        'broken.mjs': 'throw new Error("hunter2");',
        'nonsense.mjs': 'export default { type: "x", description: "", options: {}, create() {} };',
      },
    );
    expect(problemsOf(loaded)).toEqual([
      'plugin-failed 2:15 auth_plugins.a.module',
      'plugin-failed 3:15 auth_plugins.b.module',
      'plugin-failed 4:15 auth_plugins.c.module',
      'plugin-failed 5:15 auth_plugins.d.module',
      'unknown-plugin-type 6:33 auth_plugins.e.type',
      'plugin-failed 7:3 auth_plugins.f',
      'invalid-value 8:15 auth_plugins.g.module',
    ]);
    expect(loaded.problems.map(formatProblem).join()).not.toContain('hunter2');
  });

  it('report what their schemas refuse at its place, without the value', async () => {
    const loaded = await loadModule('auth_plugins:\n  a: {module: mine.mjs, size: hunter2}\n');
    expect(problemsOf(loaded)).toEqual([
      'invalid-value 2:31 auth_plugins.a.size',
      'invalid-value 2:31 auth_plugins.a.size',
    ]);
    expect(loaded.problems.map((problem) => problem.message)).toEqual([
      'the plugin does not accept this',
      'size must be a number',
    ]);
  });
});

describe('jwt', () => {
  const jwt = (options: string) => problems(`auth_plugins:\n  jwt: {${options}}\n`);
  const secret = `secret: ${'s'.repeat(64)}`;
  const pem = JSON.stringify(
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }),
  );
  const privatePem = JSON.stringify(
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
  );

  it.each([
    [secret, ['HS256']],
    [`${secret}, leeway: 0`, ['HS256']],
    [`${secret}, algorithms: [HS384, HS512]`, ['HS384', 'HS512']],
    [`public_key: ${pem}, algorithm: ES256`, ['ES256']],
    [`public_key: '{"kty":"EC"}', algorithm: ES256`, ['ES256']],
    ['jwks_url: https://issuer.example/jwks, algorithms: [RS256, ES256]', ['RS256', 'ES256']],
    ['jwks_url: "http://127.0.0.1:8080/jwks", algorithm: EdDSA', ['EdDSA']],
  ])('takes {%s}', async (options, algorithms) => {
    const loaded = await load(`auth_plugins:\n  jwt: {${options}}\n`);
    expect(problemsOf(loaded)).toEqual([]);
    expect(loaded.plugins[0]?.options).toMatchObject({ algorithms });
  });

  it.each([
    ['audience: x', 'missing-key 2:3 auth_plugins.jwt'],
    [`public_key: ${pem}`, 'missing-key 2:8 auth_plugins.jwt.algorithm'],
    [
      'jwks_url: https://issuer.example/jwks, algorithm: HS256',
      'contradictory-options 2:59 auth_plugins.jwt.algorithm',
    ],
    [
      'jwks_url: https://issuer.example/jwks, algorithms: [ES256, HS256]',
      'contradictory-options 2:60 auth_plugins.jwt.algorithms',
    ],
    [`${secret}, algorithm: RS256`, 'contradictory-options 2:94 auth_plugins.jwt.algorithm'],
    [`${secret}, algorithm: HS256, algorithms: [HS256]`, 'contradictory-options 2:101 auth_plugins.jwt.algorithms'],
    [
      `algorithm: HS256, ${secret}, jwks_url: https://x.example/`,
      'contradictory-options 2:101 auth_plugins.jwt.jwks_url',
    ],
    ['jwks_url: http://issuer.example/jwks, algorithm: ES256', 'invalid-value 2:19 auth_plugins.jwt.jwks_url'],
    ['algorithm: ES256, public_key: nonsense', 'invalid-value 2:39 auth_plugins.jwt.public_key'],
    [`algorithm: ES256, public_key: ${privatePem}`, 'invalid-value 2:39 auth_plugins.jwt.public_key'],
    [`user_claim: a, claims: {user: b}, ${secret}`, 'contradictory-options 2:9 auth_plugins.jwt.user_claim'],
    [`${secret}, algorithm: none`, 'invalid-value 2:94 auth_plugins.jwt.algorithm'],
    [`${secret}, remember: 61s`, 'invalid-value 2:93 auth_plugins.jwt.remember'],
  ])('refuses {%s}', async (options, expected) => {
    expect(await jwt(options)).toEqual([expected]);
  });

  it.each([
    ['secret: 0123456789abcdef0123456789abcde', 'warning weak-secret 2:17 auth_plugins.jwt.secret'],
    [`algorithm: HS512, secret: ${'s'.repeat(63)}`, 'warning weak-secret 2:35 auth_plugins.jwt.secret'],
  ])('loads {%s} with a warning', async (options, expected) => {
    const loaded = await load(`auth_plugins:\n  jwt: {${options}}\n`);
    expect(problemsOf(loaded)).toEqual([expected]);
    expect(loaded.configuration).not.toBeNull();
  });

  it('folds the claim names of python-auth-proxy in', async () => {
    const loaded = await load(`auth_plugins: {jwt: {${secret}, user_claim: login, role_claim: groups}}`);
    const options = loaded.plugins[0]?.options;
    expect(options).toMatchObject({ claims: { user: 'login', roles: 'groups', name: 'name' } });
    expect(Object.keys(options ?? {})).not.toContain('user_claim');
  });
});

describe('basic', () => {
  const BCRYPT = '$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy';

  it('refuses a user whom both users and the htpasswd file have', async () => {
    const directory = directoryWith({
      htpasswd: `bob:${BCRYPT}\n`,
      'gatelodge.yaml': 'auth_plugins: {basic: {htpasswd: htpasswd, users: {eve: x, bob: y}}}\n',
    });
    const loaded = await loadConfiguration({ file: join(directory, 'gatelodge.yaml'), env: {} });
    expect(problemsOf(loaded)).toEqual(['duplicate-name 1:60 auth_plugins.basic.users.bob']);
  });

  it('reads htpasswd files and makes their path absolute', async () => {
    const directory = directoryWith({
      htpasswd: `# users\nbob:${BCRYPT}\n`,
      'gatelodge.yaml': 'auth_plugins: {basic: {htpasswd: htpasswd}}\n',
    });
    const loaded = await loadConfiguration({ file: join(directory, 'gatelodge.yaml'), env: {} });
    expect(problemsOf(loaded)).toEqual([]);
    expect(loaded.plugins[0]?.options).toMatchObject({ htpasswd: join(directory, 'htpasswd') });
  });

  it('names file and line of a bad entry, and never the hash', async () => {
    const directory = directoryWith({
      htpasswd: `bob:${BCRYPT}\n\nold:$apr1$hunter2$x\n`,
      'gatelodge.yaml': 'auth_plugins: {basic: {htpasswd: htpasswd}}\n',
    });
    const loaded = await loadConfiguration({ file: join(directory, 'gatelodge.yaml'), env: {} });
    expect(loaded.configuration).toBeNull();
    expect(loaded.problems).toMatchObject([{ file: join(directory, 'htpasswd'), line: 3, code: 'unusable-hash' }]);
    expect(loaded.problems[0]?.message).not.toContain('hunter2');
  });

  it('refuses a missing file and hashes that cannot be used', async () => {
    expect(
      await problems(
        'auth_plugins:\n  basic: {htpasswd: none, users: {a: "$2y$99$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", b: "{SHA}x"}}\n',
      ),
    ).toEqual([
      'unreadable-file 2:21 auth_plugins.basic.htpasswd',
      'unusable-hash 2:38 auth_plugins.basic.users.a',
      'unusable-hash 2:105 auth_plugins.basic.users.b',
    ]);
  });
});
