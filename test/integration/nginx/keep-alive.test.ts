import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type NginxStack, type Recipe, startNginxStack } from '../../support/nginx-stack.ts';
import { missing } from '../../support/skip.ts';

const CHECKS = 2_000;

describe.skipIf(missing('nginx', 'openssl')).each<Recipe>(['minimal', 'complete'])(
  'connections from nginx to gatelodge: %s.conf',
  (recipe) => {
    let stack: NginxStack;
    beforeAll(async () => {
      stack = await startNginxStack(recipe);
    });
    afterAll(() => stack?.stop());

    test(`at most 10 for ${CHECKS} checks of 8 clients, whatever the answer`, async () => {
      const before = stack.relay?.connections ?? Number.NaN;
      const key = (await stack.gatelodge.run('keys', 'create', '--user', 'alice', '--name', 'load')).trim();
      const clients = new Pool(`https://127.0.0.1:${stack.port}`, {
        connections: 8,
        connect: { rejectUnauthorized: false, servername: 'app.example.com' },
      });
      const host = `app.example.com:${stack.port}`;
      const statuses = new Map<number, number>();
      let next = 0;
      const client = async (): Promise<void> => {
        while (next < CHECKS) {
          next += 1;
          // Allowed, refused, allowed to anybody: each kind of answer must leave the connection usable.
          const kinds = [
            { path: '/page', headers: { host, 'x-api-key': key } },
            { path: '/page', headers: { host } },
            { path: '/health', headers: { host } },
          ];
          const { path, headers } = kinds[next % 3] ?? { path: '/', headers: { host } };
          const answer = await clients.request({ method: 'GET', path, headers });
          await answer.body.dump();
          statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
        }
      };
      await Promise.all(Array.from({ length: 8 }, client));
      await clients.close();
      expect([...statuses.keys()].sort()).toEqual([200, 401]);
      expect((statuses.get(200) ?? 0) + (statuses.get(401) ?? 0)).toBe(CHECKS);
      expect((stack.relay?.connections ?? Number.NaN) - before).toBeLessThanOrEqual(10);
    });
  },
);
