import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { childrenOf } from '../support/child-process.ts';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { tempDir } from '../support/temp-dir.ts';
import { checkOnce, startLoad } from './load.ts';
import { until } from './stage.ts';

/** A plugin that takes a while to begin, as one that fetches keys does. */
const SLOW = `export default {
  type: 'slow',
  description: 'takes a while',
  options: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } },
  async create() {
    await new Promise((resolve) => setTimeout(resolve, 700));
    return { authenticate: () => ({ kind: 'not-responsible' }) };
  },
};`;

/** @param more configuration; PUBLIC_URL in it becomes the address */
async function serve(more: string): Promise<Gatelodge & { readonly base: string }> {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const directory = await tempDir();
  onTestFinished(directory.remove);
  const module = join(directory.path, 'slow.mjs');
  await writeFile(module, SLOW);
  const yaml = `
listen: {port: ${port}}
auth_plugins: {slow: {module: ${module}}}
paths: [{path: /open, authenticate: false}]
${more.replace('PUBLIC_URL', base)}`;
  const gatelodge = await startGatelodge({ yaml, ready: port });
  onTestFinished(gatelodge.stop);
  await until(() => gatelodge.output().includes('"service.ready"'), 30_000);
  return { ...gatelodge, base };
}

it.each(['', 'workers: 2\n', 'public_url: PUBLIC_URL\n', 'workers: 2\npublic_url: PUBLIC_URL\n'])(
  'a front server that asks while it starts is refused a connection, or answered rightly (%j)',
  async (more) => {
    const gatelodge = await serve(more);
    await gatelodge.halt();
    const load = startLoad(4, () => checkOnce(gatelodge.base, {}));
    await gatelodge.start();
    const { counts } = await load.stop();
    expect(Object.keys(counts).filter((what) => what !== '200' && !what.includes('ECONNREFUSED'))).toEqual([]);
    expect(counts['200']).toBeGreaterThan(0);
  },
  180_000,
);

it.each(['', 'public_url: PUBLIC_URL\n'])(
  'a worker that takes the place of another is asked nothing before it can decide (%j)',
  async (more) => {
    const gatelodge = await serve(`workers: 2\n${more}`);
    const load = startLoad(4, () => checkOnce(gatelodge.base, {}));
    const before = childrenOf(gatelodge.pid());
    process.kill(before[0] ?? 0, 'SIGKILL');
    await until(() => gatelodge.output().includes('worker.lost'), 30_000);
    await until(() => childrenOf(gatelodge.pid()).length === 2, 30_000);
    const asked = load.total;
    // Until the new one has long been at work.
    const began = performance.now();
    await until(() => load.total > asked + 1_000 && performance.now() - began > 4_000, 30_000);
    const { counts } = await load.stop();
    // What the killed one was just doing is lost; nobody is told to come back later.
    expect(Object.keys(counts).filter((what) => /^\d/.test(what))).toEqual(['200']);
  },
  180_000,
);
