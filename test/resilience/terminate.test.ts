import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { startGatelodge } from '../support/gatelodge.ts';
import { missing } from '../support/skip.ts';
import { siteLoad, startSite } from './site.ts';
import { until } from './stage.ts';

const JSON_BODY = { 'content-type': 'application/json' };

describe.skipIf(missing('nginx'))('SIGTERM under load, behind nginx', () => {
  it.each(['', 'workers: 2\n'])(
    'drops no request where a second instance stays (%j)',
    async (more) => {
      const site = await startSite({ count: 2, more });
      const load = siteLoad(site);
      const wait = async (requests: number) => {
        const before = load.total;
        await until(() => load.total > before + requests, 60_000);
      };
      const [first, second] = site.instances;
      for (const instance of [first, second]) {
        await wait(300);
        expect(await instance?.halt('SIGTERM')).toBe(0);
        await wait(300);
        if (instance === second) break;
        await instance?.start();
        // nginx leaves an instance that it could not connect to alone for 10 s (`fail_timeout`).
        await sleep(10_500);
      }
      const { counts, total, p99 } = await load.stop();
      const log = (await site.nginxLog()).split('\n');
      const refused = log.filter((line) => line.includes('Connection refused')).length;
      const reset = log.filter((line) => /\(104: |prematurely closed/.test(line)).length;
      console.log(JSON.stringify(more), counts, { total, p99, refused, reset });
      expect(Object.keys(counts).sort()).toEqual(['200 alice', 'login']);
    },
    160_000,
  );
});

describe('SIGTERM under load, without a front server', () => {
  it.each(['', 'workers: 2\n'])(
    'answers all that was sent before (%j)',
    async (more) => {
      const port = await freePort();
      const yaml = `listen: {port: ${port}}\npaths: [{path: /open, authenticate: false}]\nusers: [{username: alice, password: correct-horse}]\n${more}`;
      const gatelodge = await startGatelodge({ yaml, ready: port });
      onTestFinished(gatelodge.stop);
      await until(() => gatelodge.output().includes('"service.ready"'), 30_000);
      const agent = new Agent({ keepAlive: true });
      onTestFinished(() => agent.destroy());
      let going = true;
      const done: Done[] = [];
      const lanes = Array.from({ length: 16 }, async (_, lane) => {
        while (going) {
          const one = await askOnce(port, lane < 2 ? 'login' : 'check', lane % 2 === 0 && agent);
          done.push(one);
          // Some leave their connection idle between two requests.
          if (lane % 4 === 0 || one.what === 'ECONNREFUSED') await sleep(lane * 5);
        }
      });
      await until(() => done.length > 500, 60_000);
      const told = performance.now();
      expect(await gatelodge.halt('SIGTERM')).toBe(0);
      const took = performance.now() - told;
      going = false;
      await Promise.all(lanes);
      const tally: Record<string, number> = {};
      for (const { began, reused, what } of done) {
        const key = `${began < told ? 'before' : 'after'}, ${reused ? 'same' : 'new'} connection: ${what}`;
        tally[key] = (tally[key] ?? 0) + 1;
      }
      console.log(JSON.stringify(more), tally, `${took.toFixed(0)} ms`);
      // With workers, the process that accepts may still hold a connection of this moment when the last of them has closed: one that
      // came no longer ago than requests take, where others have the processors.
      const times = done.filter(({ began }) => began < told).map(({ took }) => took);
      const slow = times.sort((one, other) => one - other)[Math.floor(times.length * 0.9)] ?? 0;
      const sure = more === '' ? told : told - Math.max(100, slow);
      expect(done.filter(({ began, what }) => began < sure && what !== '200')).toEqual([]);
      // Who sends on an idle connection in the very moment in which it is closed: HTTP knows no cure (RFC 9112, section 9.5).
      expect(done.filter(({ reused, what }) => reused && what !== '200').length).toBeLessThan(3);
      expect(done.filter(({ began }) => began >= told).length).toBeGreaterThan(10);
    },
    180_000,
  );
});

interface Done {
  /** On the clock of `performance`. */
  readonly began: number;
  /** In ms. */
  readonly took: number;
  /** On a connection that had been answered on. */
  readonly reused: boolean;
  /** The status, or the error's code. */
  readonly what: string;
}

function askOnce(port: number, kind: 'login' | 'check', agent: Agent | false): Promise<Done> {
  const began = performance.now();
  const about = { 'x-original-url': 'https://app.example.com/open', 'x-original-method': 'GET' };
  const options =
    kind === 'check' ? { path: '/validate', headers: about } : { path: '/auth', method: 'POST', headers: JSON_BODY };
  return new Promise((resolve) => {
    const asking = request({ host: '127.0.0.1', port, agent, ...options }, (response) => {
      response.resume();
      response.on('end', () => finish(String(response.statusCode)));
      response.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
    });
    const finish = (what: string) =>
      resolve({ began, took: performance.now() - began, reused: asking.reusedSocket, what });
    asking.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
    asking.end(kind === 'login' ? JSON.stringify({ username: 'alice', password: 'correct-horse' }) : undefined);
  });
}
