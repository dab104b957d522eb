import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileUserId } from '../../src/flows/directory.ts';
import { type Installation, installPlugins, type Served } from './installed-plugin.ts';

/** Somebody else's package whose `authenticate` and handler do whatever a test wants. */
const packageOf = (type: string, body: string, extra = '') => ({
  [`node_modules/plugin-${type}/package.json`]: JSON.stringify({
    name: `plugin-${type}`,
    type: 'module',
    exports: { import: './index.js' },
  }),
  [`node_modules/plugin-${type}/index.js`]: `
    import { CREDENTIALS_REJECTED, definePlugin, makeIdentity, NOT_RESPONSIBLE, USER_LOCKED } from 'gatelodge/plugin';
    const any = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
    export default definePlugin({ type: '${type}', description: '${type}', options: any, ${extra}
      create: (options, context) => (${body}) });`,
});

const GOOD = `{
  challenge: 'Word',
  identityHeaders: { 'X-Auth-Word': 'word', 'X-Auth-Missing': 'missing' },
  paths: [{ path: '/word/page', methods: ['GET', 'PUT'], description: 'a page', handle: (request) => new Response(request.method) },
          { path: '/word/broken', methods: ['GET'], description: 'throws', handle() { throw new Error('secret-in-message'); } }],
  authenticate({ headers }) {
    const word = headers.get('x-word');
    if (word === undefined) return NOT_RESPONSIBLE;
    if (word === 'locked') return USER_LOCKED;
    if (word !== options.word) return CREDENTIALS_REJECTED;
    return { kind: 'authenticated', identity: makeIdentity({ subject: context.instance + ':1', username: 'wörd', userId: 'usr_admin', roles: ['r,1'], methods: ['basic'], claims: { word } }) };
  },
}`;

const ODD: Readonly<Record<string, string>> = {
  throws: `() => { throw new Error('secret-in-message'); }`,
  rejects: `async () => { throw 'secret-in-message'; }`,
  hangs: '() => new Promise(() => {})',
  undefined: '() => undefined',
  text: `() => 'authenticated'`,
  'no-identity': `() => ({ kind: 'authenticated' })`,
  'no-subject': `() => ({ kind: 'authenticated', identity: { username: 'x' } })`,
  'odd-roles': `() => ({ kind: 'authenticated', identity: { subject: 'x', username: 'x', roles: 'admin' } })`,
  'odd-reason': `() => ({ kind: 'rejected', reason: 'because' })`,
  thenable: `() => ({ then: (done) => done({ kind: 'allow' }) })`,
};

const RULES = `
listen: {port: 0}
data_dir: ./data
public_url: https://auth.example.com/lodge
`;

describe('a plugin of somebody else', () => {
  let installation: Installation;
  let service: Served;

  beforeAll(async () => {
    const odd = Object.entries(ODD);
    installation = await installPlugins({
      ...packageOf('word', GOOD),
      ...Object.assign(
        {},
        ...odd.map(([type, code]) => packageOf(type, `{ authenticate: ${code} }`, 'deadline: 150,')),
      ),
      ...packageOf(
        'careless',
        `{ identityHeaders: { 'X-Auth-Roles': 'groups', 'x-auth-user': 'sub' },
           authenticate({ headers }) {
             const sub = headers.get('x-sub');
             if (sub === undefined) return NOT_RESPONSIBLE;
             if (sub === 'stray') { void Promise.reject(new Error('secret-in-message')); return CREDENTIALS_REJECTED; }
             return { kind: 'authenticated', identity: { subject: sub, username: 'x', claims: { sub, groups: ['admin'] } } };
           } }`,
      ),
      ...packageOf('waits', '{ authenticate: () => new Promise(() => {}) }', 'deadline: 3_000,'),
      word: 'hunter22\n',
      'gatelodge.yaml': `${RULES}
auth_plugins:
  key: {type: word, module: plugin-word, word_file: ./word}
  waits: {module: plugin-waits}
  careless: {module: plugin-careless}
${odd.map(([type]) => `  ${type}: {module: plugin-${type}}`).join('\n')}
auth: {default_plugins: [key]}
paths:
${odd.map(([type]) => `  - {path: /${type}, plugins: [${type}]}\n  - {path: /optional/${type}, plugins: [${type}], authenticate: optional}\n  - {path: /before/${type}, plugins: [${type}, key]}\n  - {path: /behind/${type}, plugins: [key, ${type}]}`).join('\n')}
  - {path: /waits, plugins: [waits]}
  - {path: /careless, plugins: [careless]}
  - {path: /admin, users: [admin]}
  - {path: /}
`,
    });
    service = await installation.serve();
  });
  afterAll(async () => {
    await service?.stop();
    await installation?.remove();
  });

  test('is found as a package, gets its options, and its identity goes into headers', async () => {
    const answer = await service.validate({ 'X-Word': 'hunter22' });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'x-auth-user': 'w%C3%B6rd',
      'x-auth-subject': 'key:1',
      'x-auth-roles': 'r%2C1',
      'x-auth-word': 'hunter22',
      'x-auth-missing': '',
    });
  });

  test('that hands on whatever subject it is told makes nobody somebody else', async () => {
    const admin = fileUserId('admin');
    const answer = await service.validate({ 'X-Sub': admin }, '/careless');
    expect([answer.status, answer.headers['x-auth-subject']]).toEqual([200, `careless:${admin}`]);
    const prefixed = await service.validate({ 'X-Sub': 'careless:1' }, '/careless');
    expect(prefixed.headers['x-auth-subject']).toBe('careless:1');
  });

  test('says by no header of its own what the identity does not', async () => {
    const answer = await service.validate({ 'X-Sub': 'admin' }, '/careless');
    expect(answer.headers).toMatchObject({ 'x-auth-user': 'x', 'x-auth-roles': '' });
    expect((await service.validate({ 'X-Word': 'hunter22' })).headers).toMatchObject({ 'x-auth-roles': 'r%2C1' });
  });

  test('that leaves a promise to itself does not end the service when it fails', async () => {
    for (let times = 0; times < 3; times += 1)
      expect((await service.validate({ 'X-Sub': 'stray' }, '/careless')).status).toBe(401);
    expect((await service.validate({ 'X-Word': 'hunter22' })).status).toBe(200);
    await expect.poll(() => service.output().split('process.stray-rejection').length).toBe(4);
    expect(service.output()).not.toContain('secret-in-message');
  });

  test('cannot say that it was another method', async () => {
    const answer = await service.validate({ 'X-Word': 'hunter22' });
    expect(answer.headers['x-auth-method']).toBe('key');
  });

  test('refuses with its reasons and asks with its challenge', async () => {
    for (const [word, reason] of [
      ['wrong', 'credentials-rejected'],
      ['locked', 'user-locked'],
    ] as const) {
      const answer = await service.validate({ 'X-Word': word });
      expect([answer.status, answer.headers['x-auth-reason']]).toEqual([401, reason]);
    }
    const nobody = await service.validate();
    expect(nobody.headers).toMatchObject({ 'x-auth-reason': 'no-credentials', 'www-authenticate': 'Word' });
  });

  test('answers its own path below the base path only, and only its methods', async () => {
    expect((await service.ask('/lodge/word/page')).body.toString()).toBe('GET');
    expect((await service.ask('/lodge/word/page', { method: 'PUT' })).body.toString()).toBe('PUT');
    expect((await service.ask('/lodge/word/page', { method: 'POST' })).status).toBe(405);
    expect((await service.ask('/word/page')).status).toBe(404);
    expect((await service.ask('/lodge/word/page/more')).status).toBe(404);
    expect((await service.ask('/lodge/word/page')).headers['cache-control']).toBe('no-store');
  });

  test('whose handler throws is a 500 that tells nothing', async () => {
    const answer = await service.ask('/lodge/word/broken');
    expect(answer.status).toBe(500);
    expect(answer.body.toString()).not.toContain('secret-in-message');
  });

  test.for(Object.keys(ODD))('that misbehaves refuses the request and is logged: %s', async (type) => {
    for (const path of [`/${type}`, `/optional/${type}`]) {
      const answer = await service.validate({}, path);
      expect([answer.status, answer.headers['x-auth-reason']]).toEqual([503, 'internal-error']);
      expect(answer.headers['x-auth-user']).toBeUndefined();
    }
    // Lines wait a moment for others, to be written together.
    await expect
      .poll(() =>
        service
          .output()
          .split('\n')
          .filter((line) => line.includes('"event":"plugin"')),
      )
      .toContainEqual(expect.stringContaining(`"instance":"${type}"`));
    expect(service.output()).not.toContain('secret-in-message');
  });

  test.for(Object.keys(ODD))('that misbehaves refuses what a later plugin would let in: %s', async (type) => {
    expect((await service.validate({ 'X-Word': 'hunter22' }, `/before/${type}`)).status).toBe(503);
    expect((await service.validate({ 'X-Word': 'hunter22' }, `/behind/${type}`)).status).toBe(200);
    expect((await service.validate({ 'X-Word': 'wrong' }, `/behind/${type}`)).status).toBe(503);
  });

  test('that hangs keeps nobody else waiting', async () => {
    let ended = 0;
    const slow = Array.from({ length: 20 }, async () => {
      const { status } = await service.validate({}, '/waits');
      ended += 1;
      return status;
    });
    expect((await service.validate({ 'X-Word': 'hunter22' })).status).toBe(200);
    expect(ended).toBe(0);
    expect(await Promise.all(slow)).toEqual(Array(20).fill(503));
  });
});

describe('the start fails', () => {
  const start = async (files: Readonly<Record<string, string>>, instances: string) => {
    const installation = await installPlugins({ ...files, 'gatelodge.yaml': `${RULES}auth_plugins:\n${instances}\n` });
    try {
      return await installation.run('serve', '-c', 'gatelodge.yaml');
    } finally {
      await installation.remove();
    }
  };

  test('and names the place of options that the plugin does not accept, without their values', async () => {
    const strict = {
      'strict.js': `export default { type: 'strict', description: '', create() {}, options: { '~standard': { version: 1, vendor: 't',
        validate: (value) => ({ issues: [{ message: 'not ' + value.pin, path: ['pin'] }] }) } } };`,
    };
    const { code, stderr } = await start(strict, '  one:\n    module: ./strict.js\n    pin: hunter22');
    expect(code).toBe(1);
    expect(stderr).toMatch(/gatelodge\.yaml:\d+:10: auth_plugins\.one\.pin: /);
    expect(stderr).not.toContain('hunter22');
  });

  test.for([
    ['is not there', {}],
    ['exports no plugin', { 'mine.js': 'export default { type: "mine" };' }],
    ['throws at import', { 'mine.js': 'throw new Error("secret-in-message");' }],
    ['is no JavaScript', { 'mine.js': 'export default {' }],
  ] as const)('where the module %s', async ([, files]) => {
    const { code, stderr } = await start(files, '  mine: {module: ./mine.js}');
    expect(code).toBe(1);
    expect(stderr).toContain('auth_plugins.mine.module');
    expect(stderr).not.toContain('secret-in-message');
  });

  test('where a plugin’s path is taken by a page of gatelodge or by another instance', async () => {
    const taken = `{ authenticate: () => NOT_RESPONSIBLE, paths: [{ path: options.path, methods: ['GET'], description: '', handle: () => new Response('') }] }`;
    const files = packageOf('taken', taken);
    const page = await start(files, '  taken: {module: plugin-taken, path: /login}');
    expect(page).toMatchObject({ code: 1, stderr: expect.stringMatching(/\/login \(configuration-invalid\)/) });
    const twice = '  one: {module: plugin-taken, path: /a}\n  two: {module: plugin-taken, path: /a}';
    const other = await start(files, twice);
    expect(other).toMatchObject({ code: 1, stderr: expect.stringMatching(/\/a \(configuration-invalid\)/) });
  });

  test('where a plugin cannot be made', async () => {
    const files = packageOf('broken', `(() => { throw new Error('no'); })()`);
    const { code, stdout, stderr } = await start(files, '  broken: {module: plugin-broken}');
    expect(code).toBe(1);
    // It was found and loaded, and nothing was served without it.
    expect(stderr).not.toContain('auth_plugins.broken');
    expect(stdout).not.toContain('service.ready');
  });
});

test('the plugin that docs/plugins.md begins with works as it stands there', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/plugins.md'), 'utf8');
  const block = (language: string) => new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(page)?.[1] ?? '';
  const installation = await installPlugins({
    'house-word.js': block('js'),
    word: 'a-word-that-is-long-enough\n',
    'gatelodge.yaml':
      RULES +
      block('yaml')
        .replaceAll(/^ {3}/gm, '')
        .replace(/word: .*/, 'word_file: ./word'),
  });
  try {
    const service = await installation.serve();
    const good = await service.validate({ 'X-House-Word': 'a-word-that-is-long-enough' }, '/intranet');
    expect([good.status, good.headers['x-auth-user'], good.headers['x-auth-roles']]).toEqual([
      200,
      'house:everybody',
      'house',
    ]);
    expect((await service.validate({ 'X-House-Word': 'another-word-of-that-length' }, '/intranet')).status).toBe(401);
    await service.stop();
  } finally {
    await installation.remove();
  }
});
