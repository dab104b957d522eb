import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createLokiSender, type LokiSender } from '../../src/adapters/loki.ts';
import type { LokiTarget } from '../../src/adapters/loki-push.ts';
import { freePort } from '../support/free-port.ts';
import { type LokiServer, startLoki } from '../support/loki.ts';

const servers: LokiServer[] = [];
const senders: LokiSender[] = [];
afterEach(async () => {
  await Promise.all(senders.splice(0).map((sender) => sender.close(0)));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function loki(port?: number): Promise<LokiServer> {
  const server = await startLoki(port);
  servers.push(server);
  return server;
}

function sending(target: Partial<LokiTarget> & { url: string }, options: { timeout?: number; wait?: number } = {}) {
  const counts = { sent: 0, dropped: 0 };
  const reports: [string, Readonly<Record<string, unknown>>][] = [];
  const sender = createLokiSender({
    target: { labels: {}, ...target },
    report: (_level, event, detail) => void reports.push([event, detail]),
    counts,
    wait: 10,
    ...options,
  });
  senders.push(sender);
  return { ...sender, counts, reports };
}

const line = (text: string, level = 'info', time = '2026-11-22T10:00:00.123Z') =>
  `{"level":"${level}","time":"${time}","event":"${text}"}\n`;
async function until(what: () => boolean): Promise<void> {
  for (const end = performance.now() + 20_000; performance.now() < end; await sleep(10)) if (what()) return;
  throw new Error('it did not happen');
}

describe('lines for Loki', () => {
  it('come with their own time, labels that are few, and credentials in a header alone', async () => {
    const server = await loki();
    const { write } = sending({
      url: server.url.replace('//', '//us%40er:p%3Ass@'),
      tenant: 'team-a',
      labels: { env: 'prod', level: 'mine' },
    });
    write(line('one "quoted" ✓'));
    write(line('two', 'error'));
    write(line('three'));
    await until(() => server.lines().length === 3);
    const [push] = server.pushes;
    expect(push?.path).toBe('/loki/api/v1/push');
    expect(push?.headers).toMatchObject({
      authorization: `Basic ${Buffer.from('us@er:p:ss').toString('base64')}`,
      'x-scope-orgid': 'team-a',
      'content-type': 'application/json',
    });
    const streams = server.pushes.flatMap((one) => one.streams);
    expect(streams.map(({ stream }) => stream)).toEqual([
      { job: 'gatelodge', env: 'prod', level: 'info' },
      { job: 'gatelodge', env: 'prod', level: 'error' },
    ]);
    expect(streams[0]?.values.map(([, text]) => text)).toEqual([line('one "quoted" ✓').trim(), line('three').trim()]);
    for (const [at] of streams.flatMap(({ values }) => values)) {
      expect(at).toMatch(/^\d{19}$/);
      expect(at.slice(0, 13)).toBe(String(Date.parse('2026-11-22T10:00:00.123Z')));
    }
  });

  it('that are the same in the same millisecond stay apart', async () => {
    const server = await loki();
    const { write } = sending({ url: `${server.url}/some/where/push` });
    for (let index = 0; index < 500; index += 1) write(line('same'));
    await until(() => server.lines().length === 500);
    expect(server.pushes[0]?.path).toBe('/some/where/push');
    const times = server.pushes.flatMap(({ streams }) => streams.flatMap(({ values }) => values.map(([at]) => at)));
    expect(new Set(times).size).toBe(500);
  });

  it('go out in small pushes, one after the other on one connection, and none is lost or doubled', async () => {
    const server = await loki();
    const { write, counts } = sending({ url: server.url });
    for (let index = 0; index < 12_345; index += 1) write(line(`${index}`));
    await until(() => counts.sent === 12_345);
    expect(server.lines()).toEqual(Array.from({ length: 12_345 }, (_, index) => line(`${index}`).trim()));
    expect(server.pushes.length).toBeGreaterThan(10);
    expect(counts.dropped).toBe(0);
  });

  it('wait for a Loki that is down, refuses for now, or is cut off, and come in order when it is back', async () => {
    const port = await freePort();
    const { write, counts, reports } = sending({ url: `http://127.0.0.1:${port}` });
    write(line('a'));
    await until(() => reports.length === 1);
    expect(reports[0]).toEqual(['loki.failing', { why: 'ECONNREFUSED', waiting: 1, dropped: 0 }]);
    const server = await loki(port);
    let times = 0;
    server.answer = (_request, response) => {
      times += 1;
      if (times === 1) response.writeHead(503).end('no');
      else response.destroy();
      if (times === 2) server.answer = null;
    };
    write(line('b'));
    await until(() => counts.sent === 2);
    expect(server.lines()).toEqual([line('a').trim(), line('b').trim()]);
    expect(reports.at(-1)).toEqual(['loki.recovered', { dropped: 0 }]);
  });
});

describe('a hostile or broken Loki', () => {
  it('that hangs holds up nobody: memory is bounded, the oldest lines go, and they are counted', async () => {
    const server = await loki();
    server.answer = () => {};
    const { write, counts } = sending({ url: server.url }, { timeout: 60_000 });
    write(line('first'));
    await until(() => server.calls() === 1);
    const long = 'x'.repeat(1_000);
    const began = performance.now();
    for (let index = 0; index < 50_000; index += 1) write(line(`${index} ${long}`));
    // 50 MB of lines; 8 MB of them may wait.
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(counts.dropped).toBeGreaterThan(40_000);
    expect(counts.dropped).toBeLessThan(45_000);
    expect(server.calls()).toBe(1);
  });

  it('that never ends its answer is cut off, and is asked again', async () => {
    const server = await loki();
    server.answer = (_request, response) => {
      response.writeHead(500);
      const flood = setInterval(() => response.write('x'.repeat(16_384)), 1);
      response.on('close', () => clearInterval(flood));
    };
    const { write, reports } = sending({ url: server.url });
    write(line('a'));
    await until(() => reports.length === 1);
    expect(reports[0]?.[1]).toMatchObject({ why: 'status 500' });
    // Nor one that sends a byte now and then.
    server.answer = (_request, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(drip));
    };
    const slow = sending({ url: server.url }, { timeout: 300 });
    slow.write(line('b'));
    await until(() => slow.counts.sent === 1);
  });

  it('that refuses what it is sent loses that, and not what comes after', async () => {
    const server = await loki();
    server.answer = (_request, response) => response.writeHead(400).end('secret words of a server');
    const { write, counts, reports } = sending({ url: server.url });
    write(line('a'));
    await until(() => counts.dropped === 1);
    server.answer = null;
    write(line('b'));
    await until(() => counts.sent === 1);
    expect(server.lines()).toEqual([line('b').trim()]);
    expect(reports).toEqual([
      ['loki.failing', { why: 'status 400', waiting: 1, dropped: 1 }],
      ['loki.recovered', { dropped: 1 }],
    ]);
  });

  it('gets the credentials to nowhere else, and into no report', async () => {
    const other = await loki();
    const server = await loki();
    server.answer = (_request, response) => response.writeHead(307, { Location: `${other.url}/stolen` }).end();
    const { write, counts, reports } = sending({ url: server.url.replace('//', '//user:hunter2@') });
    write(line('a'));
    await until(() => counts.dropped === 1);
    expect(other.calls()).toBe(0);
    expect(JSON.stringify(reports)).not.toMatch(/hunter2|user|127\.0\.0\.1/);
    const nobody = sending({ url: 'http://user:hunter2@host.invalid' });
    nobody.write(line('b'));
    await until(() => nobody.reports.length === 1);
    expect(JSON.stringify(nobody.reports)).not.toMatch(/hunter2|invalid/);
  });

  it('is told of once in a while, and not with each push', async () => {
    const server = await loki();
    server.answer = (_request, response) => response.writeHead(400).end();
    const { write, counts, reports } = sending({ url: server.url });
    for (let index = 0; index < 5_000; index += 1) write(line(`${index}`));
    await until(() => counts.dropped === 5_000);
    expect(server.calls()).toBeGreaterThan(3);
    expect(reports).toHaveLength(1);
  });
});

describe('at the end', () => {
  it('what waits is sent', async () => {
    const server = await loki();
    const { write, close, counts } = sending({ url: server.url }, { wait: 60_000 });
    for (let index = 0; index < 3_000; index += 1) write(line(`${index}`));
    await close(10_000);
    expect(server.lines()).toHaveLength(3_000);
    expect(counts).toEqual({ sent: 3_000, dropped: 0 });
    write(line('too late'));
    expect(counts.dropped).toBe(1);
  });

  it.each(['hangs', 'is down'])(
    'a Loki that %s is not waited for beyond the deadline, and what it missed is told',
    async (how) => {
      const server = await loki();
      server.answer = () => {};
      if (how === 'is down') await server.stop();
      const { write, close, reports, counts } = sending({ url: server.url });
      for (let index = 0; index < 10; index += 1) write(line(`${index}`));
      await until(() => (how === 'hangs' ? server.calls() === 1 : reports.length === 1));
      const began = performance.now();
      await close(300);
      expect(performance.now() - began).toBeLessThan(10_000);
      expect(counts).toEqual({ sent: 0, dropped: 10 });
      expect(reports.at(-1)).toEqual(['loki.unsent', { lines: 10 }]);
    },
  );
});
