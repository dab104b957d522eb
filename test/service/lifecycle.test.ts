import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { ENTRY, type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { ask } from '../support/http-client.ts';
import { rawRequest, statusOf } from '../support/raw-request.ts';

const running: Gatelodge[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((gatelodge) => gatelodge.stop()));
});

async function start(yaml: string, ready: number | string): Promise<Gatelodge> {
  const gatelodge = await startGatelodge({ yaml, ready });
  running.push(gatelodge);
  return gatelodge;
}

const check = (path: string) => ({ 'X-Original-URL': `https://app.example.com${path}`, 'X-Original-Method': 'GET' });

/** The service's log lines of one event. */
function events(gatelodge: Gatelodge, event: string): Record<string, unknown>[] {
  return gatelodge
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['event'] === event);
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let left = 1_000; left > 0; left -= 1) {
    if (await what()) return;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  throw new Error('it did not happen');
}

describe('serve', () => {
  it('answers checks and pages on listeners of their own, with the health checks on each', async () => {
    const [decisions, pages] = [await freePort(), await freePort()];
    await start(
      `listen:\n  - {port: ${decisions}, serves: [decisions]}\n  - {port: ${pages}, serves: [public]}\n`,
      decisions,
    );
    expect((await ask(`http://127.0.0.1:${decisions}/validate`, { headers: check('/') })).status).toBe(401);
    expect((await ask(`http://127.0.0.1:${decisions}/login`)).status).toBe(404);
    expect((await ask(`http://127.0.0.1:${pages}/login`)).status).toBe(200);
    expect((await ask(`http://127.0.0.1:${pages}/validate`, { headers: check('/') })).status).toBe(404);
    for (const port of [decisions, pages]) {
      for (const path of ['/healthz', '/readyz'])
        expect((await ask(`http://127.0.0.1:${port}${path}`)).status).toBe(200);
      expect((await ask(`http://127.0.0.1:${port}/healthz/`)).status).toBe(404);
    }
  });

  it('listens on a Unix socket with the mode it was given, also over one that a killed process left', async () => {
    const gatelodge = await start('listen: {socket: gate.sock, socket_chmod: "620"}\n', 'gate.sock');
    const socketPath = join(gatelodge.directory, 'gate.sock');
    expect((await stat(socketPath)).mode & 0o777).toBe(0o620);
    await gatelodge.halt('SIGKILL');
    expect((await stat(socketPath)).isSocket()).toBe(true);
    await gatelodge.start();
    expect((await ask('http://localhost/validate', { socketPath, headers: check('/') })).status).toBe(401);
  });

  it('makes its data directory and secret for its owner alone', async () => {
    const port = await freePort();
    const gatelodge = await start(`listen: {port: ${port}}\n`, port);
    expect((await stat(join(gatelodge.directory, 'data'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(gatelodge.directory, 'data', 'secret'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(gatelodge.directory, 'data', 'gatelodge.db'))).mode & 0o077).toBe(0);
  });

  it('finishes what is in flight on SIGTERM and exits 0', async () => {
    const port = await freePort();
    const gatelodge = await start(
      `listen: {port: ${port}}\nusers: [{username: alice, password: correct-horse}]\n`,
      port,
    );
    const answers = Array.from({ length: 6 }, () =>
      ask(`http://127.0.0.1:${port}/auth`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ username: 'alice', password: 'correct-horse' }),
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 30));
    const code = await gatelodge.halt('SIGTERM');
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(code).toBe(0);
    expect(events(gatelodge, 'service.stopped')).toHaveLength(1);
  });

  it('keeps sessions over a restart, and over kill -9', async () => {
    const port = await freePort();
    const gatelodge = await start(
      `listen: {port: ${port}}\nusers: [{username: alice, password: correct-horse}]\n`,
      port,
    );
    const cookie = await login(port);
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await gatelodge.halt(signal);
      await gatelodge.start();
      const answer = await ask(`http://127.0.0.1:${port}/validate`, { headers: { ...check('/'), Cookie: cookie } });
      expect([answer.status, answer.headers['x-auth-user']]).toEqual([200, 'alice']);
    }
  });

  it('reads the configuration again on SIGHUP, and keeps the old one where the new one is bad', async () => {
    const port = await freePort();
    const gatelodge = await start(`listen: {port: ${port}}\n`, port);
    const file = join(gatelodge.directory, 'gatelodge.yaml');
    const status = async () => (await ask(`http://127.0.0.1:${port}/validate`, { headers: check('/open') })).status;
    expect(await status()).toBe(401);
    await writeFile(file, `listen: {port: ${port}}\npaths: [{path: /open, authenticate: false}]\n`);
    gatelodge.signal('SIGHUP');
    await until(async () => (await status()) === 200);
    await writeFile(file, `listen: {port: ${port}}\npaths: [{pfad: /open}]\n`);
    gatelodge.signal('SIGHUP');
    await until(() => events(gatelodge, 'configuration.refused').length === 1);
    expect(await status()).toBe(200);
  });
});

describe('the log', () => {
  it('is one JSON line an event, without credentials and with people hashed', async () => {
    const port = await freePort();
    const gatelodge = await start(
      `listen: {port: ${port}}\nusers: [{username: alice, password: correct-horse, email: alice@example.com}]\n`,
      port,
    );
    const cookie = await login(port);
    await ask(`http://127.0.0.1:${port}/validate`, {
      headers: { ...check('/a?token=in-the-query'), Authorization: 'Bearer glk_stolen', 'X-Request-Id': 'req-17' },
    });
    await until(() => events(gatelodge, 'decision.refused').length > 0);
    const output = gatelodge.output();
    expect(events(gatelodge, 'login.succeeded')).toHaveLength(1);
    expect(events(gatelodge, 'decision.refused')[0]).toMatchObject({
      reason: 'credentials-rejected',
      path: '/a',
      requestId: 'req-17',
      audit: true,
    });
    const secret = (await readFile(join(gatelodge.directory, 'data', 'secret'), 'utf8')).trim();
    for (const said of [
      'alice',
      'correct-horse',
      'alice@example.com',
      'in-the-query',
      'glk_stolen',
      '127.0.0.2',
      cookie.split('=')[1] ?? '',
      secret,
    ]) {
      expect(output.includes(said), said).toBe(false);
    }
  });

  it('names people where it is told to', async () => {
    const port = await freePort();
    const gatelodge = await start(
      `listen: {port: ${port}}\nlog: {pii: plain}\nusers: [{username: alice, password: correct-horse}]\n`,
      port,
    );
    await login(port);
    await until(() => events(gatelodge, 'login.succeeded').length > 0);
    expect(events(gatelodge, 'login.succeeded')[0]).toMatchObject({ user: 'alice', address: '127.0.0.1' });
  });

  it('says once which header the front server has to send', async () => {
    const port = await freePort();
    const gatelodge = await start(`listen: {port: ${port}}\npaths: [{path: /x, authenticate: false}]\n`, port);
    for (let count = 0; count < 3; count += 1) {
      const answer = await ask(`http://127.0.0.1:${port}/validate`);
      expect([answer.status, answer.headers['x-auth-reason']]).toEqual([403, 'malformed-request']);
    }
    await until(() => events(gatelodge, 'decision.refused').length === 3);
    expect(events(gatelodge, 'front-server.no-target')).toHaveLength(1);
  });

  it('says once which front server it does not trust, and takes no stranger for one that sends too little', async () => {
    const port = await freePort();
    const yaml = `listen: {port: ${port}}\ntrusted_proxies: [192.0.2.1]\npaths: [{path: /x, authenticate: false}]\n`;
    const gatelodge = await start(yaml, port);
    for (let count = 0; count < 3; count += 1) {
      const answer = await ask(`http://127.0.0.1:${port}/validate`);
      expect([answer.status, answer.headers['x-auth-reason']]).toEqual([403, 'untrusted-peer']);
    }
    await until(() => events(gatelodge, 'decision.refused').length === 3);
    expect(events(gatelodge, 'front-server.untrusted')).toMatchObject([{ level: 'warn', peer: '127.0.0.1' }]);
    expect(events(gatelodge, 'front-server.no-target')).toEqual([]);
  });

  it('says so also where nothing below a warning is logged', async () => {
    const port = await freePort();
    const gatelodge = await start(
      `listen: {port: ${port}}\nlog: {level: warn}\npaths: [{path: /x, authenticate: false}]\n`,
      port,
    );
    await ask(`http://127.0.0.1:${port}/validate`);
    await until(() => events(gatelodge, 'front-server.no-target').length === 1);
    expect(events(gatelodge, 'decision.refused')).toEqual([]);
  });
});

describe('starting', () => {
  it('refuses a bad configuration, with every problem and its place', async () => {
    const port = await freePort();
    const gatelodge = await start(`listen: {port: ${port}}\n`, port);
    const file = join(gatelodge.directory, 'bad.yaml');
    await writeFile(file, 'listen: {prot: 1}\npaths:\n  - {path: /x, autenticate: false}\n');
    const failed = await promisify(execFile)(process.execPath, [ENTRY, 'serve', '-c', file]).catch(
      (error: { code: number; stderr: string }) => error,
    );
    expect(failed).toMatchObject({ code: 1 });
    expect(failed.stderr).toContain('bad.yaml:1:10: listen.prot:');
    expect(failed.stderr).toContain('bad.yaml:3:16: paths[0].autenticate:');
  });

  it('answers a request that comes in pieces, and one without a body although it announced one', async () => {
    const port = await freePort();
    await start(`listen: {port: ${port}}\n`, port);
    const answer = await rawRequest(
      port,
      'POST /validate HTTP/1.1\r\nHost: x\r\nX-Original-URL: https://app.example.com/\r\nX-Original-Method: POST\r\nContent-Length: 10\r\n\r\n',
      { until: '\r\n\r\n' },
    );
    expect(statusOf(answer)).toBe(401);
  });
});

async function login(port: number): Promise<string> {
  const form = await ask(`http://127.0.0.1:${port}/login`);
  const csrf = /name="csrf" value="([^"]+)"/.exec(form.body.toString())?.[1] ?? '';
  const formCookie = [form.headers['set-cookie'] ?? []]
    .flat()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
  const answer = await ask(`http://127.0.0.1:${port}/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Cookie: formCookie },
    body: new URLSearchParams({ username: 'alice', password: 'correct-horse', csrf }).toString(),
  });
  expect(answer.status).toBe(303);
  const cookie = [answer.headers['set-cookie'] ?? []].flat().find((one) => one.startsWith('gatelodge='));
  return cookie?.split(';')[0] ?? '';
}
