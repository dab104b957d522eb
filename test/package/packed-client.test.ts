import { copyFile, writeFile } from 'node:fs/promises';
import { request as forward } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Guarded, serve, startGuarded } from '../client/lodge.ts';
import { RUNTIMES, runIn } from '../client/runtimes.ts';
import { type Installation, installPlugins, type Served } from '../plugins/installed-plugin.ts';
import { missing } from '../support/skip.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { findOldNode, type Ran, run, unpackPacked } from './installed-package.ts';

const ALICE = { username: 'alice', password: 'the password of alice' };

const CONFIGURATION = `
listen: {port: 0}
data_dir: ./data
users:
  - {username: ${ALICE.username}, password: ${ALICE.password}}
  - {username: bob, password: the password of bob}
auth_plugins: {token: {}, apikey: {}}
paths:
  - {path: /, plugins: [token, apikey]}
`;

let directory: TempDir;
/** Where the package lies below node_modules, and nothing else: the client depends on nothing. */
let place: string;
let installation: Installation;
let service: Served;
let app: Guarded;
/** gatelodge, with what goes by on the way to it. */
let relay: Awaited<ReturnType<typeof serve>>;
let asked: string[];
/** A front server whose gatelodge does not answer, or below `/absent` nothing that answers at all. */
let away: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  directory = await tempDir();
  place = await unpackPacked(directory.path);
}, 180_000);
afterAll(() => directory?.remove());

beforeEach(async () => {
  asked = [];
  installation = await installPlugins({ 'gatelodge.yaml': CONFIGURATION });
  service = await installation.serve();
  relay = await serve((request, response) => {
    const { method, headers, url: path = '' } = request;
    asked.push(path);
    const onward = forward(`${service.url}${path}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  away = await serve((request, response) => {
    if (request.url?.startsWith('/absent/')) response.destroy();
    else response.writeHead(503, { 'retry-after': '7' }).end();
  });
  // gatelodge itself decides, as behind a front server.
  app = await startGuarded(
    async (token) => (await service.validate({ Authorization: `Bearer ${token}` })).status === 200,
  );
});
afterEach(async () => {
  await Promise.all([app?.stop(), relay?.stop(), away?.stop(), service?.stop()]);
  await installation?.remove();
});

/** Writes the program, and what there is for it to reach. */
async function writeProgram(): Promise<string> {
  const { stdout } = await installation.run('keys', 'create', '--user', 'alice', '--name', 'client');
  const key = stdout.trim();
  const { origin } = app;
  const world = {
    url: relay.origin,
    away: away.origin,
    absent: `${away.origin}/absent`,
    app: origin,
    login: ALICE,
    guessed: 'bob',
    key,
  };
  await copyFile(join(import.meta.dirname, 'client-walk.js'), join(place, 'client-walk.js'));
  const file = join(place, 'program.js');
  await writeFile(
    file,
    `import * as client from 'gatelodge/client';
     import { walk } from './client-walk.js';
     console.log(JSON.stringify(await walk(client, ${JSON.stringify(world)})));`,
  );
  return file;
}

interface Said {
  readonly tokens: readonly string[];
  readonly guesses: readonly (readonly [code: string, status: number, retryAfter: number | null, hasCause: boolean])[];
  readonly errors: unknown;
  readonly [name: string]: unknown;
}

/** Which credentials came with the requests of a path, each once: the how-manieth token, or the key. */
function sent(path: string, tokens: readonly string[]): (number | string)[] {
  const credentials = app.calls.filter((call) => call.path === path).map(({ headers }) => headers.authorization ?? '');
  return [...new Set(credentials)].map((text) =>
    text.startsWith('Bearer glk_') ? 'key' : tokens.indexOf(text.slice(7)),
  );
}

function expectAll({ tokens, guesses, errors, ...said }: Said): void {
  const answer = (path: string, body = '') => [
    200,
    expect.stringContaining(JSON.stringify({ path, body }).slice(0, -1)),
  ];
  expect(said).toEqual({
    ...{ first: 50, ended: 50, takenBack: 50 },
    ...{ ahead: answer('/ahead'), after: answer('/after'), posted: answer('/posted', 'a text ü') },
    ...{ loginTakenBack: answer('/login-taken-back'), last: answer('/last') },
    ...{ beforeKey: answer('/before-key'), byKey: answer('/by-key') },
  });
  expect(new Set(tokens).size).toBe(8);
  const used = (...names: readonly string[]) => names.map((name) => sent(`/${name}`, tokens));
  // Ahead of its end the old one is used once more.
  expect(used('first', 'ahead', 'after', 'ended')).toEqual([[0], [0], [1], [2]]);
  expect(used('taken-back', 'posted', 'login-taken-back')).toEqual([
    [2, 3],
    [3, 4],
    [4, 5],
  ]);
  expect(used('before-key', 'by-key', 'last')).toEqual([[6], [6, 'key'], [7]]);

  expect(errors).toEqual({
    ...{ refused: ['refused', 401, null, false], afterLogout: ['refused', 401, null, false] },
    ...{ wrong: ['invalid-credentials', 401, null, false], loggedOut: ['logged-out', null, null, false] },
    ...{ forbidden: ['forbidden-origin', null, null, false], options: ['invalid-options', null, null, false] },
    ...{ path: ['unexpected-answer', 404, null, false], away: ['unavailable', 503, 7, false] },
    ...{ absent: ['network', null, null, true], callback: ['callback-failed', null, null, true] },
    signal: 'Error: enough',
  });
  expect(new Set(guesses.map(([code]) => code))).toEqual(new Set(['invalid-credentials', 'rate-limited']));
  for (const [code, status, retryAfter] of guesses) {
    expect(status).toBe(code === 'rate-limited' ? 429 : 401);
    if (code === 'rate-limited') expect(retryAfter).toBeGreaterThanOrEqual(1);
  }
  // Nothing of it reached the application.
  expect(app.calls.filter(({ path }) => path === '/x')).toEqual([]);

  // Each renewal once, for however many; with the password only where it has to be.
  const count = (path: string) => asked.filter((one) => one === path).length;
  expect([count('/auth'), count('/refresh'), count('/revoke')]).toEqual([5 + guesses.length, 9, 6]);
}

async function expectAllOf(running: Promise<Ran>): Promise<void> {
  const { code, stdout, stderr } = await running;
  expect([code, stderr]).toEqual([0, '']);
  // What the program prints.
  expectAll(JSON.parse(stdout) as Said);
}

/** Each starts a gatelodge, and guesses passwords, which is to be slow. In ms. */
const timeout = 180_000;

test('the packed client under this Node.js', { timeout }, async () => {
  await expectAllOf(run(process.execPath, [await writeProgram()], place));
});

test('the packed client under an older Node.js than the program needs', { timeout }, async ({ skip }) => {
  const old = await findOldNode(24);
  const version = old === null ? '' : (await run(old, ['-v'], place)).stdout;
  if (!/^v2[0-3]\./.test(version)) console.log('skipped: there is no Node.js of 20 to 23 on the PATH');
  skip(!/^v2[0-3]\./.test(version));
  await expectAllOf(run(old ?? '', [await writeProgram()], place));
});

describe.each(RUNTIMES)('the packed client under %s', (runtime) => {
  test.skipIf(missing(runtime))('does all that it does under Node.js', { timeout }, async () => {
    await expectAllOf(runIn(runtime, await writeProgram(), place));
  });
});
