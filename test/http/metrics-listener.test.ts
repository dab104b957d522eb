import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Place } from '../../src/http/listener.ts';
import { listenForMetrics } from '../../src/http/metrics-listener.ts';
import { ask } from '../support/http-client.ts';
import { tempDir } from '../support/temp-dir.ts';

async function listen(text: () => Promise<string>, place: Place = { host: '127.0.0.1', port: 0 }) {
  const listening = await listenForMetrics(place, { contentType: 'text/plain; version=0.0.4', text });
  onTestFinished(() => listening.stop(0));
  return listening;
}

it('answers at /metrics, and nowhere else', async () => {
  const { address } = await listen(async () => 'up 1\n');
  const answer = await ask(`${address}/metrics?x=/y`);
  expect([answer.status, answer.headers['content-type'], answer.body.toString()]).toEqual([
    200,
    'text/plain; version=0.0.4',
    'up 1\n',
  ]);
  const head = await ask(`${address}/metrics`, { method: 'HEAD' });
  expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '5', 0]);
  for (const path of ['/', '/metrics/', '/metricsx', '/Metrics', '/x/metrics', '/validate', '/healthz', '/login'])
    expect((await ask(address + path)).status, path).toBe(404);
  const post = await ask(`${address}/metrics`, { method: 'POST', body: 'x' });
  expect([post.status, post.headers['allow']]).toEqual([405, 'GET, HEAD']);
});

it('says no more than that where the metrics cannot be read', async () => {
  const { address } = await listen(() => Promise.reject(new Error('secret')));
  const answer = await ask(`${address}/metrics`);
  expect(answer.status).toBe(500);
  expect(answer.body.toString()).not.toContain('secret');
});

it('listens on a Unix socket with the mode it was given', async () => {
  const directory = await tempDir();
  onTestFinished(() => directory.remove());
  const socket = join(directory.path, 'm.sock');
  await listen(async () => 'up 1\n', { socket, socket_chmod: '600' });
  expect((await stat(socket)).mode & 0o777).toBe(0o600);
  expect((await ask('http://localhost/metrics', { socketPath: socket })).body.toString()).toBe('up 1\n');
});
