import { spawn } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { WireHeaderFields } from '../../../src/http/header-fields.ts';
import { type Handlers, type Listening, listen } from '../../../src/http/listener.ts';
import { check, checkBytes, exchange } from '../../security/wire.ts';
import { tempDir } from '../../support/temp-dir.ts';

/** Checks are 200 and everything else is 418, so that it shows who answered. */
const HANDLERS: Handlers = {
  peerOf: () => ({ trusted: true, address: '127.0.0.1' }),
  decisions: (message, response) => {
    if (message.url !== '/validate') return false;
    response.writeHead(200, { 'Content-Length': '0' }).end();
    return true;
  },
  publicPart: (_message, response) => void response.writeHead(418, { 'Content-Length': '0' }).end(),
  missing: async () => [],
};

/** Why a new connection is not made, if it is not. */
function refusal(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.destroy());
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.on('close', () => resolve(undefined));
  });
}

const open: Listening[] = [];
async function start(
  serves: ('decisions' | 'public')[],
  handlers: () => Handlers | null = () => HANDLERS,
): Promise<{ port: number; listening: Listening }> {
  const listening = await listen({ host: '127.0.0.1', port: 0, serves }, handlers);
  open.push(listening);
  return { port: Number(new URL(listening.address).port), listening };
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((listening) => listening.stop(0)));
});
const status = async (port: number, path: string) => (await check(port, [], { path })).status;

describe('a listener', () => {
  it.each([
    [['decisions', 'public'], 200, 418],
    [['decisions'], 200, 404],
    [['public'], 404, 418],
  ] as const)('that serves %j', async (serves, validate, other) => {
    const { port } = await start([...serves]);
    expect(await status(port, '/validate')).toBe(validate);
    expect(await status(port, '/validate/x')).toBe(404);
    for (const path of ['/login', '/', '/validatex', '/healthz/', '/healthzx', '/readyz/'])
      expect(await status(port, path), path).toBe(other);
    for (const path of ['/healthz', '/healthz?x', '/readyz']) expect(await status(port, path), path).toBe(200);
  });

  it('says why while it cannot decide yet', async () => {
    const { port } = await start(['decisions', 'public'], () => null);
    const answer = await check(port, [], { path: '/validate/nginx' });
    const { status: refused, header } = answer;
    expect([refused, header('x-auth-reason'), header('cache-control')]).toEqual([
      503,
      ['store-unavailable'],
      ['no-store'],
    ]);
    expect((await check(port, [], { path: '/login' })).header('x-auth-reason')).toEqual([]);
  });

  it('hands on every header field of what only begins like a check', async () => {
    const seen: unknown[] = [];
    const { port } = await start(['decisions', 'public'], () => ({
      ...HANDLERS,
      publicPart: (message, response) => {
        seen.push(message.headers.cookie, message.headers['x-forwarded-for']);
        response.writeHead(418, { 'Content-Length': '0' }).end();
      },
    }));
    for (const path of ['/login', '/validated/login', '/validate-x', '/validate%2f', '/Validate']) {
      expect((await check(port, ['Cookie: a=1', 'X-Forwarded-For: 192.0.2.1'], { path })).status, path).toBe(418);
    }
    expect(seen).toEqual(Array(5).fill(['a=1', '192.0.2.1']).flat());
  });

  it('lets nobody in before there is anybody to ask', async () => {
    let handlers: Handlers | null = null;
    const { port } = await start(['decisions', 'public'], () => handlers);
    expect([
      await status(port, '/validate'),
      await status(port, '/login'),
      await status(port, '/readyz'),
      await status(port, '/healthz'),
    ]).toEqual([503, 503, 503, 200]);
    handlers = HANDLERS;
    expect([await status(port, '/validate'), await status(port, '/readyz')]).toEqual([200, 200]);
    handlers = { ...HANDLERS, missing: async () => ['storage'] };
    const answer = await check(port, [], { path: '/readyz' });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([503, { status: 'not-ready', missing: ['storage'] }]);
  });

  it('finishes what is in flight when it stops, and takes nothing new', async () => {
    let answer: (() => void) | undefined;
    const { port, listening } = await start(['decisions'], () => ({
      ...HANDLERS,
      decisions: (_message, response) => {
        answer = () => void response.writeHead(200, { 'Content-Length': '0' }).end();
        return true;
      },
    }));
    const inFlight = exchange(port, checkBytes([]));
    await expect.poll(() => answer !== undefined).toBe(true);
    const stopped = listening.stop(5_000);
    // Connections that were on their way when it was told are still taken, for a moment.
    await expect.poll(() => refusal(port), { timeout: 4_500 }).toBe('ECONNREFUSED');
    answer?.();
    expect((await inFlight)[0]?.status).toBe(200);
    await stopped;
  });

  it('stops at its deadline though somebody does not', async () => {
    const { port, listening } = await start(['decisions'], () => ({ ...HANDLERS, decisions: () => true }));
    const silent = connect(port, '127.0.0.1', () => silent.write(checkBytes([])));
    const closed = new Promise((resolve) => silent.once('close', resolve));
    silent.on('error', () => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    const began = performance.now();
    await listening.stop(200);
    await closed;
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

describe('a Unix socket', () => {
  const socketIn = (directory: string) => ({
    socket: join(directory, 's'),
    socket_chmod: '660',
    serves: ['decisions' as const],
  });

  it('has its mode, takes the place of one left behind, and goes with the listener', async () => {
    const { path, remove } = await tempDir();
    try {
      const first = await listen(socketIn(path), () => HANDLERS);
      expect(statSync(join(path, 's')).mode & 0o777).toBe(0o660);
      await expect(listen(socketIn(path), () => HANDLERS)).rejects.toMatchObject({ code: 'EADDRINUSE' });
      await first.stop(0);
      expect(existsSync(join(path, 's'))).toBe(false);
      await leaveSocketBehind(join(path, 's'));
      const second = await listen(socketIn(path), () => HANDLERS);
      await second.stop(0);
    } finally {
      await remove();
    }
  });

  it('is never made over a file', async () => {
    const { path, remove } = await tempDir();
    try {
      writeFileSync(join(path, 's'), 'precious');
      await expect(listen(socketIn(path), () => HANDLERS)).rejects.toMatchObject({ code: 'EADDRINUSE' });
      expect(statSync(join(path, 's')).size).toBe(8);
    } finally {
      await remove();
    }
  });
});

/** As a killed process leaves it: there, and nobody answers. */
async function leaveSocketBehind(path: string): Promise<void> {
  const code = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await new Promise((resolve) => spawn(process.execPath, ['-e', code], { stdio: 'ignore' }).once('exit', resolve));
  expect(existsSync(path)).toBe(true);
}

describe('header fields on the wire', () => {
  const fields = new WireHeaderFields(['Host', 'a', 'X-A', '1', 'x-a', '', 'X-B', '2', 'X_A', '3']);

  it('are found in any case, in their order, as often as they are there', () => {
    expect([fields.get('x-a'), fields.count('x-a'), fields.all('x-a')]).toEqual(['1', 2, ['1', '']]);
    expect([fields.get('x-c'), fields.count('x-c'), fields.all('x-c')]).toEqual([undefined, 0, []]);
    expect(fields.all('x_a')).toEqual(['3']);
  });

  it('never take a value for a name', () => {
    const tricky = new WireHeaderFields(['x-v', 'authorization', 'authorization', 'x']);
    expect([tricky.get('authorization'), tricky.count('authorization')]).toEqual(['x', 1]);
  });
});
