import { join } from 'node:path';
import type { Store } from '../../src/domain/store.ts';
import { openSqliteStore } from '../../src/stores/sqlite.ts';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { ask } from '../support/http-client.ts';
import { logIn } from '../support/login.ts';

export const PASSWORD = 'correct horse battery staple';
export const APP = 'https://app.example.com';

/** A service as it runs anywhere, and ways to get its credentials. */
export interface Service {
  readonly port: number;
  readonly gatelodge: Gatelodge;
  /** The Cookie header of a new login. */
  cookie(username: string): Promise<string>;
  key(username: string, ...more: readonly string[]): Promise<string>;
  token(username: string): Promise<string>;
  /** Does something to the service's own database, as another process may. */
  inDatabase<T>(task: (store: Store) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

/**
 * Starts the service with the users alice (roles admin, ops), bob and carol, who all have PASSWORD.
 * @param yaml the rest of the configuration: `paths` and whatever a test needs
 */
export async function startService(yaml: string): Promise<Service> {
  const port = await freePort();
  const users = [
    ['alice', '[admin, ops]'],
    ['bob', '[]'],
    ['carol', '[]'],
  ].map(([name, roles]) => `  - {username: ${name}, password: ${PASSWORD}, roles: ${roles}}`);
  const base = `listen: {host: 127.0.0.1, port: ${port}}\ntrusted_proxies: [127.0.0.1/32]\nusers:\n${users.join('\n')}\n`;
  const publicUrl = yaml.includes('public_url:') ? '' : `public_url: http://127.0.0.1:${port}\n`;
  const gatelodge = await startGatelodge({ yaml: base + publicUrl + yaml, ready: port });
  return {
    port,
    gatelodge,
    async cookie(username) {
      const { answer, jar } = await logIn(`http://127.0.0.1:${port}/login`, username, PASSWORD);
      if (answer.status !== 303) throw new Error(`${username} cannot log in: ${answer.status}`);
      return jar.header();
    },
    key: async (username, ...more) =>
      (await gatelodge.run('keys', 'create', '--user', username, '--name', 'test', ...more)).trim(),
    async token(username) {
      const answer = await ask(`http://127.0.0.1:${port}/auth`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ username, password: PASSWORD }),
      });
      const body = answer.json();
      if (typeof body !== 'object' || body === null || !('token' in body) || typeof body.token !== 'string')
        throw new Error(`no token: ${answer.status}`);
      return body.token;
    },
    async inDatabase(task) {
      const store = await openSqliteStore({ file: join(gatelodge.directory, 'data/gatelodge.db') });
      try {
        return await task(store);
      } finally {
        await store.close();
      }
    },
    stop: gatelodge.stop,
  };
}

export function basic(username: string, password = PASSWORD): string {
  return `Authorization: Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
