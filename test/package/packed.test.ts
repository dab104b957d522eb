import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningProgram, startProgram, waitUntil } from '../support/child-process.ts';
import { ask } from '../support/http-client.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { findOldNode, installNode, installPacked, RegistryAway, ROOT, run } from './installed-package.ts';

/** The oldest that `engines` promises, in its newest release when this was written. */
const OLDEST = '24.21.0';

let directory: TempDir;
/** Where the tarball was installed; null where the registry cannot be reached. */
let installed: string | null = null;
let oldest: string | null = null;

/** What needs the registry, or null with one line that says so. */
async function unlessAway<T>(what: string, made: Promise<T>): Promise<T | null> {
  try {
    return await made;
  } catch (error) {
    if (!(error instanceof RegistryAway) || process.env['GATELODGE_REQUIRE_ALL'] === '1') throw error;
    console.log(`skipped: ${what}, the package registry does not have it or cannot be reached`);
    return null;
  }
}

beforeAll(async () => {
  directory = await tempDir();
  const packed = unlessAway('the packed package', installPacked(directory.path));
  const node = unlessAway(`Node.js ${OLDEST}`, installNode(join(directory.path, 'node'), OLDEST));
  // Both have ended before the directory is removed, also where one fails.
  await Promise.allSettled([packed, node]);
  installed = await packed;
  oldest = await node;
}, 180_000);
afterAll(() => directory.remove());

/** The program as npm links it. */
const bin = () => join(installed ?? '', 'node_modules/.bin/gatelodge');

describe('the package', () => {
  beforeEach(({ skip }) => skip(installed === null));
  const root = () => join(installed ?? '', 'node_modules/gatelodge');

  test('holds the program, its documentation and recipes, and nothing else', () => {
    const files = readdirSync(root(), { recursive: true, encoding: 'utf8' }).filter((name) =>
      statSync(join(root(), name)).isFile(),
    );
    expect(files).toEqual(
      expect.arrayContaining([
        'package.json',
        'LICENSE',
        'README.md',
        'dist/bin.js',
        'dist/plugins/plugin-api.d.ts',
        'dist/client/client.d.ts',
        'deploy/nginx/minimal.conf',
        'docs/plugins.md',
      ]),
    );
    const odd = files.filter(
      (name) =>
        !/^(?:dist\/.*\.(?:js|d\.ts)|deploy\/.+|docs\/.+|package\.json|[A-Z]+(?:\.md)?)$/.test(name) ||
        /(?:^|[./])(?:test|bench|node_modules|data)(?:[./]|$)|\.(?:db|key|pem|env)$/.test(name),
    );
    expect(odd).toEqual([]);
  });

  test('has no more for other packages than the plugin API and the client, with types that hold under the strictest settings', async () => {
    // The package.json that was just packed.
    const { exports } = JSON.parse(readFileSync(join(root(), 'package.json'), 'utf8')) as {
      exports: Record<string, unknown>;
    };
    expect(Object.keys(exports)).toEqual(['./plugin', './client', './package.json']);

    const consumer = join(installed ?? '', 'consumer');
    cpSync(join(ROOT, 'examples/gatelodge-plugin-badge'), consumer, {
      recursive: true,
      filter: (name) => !name.endsWith('.test.ts'),
    });
    writeFileSync(join(consumer, 'typed.ts'), TYPED_PLUGIN);
    writeFileSync(join(consumer, 'typed-client.ts'), TYPED_CLIENT);
    const compilerOptions = {
      ...{
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
        checkJs: true,
        allowJs: true,
      },
      ...{ module: 'nodenext', target: 'es2024', lib: ['es2024', 'dom', 'dom.iterable'], types: ['node'] },
      typeRoots: [join(ROOT, 'node_modules/@types')],
    };
    writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.js', '*.ts'] }));
    // A browser's program has no types of Node.js.
    const browser = { ...compilerOptions, module: 'esnext', moduleResolution: 'bundler', target: 'es2022', types: [] };
    const forBrowsers = { compilerOptions: { ...browser, lib: ['es2022', 'dom'] }, include: ['typed-client.ts'] };
    writeFileSync(join(consumer, 'browser.json'), JSON.stringify(forBrowsers));
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    for (const project of ['tsconfig.json', 'browser.json']) {
      const { code, stdout } = await run(process.execPath, [compiler, '-p', join(consumer, project)], consumer);
      expect([project, code, stdout]).toEqual([project, 0, '']);
    }
  });

  test('says what it needs under an older Node.js', async ({ skip }) => {
    const old = await findOldNode(24);
    if (old === null) console.log('skipped: there is no Node.js older than 24 on the PATH');
    skip(old === null);
    const { code, stderr } = await run(old ?? '', [bin(), 'serve'], directory.path);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^gatelodge needs Node\.js 24 or newer; this is \d+\.\d+\.\d+\n$/);
  });
});

describe.each([
  ['this Node.js', () => process.execPath],
  [`Node.js ${OLDEST}`, () => oldest],
] as const)('the package under %s', (label, nodeOf) => {
  beforeEach(({ skip }) => skip(installed === null || nodeOf() === null));
  let service: RunningProgram | undefined;
  afterAll(() => service?.stop());

  const node = () => nodeOf() ?? '';
  const place = (name: string) => join(directory.path, `${label.replaceAll(/\W/g, '')}-${name}`);
  const gatelodge = (cwd: string, ...args: readonly string[]) => run(node(), [bin(), ...args], cwd);

  test('tells its version and its commands', async () => {
    // The repository's own package.json.
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await gatelodge(directory.path, '--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    expect((await gatelodge(directory.path, '--help')).stdout).toContain('serve');
  });

  test('checks a configuration', async () => {
    mkdirSync(place('check'));
    const file = join(place('check'), 'gatelodge.yaml');
    writeFileSync(file, 'paths: [{path: /}]\n');
    expect((await gatelodge(place('check'), 'check')).code).toBe(0);
    writeFileSync(file, 'paths: [{pth: /}]\n');
    const bad = await gatelodge(place('check'), 'check');
    expect(bad.code).toBe(1);
    expect(bad.stdout + bad.stderr).toContain('gatelodge.yaml:1:10: paths[0].pth: ');
  });

  test('runs from nothing: a first configuration, a login with the printed password, an answer, an end', async () => {
    const said = await gatelodge(directory.path, 'init', place('serve'), '--yes');
    expect(said.code).toBe(0);
    const password = /password\W+([a-z0-9-]{20,})/i.exec(said.stdout)?.[1] ?? '';
    const file = join(place('serve'), 'gatelodge.yaml');
    usePlugin(file, installed ?? '');

    service = await startProgram(node(), [bin(), 'serve'], { cwd: place('serve') });
    const { output } = service;
    const address = () => /"addresses":\["(http[^"]+)"/.exec(output())?.[1];
    await waitUntil('gatelodge', async () => address() !== undefined, service);
    const url = address() ?? '';
    expect((await ask(`${url}/healthz`)).status).toBe(200);

    const login = await ask(`${url}/auth`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ username: 'admin', password }).toString(),
    });
    expect(login.status).toBe(200);
    // What the answer is made of is the matter of other tests.
    const { token } = login.json() as { token: string };
    const validate = (headers: Readonly<Record<string, string>>) =>
      ask(`${url}/validate/nginx`, {
        headers: { 'X-Original-URL': 'https://app.example.com/x', 'X-Original-Method': 'GET', ...headers },
      });
    const answer = await validate({ Authorization: `Bearer ${token}` });
    expect([answer.status, answer.headers['x-auth-user']]).toEqual([200, 'admin']);
    expect((await validate({})).status).toBe(401);

    const script = join(installed ?? '', 'client.mjs');
    writeFileSync(script, CLIENT);
    const options = JSON.stringify({ url, username: 'admin', password });
    const client = await run(node(), [script, options, `${url}/validate/nginx`], installed ?? '');
    expect(client).toEqual({ code: 0, stdout: '200 admin', stderr: '' });

    // Somebody else's package finds `gatelodge/plugin` in the built one.
    expect((await ask(`${url}/badge`)).status).toBe(200);
    expect(await service.stop('SIGTERM')).toBe(0);
    expect(output()).not.toMatch(/warning|deprecat|experimental/i);
  });
});

/** Adds the example's plugin to a first configuration, and lets it listen where there is room. */
function usePlugin(file: string, installation: string): void {
  const plugin = join(installation, 'node_modules/gatelodge-plugin-badge');
  if (!existsSync(plugin)) {
    cpSync(join(ROOT, 'examples/gatelodge-plugin-badge'), plugin, {
      recursive: true,
      filter: (name) => !name.endsWith('.test.ts'),
    });
  }
  const text = readFileSync(file, 'utf8');
  const instance = `  badge: {module: ${plugin}/index.js, secret: 0123456789-0123456789-0123456789, home: https://app.example.com/}`;
  writeFileSync(
    file,
    text.replace(/port: 9190/, 'port: 0').replace(/^auth_plugins:.*$/m, `auth_plugins:\n${instance}`),
  );
}

/** Somebody else's program: options, and a URL of an application (or of a check, as a front server asks it). */
const CLIENT = `import { createClient } from 'gatelodge/client';
const [options, url] = process.argv.slice(2);
const client = createClient(JSON.parse(options));
const headers = { 'X-Original-URL': 'https://app.example.com/x', 'X-Original-Method': 'GET' };
const response = await client.fetch(url, { headers });
process.stdout.write(response.status + ' ' + response.headers.get('x-auth-user'));
`;

const TYPED_CLIENT = `import { type Client, type ClientOptions, createClient, GatelodgeClientError, type Tokens } from 'gatelodge/client';

const options: ClientOptions = { url: 'https://auth.example.com', username: 'alice', password: 'x', onTokens: ({ refreshToken }: Tokens) => refreshToken };
const client: Client = createClient(options);
export const response: Promise<Response> = client.fetch(new URL('https://auth.example.com'), { method: 'POST', body: new FormData() });
export const wait = (error: unknown): number | undefined => (error instanceof GatelodgeClientError && error.code === 'rate-limited' ? error.retryAfter : undefined);

// @ts-expect-error a key, or a username and a password
createClient({ url: 'https://auth.example.com', key: 'glk_x', username: 'alice', password: 'x' });
`;

const TYPED_PLUGIN = `import { type AccessRequest, type AuthenticationPlugin, type AuthenticationResult, definePlugin, makeIdentity, NOT_RESPONSIBLE, type PluginContext } from 'gatelodge/plugin';

interface Options { readonly word: string }

export default definePlugin<Options>({
  type: 'word',
  description: 'One word for everybody',
  options: { '~standard': { version: 1, vendor: 'typed', validate: (value) => ({ value: value as Options }) } },
  create(options: Options, { instance }: PluginContext): AuthenticationPlugin {
    const identity = makeIdentity({ subject: \`\${instance}:all\`, username: 'all', methods: [instance] });
    return {
      authenticate: async (request: AccessRequest): Promise<AuthenticationResult> =>
        request.headers.get('x-word') === options.word ? { kind: 'authenticated', identity } : NOT_RESPONSIBLE,
      paths: [{ path: '/word', methods: ['GET'], description: 'a page', handle: (request: Request) => new Response(request.url) }],
    };
  },
});

// @ts-expect-error a result has one of three kinds
export const wrong: AuthenticationResult = { kind: 'allow' };
`;
