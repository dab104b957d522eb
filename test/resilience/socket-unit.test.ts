import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { childrenOf, startProgram } from '../support/child-process.ts';
import { freePort } from '../support/free-port.ts';
import { ENTRY } from '../support/gatelodge.ts';
import { ask } from '../support/http-client.ts';
import { missing } from '../support/skip.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startLoad } from './load.ts';
import { until } from './stage.ts';

const HOLDER = join(import.meta.dirname, '../support/socket-holder.py');

async function start(yaml: (port: number) => string, listens?: number) {
  const directory = await tempDir();
  onTestFinished(directory.remove);
  const port = listens ?? (await freePort());
  const file = join(directory.path, 'gatelodge.yaml');
  await writeFile(file, yaml(port), { mode: 0o600 });
  const program = [process.execPath, ENTRY, 'serve', '-c', file];
  const holder = await startProgram('python3', [HOLDER, String(port), ...program], { cwd: directory.path });
  onTestFinished(async () => void (await holder.stop()));
  const times = (text: string) => holder.output().split(text).length - 1;
  return { port, holder, times };
}

const SITE = (more: string) => (port: number) =>
  `listen: {port: ${port}}\npaths: [{path: /open, authenticate: false}]\n${more}`;

it.skipIf(missing('python3')).each(['', 'workers: 2\n'])(
  'started again with a socket that somebody else holds, the one instance refuses nobody a connection (%j)',
  async (more) => {
    const { port, holder, times } = await start(SITE(more));
    await until(() => times('"service.ready"') === 1, 30_000);
    const headers = { 'x-original-url': 'https://app.example.com/open', 'x-original-method': 'GET' };
    const load = startLoad(8, async () => {
      const answer = await ask(`http://127.0.0.1:${port}/validate/nginx`, { headers }).catch((error: Error) => error);
      return answer instanceof Error ? answer.message : String(answer.status);
    });
    for (let round = 1; round <= 3; round += 1) {
      const before = load.total;
      await until(() => load.total > before + 300, 30_000);
      process.kill(holder.pid, 'SIGUSR1');
      await until(() => times('"service.ready"') === round + 1, 30_000);
    }
    const { counts } = await load.stop();
    expect(holder.output().match(/^ended .*$/gm)).toEqual(['ended 0', 'ended 0', 'ended 0']);
    expect(Object.keys(counts)).toEqual(['200']);
  },
  120_000,
);

it.skipIf(missing('python3'))(
  'it ends where all workers are gone, so that whoever holds the socket starts it again',
  async () => {
    const { port, holder, times } = await start(SITE('workers: 2\n'));
    await until(() => times('"service.ready"') === 1, 30_000);
    const [service = 0] = childrenOf(holder.pid);
    for (const worker of childrenOf(service)) process.kill(worker, 'SIGKILL');
    // It has ended, and nobody has asked yet with what.
    await until(() => readFileSync(`/proc/${service}/stat`, 'latin1').includes(') Z '), 30_000);
    process.kill(holder.pid, 'SIGUSR1');
    await until(() => times('"service.ready"') === 2, 30_000);
    expect(holder.output()).toContain('ended 1\n');
    expect((await ask(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  },
);

it.skipIf(missing('python3')).each([
  [(port: number) => `listen: {port: ${port + 1}}`, 'the socket that was handed over for'],
  [(port: number) => `listen: {host: 127.0.0.2, port: ${port}}`, 'the socket that was handed over for'],
  [() => 'listen: {socket: gate.sock}', 'the socket that was handed over for'],
  [(port: number) => `listen: [{port: ${port}}, {port: ${port + 1}}]`, '1 sockets were handed over'],
])('a socket that is not where the configuration says is refused (%s)', async (yaml, message) => {
  const { times } = await start(yaml);
  await until(() => times(message) > 0, 30_000);
  expect(times('service.ready')).toBe(0);
});
