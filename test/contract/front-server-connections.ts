import { Pool } from 'undici';
import { describe, expect, test } from 'vitest';
import { ALICE } from '../support/people.ts';
import type { Subject } from './front-server-contract.ts';

const CHECKS = 2_000;
const CLIENTS = 8;

/** A connection for each check would cost more than the check. */
export function describeConnections({ stack }: Subject): void {
  describe('connections to gatelodge', () => {
    test(`at most 10 for ${CHECKS} checks of ${CLIENTS} clients, whatever the answer`, async () => {
      const { gatelodge, relay, port } = stack();
      const key = (await gatelodge.run('keys', 'create', '--user', ALICE.username, '--name', 'load')).trim();
      const before = relay.connections;
      const clients = new Pool(`https://127.0.0.1:${port}`, {
        connections: CLIENTS,
        connect: { rejectUnauthorized: false, servername: 'app.example.com' },
      });
      const host = `app.example.com:${port}`;
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
      await Promise.all(Array.from({ length: CLIENTS }, client));
      await clients.close();
      expect([...statuses.keys()].sort()).toEqual([200, 401]);
      expect((statuses.get(200) ?? 0) + (statuses.get(401) ?? 0)).toBe(CHECKS);
      expect(relay.connections - before).toBeLessThanOrEqual(10);
    });
  });
}
