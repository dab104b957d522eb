import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { ask } from '../support/http-client.ts';
import { type LokiServer, startLoki } from '../support/loki.ts';
import { scrape } from '../support/scrape.ts';

const running: Gatelodge[] = [];
const servers: LokiServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((gatelodge) => gatelodge.stop()));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function loki(): Promise<LokiServer> {
  const server = await startLoki();
  servers.push(server);
  return server;
}

async function serve(more: string): Promise<Gatelodge & { readonly base: string }> {
  const port = await freePort();
  const gatelodge = await startGatelodge({ yaml: `listen: {port: ${port}}\n${more}`, ready: port });
  running.push(gatelodge);
  return { ...gatelodge, base: `http://127.0.0.1:${port}` };
}

const refused = (base: string) =>
  ask(`${base}/validate`, { headers: { 'x-original-url': 'https://app.example.com/x', 'x-original-method': 'GET' } });
async function until(what: () => boolean): Promise<void> {
  for (const end = performance.now() + 20_000; performance.now() < end; await sleep(20)) if (what()) return;
  throw new Error('it did not happen');
}
const eventsOf = (lines: readonly string[]) => lines.map((line) => String(JSON.parse(line).event));

describe('log.loki', () => {
  it('gets every line that standard output gets, to the last one, by credentials that stand nowhere', async () => {
    const server = await loki();
    const secrets = mkdtempSync(join(tmpdir(), 'gatelodge-loki-'));
    onTestFinished(() => rmSync(secrets, { recursive: true }));
    writeFileSync(join(secrets, 'password'), 'hunter2\n');
    const metrics = await freePort();
    const { base, halt, output } = await serve(`
log: {loki: {url: ${server.url}, username: u, password_file: ${join(secrets, 'password')}, tenant: t, labels: {env: test}}}
metrics: {listen: {port: ${metrics}}}
`);
    for (let times = 0; times < 5; times += 1) expect((await refused(base)).status).toBe(401);
    await until(() => server.lines().length >= 6);
    expect(server.pushes[0]?.headers).toMatchObject({
      authorization: `Basic ${Buffer.from('u:hunter2').toString('base64')}`,
      'x-scope-orgid': 't',
    });
    expect((await scrape(`http://127.0.0.1:${metrics}/metrics`))('gatelodge_loki_lines_total{outcome="sent"}')).toBe(
      server.lines().length,
    );
    expect(await halt('SIGTERM')).toBe(0);
    expect(server.lines()).toEqual(output().trim().split('\n'));
    expect(eventsOf(server.lines()).slice(-2)).toEqual(['service.stopping', 'service.stopped']);
    expect(output() + server.lines().join()).not.toContain('hunter2');
  });

  it('that hangs slows no decision and no end', async () => {
    const server = await loki();
    server.answer = () => {};
    const { base, halt, output } = await serve(`
log: {loki: "http://user:hunter2@127.0.0.1:${new URL(server.url).port}"}
shutdown_timeout: 2s
`);
    await until(() => server.calls() > 0);
    const durations: number[] = [];
    for (let times = 0; times < 200; times += 1) {
      const began = performance.now();
      expect((await refused(base)).status).toBe(401);
      durations.push(performance.now() - began);
    }
    expect(durations.sort((one, other) => one - other)[100]).toBeLessThan(500);
    const began = performance.now();
    expect(await halt('SIGTERM')).toBe(0);
    expect(performance.now() - began).toBeLessThan(8_000);
    expect(output()).toMatch(/"event":"loki\.unsent","lines":\d+/);
    expect(output()).not.toContain('hunter2');
  });

  it('gets the lines of workers, and of the process that started them, also after a reload', async () => {
    const server = await loki();
    const service = await serve(`workers: 2\nlog: {loki: "${server.url}"}\n`);
    await until(() => eventsOf(server.lines()).includes('service.ready'));
    await service.run('reload');
    await until(() => eventsOf(server.lines()).filter((event) => event === 'configuration.reloaded').length === 2);
    const rounds = await Promise.all(Array.from({ length: 8 }, () => refused(service.base)));
    expect(rounds).toHaveLength(8);
    expect(await service.halt('SIGTERM')).toBe(0);
    await until(() => eventsOf(server.lines()).filter((event) => event === 'decision.refused').length === 8);
    expect(eventsOf(server.lines()).filter((event) => event === 'service.stopped')).toHaveLength(2);
  });

  it('hears nothing of commands, which wait for nobody', async () => {
    const server = await loki();
    const service = await serve(`log: {loki: "${server.url}"}\n`);
    await until(() => server.lines().length > 0);
    await service.run('users', 'add', 'bob', '--generate');
    await sleep(1_500);
    expect(eventsOf(server.lines())).not.toContain('user.created');
  });
});
