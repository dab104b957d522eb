import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { compileIdentityHeaders } from '../../../src/http/identity-headers.ts';
import { startApplication } from '../../support/application.ts';
import { freePort } from '../../support/free-port.ts';
import {
  type FrontServer,
  type FrontServerStack,
  startFrontServer,
  startFrontServerStack,
} from '../../support/front-server-stack.ts';
import { ask } from '../../support/http-client.ts';
import { ALICE, basic } from '../../support/people.ts';
import { replaceText } from '../../support/replace-text.ts';
import { missing } from '../../support/skip.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { haproxyRecipe, RECIPES } from './haproxy-recipe.ts';

const LUA = join(RECIPES, 'gatelodge.lua');

test('the script hands on every identity header that gatelodge sends', async () => {
  const list = /IDENTITY = \{([^}]*)\}/.exec(await readFile(LUA, 'utf8'))?.[1] ?? '';
  const sent = compileIdentityHeaders('x-auth').map(([name]) => name.toLowerCase());
  expect([...list.matchAll(/"([^"]+)"/g)].map((match) => match[1])).toEqual([...sent, 'x-auth-token']);
});

test('minimal.cfg and complete.cfg treat a request alike', async () => {
  const rules = async (name: string): Promise<string[]> => {
    const text = await readFile(join(RECIPES, name), 'utf8');
    return (
      text
        .slice(text.indexOf('frontend web'))
        .match(/^ {4}http-request (?:del-header|set-header|set-uri|set-var).*$/gm) ?? []
    );
  };
  const minimal = await rules('minimal.cfg');
  expect(minimal.length).toBeGreaterThan(10);
  expect(await rules('complete.cfg')).toEqual(minimal);
});

describe.each(['haproxy', 'haproxy-2.8'])('%s', (program) => {
  describe.skipIf(missing('openssl', program))('a check', () => {
    let stack: FrontServerStack;
    beforeAll(async () => {
      stack = await startFrontServerStack(haproxyRecipe(program, 'minimal'));
    });
    afterAll(() => stack?.stop());
    beforeEach(() => {
      stack.application.requests.length = 0;
    });

    test.each([4_000, 8_000, 12_000, 14_000, 15_000, 16_000, 40_000])(
      '%i bytes of headers are asked about or refused, and leave it working',
      async (length) => {
        // The check is larger than the request it is about, and its buffer is as large as that one's.
        for (const path of ['/page', `/page?${'x'.repeat(2_000)}`]) {
          const answer = await ask(stack.app + path, { headers: { cookie: `a=${'b'.repeat(length)}` } });
          expect([400, 401, 503]).toContain(answer.status);
        }
        expect(stack.application.requests).toEqual([]);
        expect((await ask(`${stack.app}/api/x`, { headers: basic(ALICE) })).status).toBe(200);
      },
    );
  });

  test.skipIf(missing('openssl', program))('a script that fails lets nobody in', async () => {
    const [application, tlsPort, directory] = [await startApplication(), await freePort(), await tempDir()];
    const lua = await readFile(LUA, 'utf8');
    const broken = join(directory.path, 'broken.lua');
    let frontServer: FrontServer | undefined;
    try {
      for (const [from, to] of [
        ['core.httpclient()', 'core.nothing()'],
        ['txn:set_var("txn.gatelodge", "refused")', 'error("before the check")'],
        ['  txn:done(reply)', '  error("after it")'],
      ] as const) {
        await writeFile(broken, replaceText(lua, [[from, to]]));
        const recipe = haproxyRecipe(program, 'minimal', () => [[`${process.cwd()}/${LUA}`, broken]]);
        const port = await freePort();
        frontServer = await startFrontServer(recipe, {
          tlsPort,
          decisionsPort: port,
          pagesPort: port,
          applicationPort: application.port,
        });
        for (const headers of [{}, basic(ALICE)]) {
          expect((await ask(`https://app.example.com:${tlsPort}/health`, { headers })).status).toBe(503);
        }
        await frontServer.stop();
      }
      expect(application.requests).toEqual([]);
    } finally {
      await frontServer?.stop();
      await application.stop();
      await directory.remove();
    }
  });
});
