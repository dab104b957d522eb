import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../resilience/stage.ts';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { ask } from '../support/http-client.ts';
import { statusOf } from '../support/raw-request.ts';

const running: Gatelodge[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((gatelodge) => gatelodge.stop()));
});

const PATIENCE = 30_000;
/** At once, so that all of them are decided before anybody would hear of another's change by itself. */
const CHECKS = 8;
const LOGIN = { username: 'alice', password: 'correct-horse' };
const JSON_TYPE = { 'content-type': 'application/json' };

/** A call whose body stays away until `finish`, which resolves to its status. What answers it is chosen when its head has come. */
async function beginCall(port: number, path: string, body: string) {
  const socket = connect(port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  const length = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue`;
  socket.write(`POST ${path} HTTP/1.1\r\nHost: auth\r\n${length}\r\n\r\n`);
  // Its head has been read.
  const went = await new Promise((resolve) => socket.once('data', resolve));
  expect(statusOf(String(went))).toBe(100);
  return {
    finish: () =>
      new Promise<number>((resolve, reject) => {
        socket.once('data', (data) => {
          resolve(statusOf(String(data)));
          socket.destroy();
        });
        socket.once('error', reject);
        socket.write(body);
      }),
  };
}

describe('a revocation that was begun before a reload', () => {
  it.each([1, 2])(
    'holds from the next request on in all of %i processes',
    async (workers) => {
      const port = await freePort();
      const base = `http://127.0.0.1:${port}`;
      const yaml = `listen: {port: ${port}}\nworkers: ${workers}\nauth_plugins: {token: {}}\nusers: [${JSON.stringify(LOGIN)}]\n`;
      const gatelodge = await startGatelodge({ yaml, ready: port });
      running.push(gatelodge);
      await until(() => gatelodge.output().includes('service.ready'), PATIENCE);
      const said = () => gatelodge.output().split('"configuration.reloaded"').length - 1;
      const check = async (token: string) => {
        const about = { 'x-original-url': 'https://app.example.com/', 'x-original-method': 'GET' };
        return (await ask(`${base}/validate`, { headers: { authorization: `Bearer ${token}`, ...about } })).status;
      };
      const all = async (token: string) =>
        new Set(await Promise.all(Array.from({ length: CHECKS }, () => check(token))));

      for (let times = 1; times <= 4; times += 1) {
        const answer = await ask(`${base}/auth`, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(LOGIN) });
        // What it is, is asserted by what is done with it.
        const { token } = answer.json() as { token: string };
        const revocation = await beginCall(port, '/revoke', JSON.stringify({ token }));
        gatelodge.signal('SIGHUP');
        await until(() => said() === times * workers, PATIENCE);
        expect(await all(token)).toEqual(new Set([200]));
        expect(await revocation.finish()).toBe(200);
        expect(await all(token)).toEqual(new Set([401]));
      }
    },
    120_000,
  );
});
