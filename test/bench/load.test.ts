import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { recordAnswer, seeAnswer } from '../../bench/answer.ts';
import { inTurn, openLoadClient } from '../../bench/load-client.ts';
import { startBare } from '../../bench/process.ts';
import { cpuTime, familyOf, residentMemory } from '../../bench/usage.ts';
import { portOf } from '../support/free-port.ts';

const REQUEST = Buffer.from('GET /validate HTTP/1.1\r\nHost: app.example.com\r\n\r\n');
const stops: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return portOf(server.address());
}

async function client(port: number, { requests = [REQUEST], status = 200, content = 0, connections = 4 } = {}) {
  const opened = await openLoadClient({ port, next: inTurn(requests), status, content, connections });
  stops.push(() => opened.close());
  return opened;
}

test('full load: every answer is counted once, on the connections that there are, with each request in turn', async () => {
  const urls = new Map<string, number>();
  const sockets = new Set<unknown>();
  const port = await serve((request, response) => {
    urls.set(request.url ?? '', (urls.get(request.url ?? '') ?? 0) + 1);
    sockets.add(request.socket);
    response.writeHead(200, { 'Content-Length': 0 }).end();
  });
  const other = Buffer.from(REQUEST.toString().replace('/validate', '/other'));
  const { saturate } = await client(port, { requests: [REQUEST, other] });
  const sample = await saturate(500);
  const asked = (urls.get('/validate') ?? 0) + (urls.get('/other') ?? 0);
  expect(sample.answers).toBe(asked);
  expect(sample.latencies).toHaveLength(asked);
  expect(Math.abs((urls.get('/validate') ?? 0) - (urls.get('/other') ?? 0))).toBeLessThanOrEqual(1);
  expect(sockets.size).toBe(4);
  expect(sample.seconds).toBeGreaterThanOrEqual(0.5);
  // A second run begins at nothing.
  const second = await saturate(100);
  expect((urls.get('/validate') ?? 0) + (urls.get('/other') ?? 0)).toBe(asked + second.answers);
});

test('so many and no more: each request is asked once', async () => {
  const urls: string[] = [];
  const port = await serve((request, response) => {
    urls.push(request.url ?? '');
    response.writeHead(200, { 'Content-Length': 0 }).end();
  });
  const requests = Array.from({ length: 50 }, (_, index) =>
    Buffer.from(REQUEST.toString().replace('/validate', `/${index}`)),
  );
  const sample = await (await client(port, { requests })).exhaust(50);
  expect(sample.answers).toBe(50);
  expect(new Set(urls).size).toBe(50);
});

test('content is waited for, whether or not it comes with the header', async () => {
  let apart = false;
  const port = await serve((_request, response) => {
    response.writeHead(200, { 'Content-Length': 7 });
    if (!apart) return void response.end('200 OK\n');
    response.write('200');
    setTimeout(() => response.end(' OK\n'), 20);
  });
  expect(await seeAnswer(port, REQUEST)).toMatchObject({ status: 200, content: 7 });
  expect((await (await client(port, { content: 7 })).exhaust(20)).answers).toBe(20);
  apart = true;
  const { latencies } = await (await client(port, { content: 7 })).exhaust(8);
  expect(Math.min(...latencies)).toBeGreaterThanOrEqual(19);
});

test('a fixed rate: so many are asked as are due, and waiting for a slow server counts', async () => {
  const slow = await serve((_request, response) => {
    setTimeout(() => response.writeHead(200, { 'Content-Length': 0 }).end(), 20);
  });
  // One connection with 20 ms an answer cannot do 200/s: what is due waits, longer and longer.
  const { pace } = await client(slow, { connections: 1 });
  const sample = await pace(200, wait(500));
  expect(sample.answers).toBeGreaterThan(50);
  expect(Math.max(...sample.latencies)).toBeGreaterThan(500);
  expect(Math.min(...sample.latencies)).toBeGreaterThanOrEqual(19);
});

test('another answer than the expected one, or a lost connection, ends the run', async () => {
  const refusing = await serve((_request, response) => void response.writeHead(403, { 'Content-Length': 0 }).end());
  await expect((await client(refusing)).saturate(500)).rejects.toThrow('403');
  const closing = await serve((request) => void request.socket.end());
  await expect((await client(closing)).saturate(500)).rejects.toThrow('closed');
});

test('the bare server gives the recorded answer, header for header', async () => {
  const headers = [
    'Content-Length',
    '0',
    'Cache-Control',
    'no-store',
    'WWW-Authenticate',
    'Basic realm="a, b"',
    'WWW-Authenticate',
    'Bearer',
  ];
  const port = await serve((_request, response) => void response.writeHead(401, headers).end());
  const answer = await recordAnswer(port, REQUEST);
  expect(answer).toEqual({ status: 401, headers });
  const bare = await startBare(answer);
  stops.push(bare.stop);
  expect(await recordAnswer(bare.port, REQUEST)).toEqual(answer);
  const before = cpuTime(bare.pid);
  await (await client(bare.port, { status: 401 })).saturate(1_000);
  expect(cpuTime(bare.pid)).toBeGreaterThan(before);
  expect(residentMemory(bare.pid)).toBeGreaterThan(20);
  expect(familyOf(process.pid)).toContain(bare.pid);
});

test('an answer with content is not recorded: the client could not tell where it ends', async () => {
  const port = await serve((_request, response) => void response.end('hello'));
  await expect(recordAnswer(port, REQUEST)).rejects.toThrow('content');
});
