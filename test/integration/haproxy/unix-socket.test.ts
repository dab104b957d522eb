import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Application, startApplication } from '../../support/application.ts';
import { freePort } from '../../support/free-port.ts';
import { type FrontServer, startFrontServer } from '../../support/front-server-stack.ts';
import { type Gatelodge, startGatelodge } from '../../support/gatelodge.ts';
import { ask } from '../../support/http-client.ts';
import { ALICE, basic, USERS } from '../../support/people.ts';
import { replaceText } from '../../support/replace-text.ts';
import { missing } from '../../support/skip.ts';
import { haproxyRecipe, RECIPES } from './haproxy-recipe.ts';

describe.each(['haproxy', 'haproxy-2.8'].filter((program) => !missing('openssl', program)))(
  '%s over Unix sockets',
  (program) => {
    let application: Application;
    let gatelodge: Gatelodge;
    let frontServer: FrontServer;
    let app = '';
    beforeAll(async () => {
      application = await startApplication();
      const tlsPort = await freePort();
      app = `https://app.example.com:${tlsPort}`;
      const yaml = await readFile(join(RECIPES, 'minimal.yaml'), 'utf8');
      gatelodge = await startGatelodge({
        yaml: `${replaceText(yaml, [
          ['host: 127.0.0.1, port: 9190', 'socket: ./decisions.sock'],
          ['host: 127.0.0.1, port: 9191', 'socket: ./public.sock'],
          ['https://app.example.com/gatelodge ', `${app}/gatelodge `],
        ])}${USERS}`,
        ready: 'decisions.sock',
      });
      const recipe = haproxyRecipe(program, 'minimal', ({ decisionsPort, pagesPort }) => [
        [`setenv GATELODGE 127.0.0.1:${decisionsPort}`, `setenv GATELODGE unix@${gatelodge.directory}/decisions.sock`],
        [`server gatelodge 127.0.0.1:${pagesPort}`, `server gatelodge unix@${gatelodge.directory}/public.sock`],
      ]);
      frontServer = await startFrontServer(recipe, {
        tlsPort,
        decisionsPort: await freePort(),
        pagesPort: await freePort(),
        applicationPort: application.port,
      });
    });
    afterAll(async () => {
      await frontServer?.stop();
      await gatelodge?.stop();
      await application?.stop();
    });

    test('decides and shows its pages', async () => {
      expect((await ask(`${app}/api/x`, { headers: basic(ALICE) })).status).toBe(200);
      expect(application.requests[0]?.headers['x-auth-user']).toEqual([ALICE.username]);
      expect((await ask(`${app}/api/x`)).status).toBe(401);
      expect((await ask(`${app}/gatelodge/login`)).status).toBe(200);
    });
  },
);
