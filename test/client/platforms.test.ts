import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findOldNode, ROOT, run } from '../package/installed-package.ts';
import { CHROMIUM, newPerson, startBrowser } from '../support/browser.ts';
import { missing } from '../support/skip.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { clientModules, SOURCES } from './client-modules.ts';
import { type Guarded, KEY, LOGIN, type Lodge, startGuarded, startLodge } from './lodge.ts';
import { RUNTIMES, runIn } from './runtimes.ts';

const modules = new Map([
  ...clientModules(),
  ['/probe.js', readFileSync(join(import.meta.dirname, 'probe.js'), 'utf8')],
]);

let lodge: Lodge;
let app: Guarded;
let elsewhere: Guarded;
let directory: TempDir;
const redirects = new Map<string, readonly [number, string]>();

beforeEach(async () => {
  const files = new Map<string, readonly [string, string]>();
  files.set('/', ['text/html', '<!doctype html><title>an application of one page</title>']);
  for (const [path, text] of modules) files.set(path, ['text/javascript', text]);
  lodge = await startLodge(files);
  app = await startGuarded((token) => lodge.accepts(token), redirects, { '/expire': () => lodge.expireTokens() });
  elsewhere = await startGuarded(() => true);
  redirects.set('/away', [302, `${elsewhere.origin}/stolen`]);
  redirects.set('/with-password', [302, withPassword(`${elsewhere.origin}/stolen`)]);
  directory = await tempDir();
});
afterEach(async () => {
  await Promise.all([lodge.stop(), app.stop(), elsewhere.stop(), directory.remove()]);
});

const withPassword = (url: string) => url.replace('http://', 'http://a:b@');
const world = () => ({
  lodge: { url: lodge.url, login: LOGIN, key: KEY },
  app: app.origin,
  elsewhere: elsewhere.origin,
});

/** What the walk has to say, and what came of it on the other side. */
function expectAll(said: unknown): void {
  expect(said).toEqual({
    paths: ['/1', '/2', '/3', '/4', '/5'],
    ...{ text: 'a text ü', bytes: 'bytes', request: 'a request', form: true },
    ...{ away: [200, true], forbidden: 'forbidden-origin', aborted: 'AbortError' },
    ...{ withPassword: ['TypeError', 'TypeError', 'TypeError'] },
    ...{ loggedOut: 'logged-out', wrong: 'invalid-credentials', key: 200, absent: 'network' },
  });
  // One for the walk, one for the wrong password; one for each token that was taken back.
  expect([lodge.count('/gate/auth'), lodge.count('/gate/refresh'), lodge.count('/gate/revoke')]).toEqual([2, 4, 2]);
  expect(elsewhere.credentials()).toEqual([undefined]);
  // A browser fetches modules and its icon by itself.
  const own = lodge.calls.filter(({ path }) => path.startsWith('/gate/'));
  expect(own.length).toBeGreaterThan(0);
  expect(own.map(({ headers }) => headers.cookie)).toEqual(own.map(() => undefined));
}

/** Writes the modules, and one that walks and tells. */
async function writeWalk(): Promise<string> {
  await mkdir(join(directory.path, 'client'));
  await writeFile(join(directory.path, 'package.json'), '{"type": "module"}');
  for (const [path, text] of modules) await writeFile(join(directory.path, path), text);
  const file = join(directory.path, 'walk.js');
  await writeFile(
    file,
    `import { createClient } from './client/client.js';
     import { probe } from './probe.js';
     const said = await probe({ createClient, ...${JSON.stringify(world())} });
     console.log(JSON.stringify(said));`,
  );
  return file;
}

describe.each(RUNTIMES)('%s', (runtime) => {
  test.skipIf(missing(runtime))('has all of the web platform that the client needs', async () => {
    const { code, stdout, stderr } = await runIn(runtime, await writeWalk(), directory.path);
    expect([code, stderr]).toEqual([0, '']);
    expectAll(JSON.parse(stdout));
  });
});

test('this Node.js', async () => {
  const { code, stdout, stderr } = await run(process.execPath, [await writeWalk()], directory.path);
  expect([code, stderr]).toEqual([0, '']);
  expectAll(JSON.parse(stdout));
});

test('an older Node.js, where the machine has one', async ({ skip }) => {
  const old = await findOldNode(24);
  const version = old === null ? '' : (await run(old, ['-v'], ROOT)).stdout.trim();
  const suits = Number(/^v(\d+)\./.exec(version)?.[1] ?? 0) >= 20;
  if (!suits) console.log('skipped: there is no Node.js of 20 to 23 on the PATH');
  skip(!suits);
  const { code, stdout, stderr } = await run(old ?? '', [await writeWalk()], directory.path);
  expect([code, stderr]).toEqual([0, '']);
  expectAll(JSON.parse(stdout));
});

describe.skipIf(missing(CHROMIUM))('Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  test('from a page of gatelodge’s own origin, to an application of another', async () => {
    const person = await newPerson(browser);
    try {
      const page = await person.newPage();
      await page.goto(lodge.origin);
      // gatelodge's session must have no say in what the client does.
      await person.addCookies([{ name: 'gatelodge', value: 'a-session', url: lodge.origin }]);
      lodge.calls.length = 0;
      // As a text: the test's own compiler would take the imports for its own.
      const said = await page.evaluate(
        `Promise.all([import('/client/client.js'), import('/probe.js')]).then(([{ createClient }, { probe }]) =>
           probe({ createClient, ...${JSON.stringify(world())} }))`,
      );
      expectAll(said);
    } finally {
      await person.close();
    }
  });
});

describe('the sources', () => {
  // For every other platform that there is or will be.
  test('use nothing but the web platform and ECMAScript 2022', async () => {
    const compilerOptions = {
      ...{ strict: true, noEmit: true, allowImportingTsExtensions: true, exactOptionalPropertyTypes: true },
      ...{ target: 'es2022', module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom', 'dom.iterable'] },
      ...{ types: [], noUncheckedIndexedAccess: true },
    };
    const file = join(directory.path, 'tsconfig.json');
    await writeFile(file, JSON.stringify({ compilerOptions, include: [`${SOURCES}/*.ts`] }));
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { code, stdout } = await run(process.execPath, [compiler, '-p', file], directory.path);
    expect([code, stdout]).toEqual([0, '']);
  });
});
