import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { type Answer, ask } from '../support/http-client.ts';
import { logIn } from '../support/login.ts';
import { scrape } from '../support/scrape.ts';

/** What is passed on a moment later, in ms. */
const SOON = 100;
/** Each on a connection of its own, which goes to the workers in turn. */
const ROUND = 8;

const running: Gatelodge[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((gatelodge) => gatelodge.stop()));
});

interface Service extends Gatelodge {
  readonly base: string;
  /** The process that started the workers. */
  primary(): number;
  workers(): number[];
}

async function serve(yaml: string): Promise<Service> {
  const port = await freePort();
  const gatelodge = await startGatelodge({
    yaml: `
listen: {port: ${port}}
workers: 2
users: [{username: alice, password: correct-horse}]
auth_plugins: {session: {}, basic: {}, token: {}, apikey: {}}
${yaml}`,
    ready: port,
  });
  running.push(gatelodge);
  const primary = () => primaryOf(gatelodge);
  await until(() => gatelodge.output().includes('service.ready'));
  return { ...gatelodge, base: `http://127.0.0.1:${port}`, primary, workers: () => childrenOf(primary()) };
}

function primaryOf({ directory }: Gatelodge): number {
  return Number(readFileSync(join(directory, 'data', 'gatelodge.pid'), 'utf8').split('\n')[0]);
}
function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.split(' ').filter(Boolean).map(Number);
}
function isAlive(pid: number): boolean {
  try {
    // A zombie has ended, and is waited for by whoever takes it over.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
async function until(what: () => boolean | Promise<boolean>, patience = 30_000): Promise<void> {
  for (const end = performance.now() + patience; performance.now() < end; await sleep(20)) if (await what()) return;
  throw new Error('it did not happen');
}

const about = (path: string, headers: Record<string, string>) => ({
  headers: { 'x-original-url': `https://app.example.com${path}`, 'x-original-method': 'GET', ...headers },
});
const check = ({ base }: Service, headers: Record<string, string>, path = '/') =>
  ask(`${base}/validate`, about(path, headers));
/** Every status that a round of checks is answered with. */
async function statuses(service: Service, headers: Record<string, string>, path = '/'): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: ROUND }, () => check(service, headers, path)));
  return [...new Set(answers.map(({ status }) => status))];
}
const session = async ({ base }: Service) => ({
  cookie: (await logIn(`${base}/login`, 'alice', 'correct-horse')).jar.header(),
});
const basic = (password: string) => ({
  authorization: `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`,
});
function send({ base }: Pick<Service, 'base'>, path: string, body: Record<string, string>): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  return ask(`${base}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
}
const post = (service: Pick<Service, 'base'>, password: string) =>
  send(service, '/auth', { username: 'alice', password });
// What it is, is asserted by what is done with it.
const tokensOf = ({ body }: Answer) => JSON.parse(body.toString()) as { token: string; refresh_token: string };
const bearer = ({ token }: { readonly token: string }) => ({ authorization: `Bearer ${token}` });

describe('what one worker knows, all know', () => {
  it('a login and a logout, when the call is answered', async () => {
    const service = await serve('');
    expect(service.workers()).toHaveLength(2);
    const { base } = service;
    for (let times = 0; times < 3; times += 1) {
      const { jar } = await logIn(`${base}/login`, 'alice', 'correct-horse');
      const cookie = { cookie: jar.header() };
      expect(await statuses(service, cookie)).toEqual([200]);
      const page = await ask(`${base}/logout`, { headers: cookie });
      jar.take(page);
      const csrf = /name="csrf" value="([^"]+)"/.exec(page.body.toString())?.[1] ?? '';
      const answer = await ask(`${base}/logout`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: jar.header(), origin: base },
        body: new URLSearchParams({ csrf }).toString(),
      });
      expect(answer.status).toBe(303);
      expect(await statuses(service, cookie)).toEqual([401]);
    }
  });

  it('a lock, a new password and a revoked key, when the command is done', async () => {
    const service = await serve('');
    await service.run('users', 'add', 'bob', '--generate');
    const text = (await service.run('keys', 'create', '--user', 'bob', '--name', 'x')).trim();
    const key = { 'x-api-key': text };
    expect(await statuses(service, key)).toEqual([200]);
    await service.run('users', 'lock', 'bob');
    expect(await statuses(service, key)).toEqual([401]);
    await service.run('users', 'unlock', 'bob');
    expect(await statuses(service, key)).toEqual([200]);
    await service.run('keys', 'revoke', text.split('.')[0] ?? '');
    expect(await statuses(service, key)).toEqual([401]);

    const cookie = await session(service);
    expect(await statuses(service, cookie)).toEqual([200]);
    expect(await statuses(service, basic('correct-horse'))).toEqual([200]);
    const password = (await service.run('users', 'password', 'alice', '--generate')).trim();
    expect(await statuses(service, cookie)).toEqual([401]);
    expect(await statuses(service, basic('correct-horse'))).toEqual([401]);
    expect(await statuses(service, basic(password))).toEqual([200]);
  });

  it('a token that was revoked, when the call is answered, one by one and by whole logins', async () => {
    const service = await serve('');
    for (const name of ['token', 'refresh_token', 'token', 'refresh_token'] as const) {
      const first = tokensOf(await post(service, 'correct-horse'));
      const next = tokensOf(await send(service, '/refresh', { refresh_token: first.refresh_token }));
      expect(await statuses(service, bearer(first))).toEqual([200]);
      expect(await statuses(service, bearer(next))).toEqual([200]);
      expect((await send(service, '/revoke', { token: first[name] })).status).toBe(200);
      expect(await statuses(service, bearer(first))).toEqual([401]);
      expect(await statuses(service, bearer(next))).toEqual([name === 'token' ? 200 : 401]);
    }
    const held = tokensOf(await post(service, 'correct-horse'));
    await service.run('tokens', 'revoke', '--user', 'alice');
    expect(await statuses(service, bearer(held))).toEqual([401]);
  });

  it('who won, of a hundred that refresh with one token in all workers', async () => {
    const service = await serve('');
    const { refresh_token: spent } = tokensOf(await post(service, 'correct-horse'));
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => send(service, '/refresh', { refresh_token: spent })),
    );
    const won = answers.filter(({ status }) => status === 200).map(tokensOf);
    expect(new Set(won.map((tokens) => tokens.refresh_token)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 409).length + won.length).toBe(100);
    expect((await send(service, '/refresh', { refresh_token: won[0]?.refresh_token ?? '' })).status).toBe(200);
  });

  it('failed logins, which are counted once', async () => {
    const service = await serve('login_limits: {account: {attempts: 3, window: 10m, lock: 10m}}\n');
    const answers: number[] = [];
    for (let times = 0; times < 8; times += 1) answers.push((await post(service, `wrong ${times}`)).status);
    expect(answers).toEqual([401, 401, 401, 429, 429, 429, 429, 429]);
    expect((await post(service, 'correct-horse')).status).toBe(429);
    await service.run('users', 'unlock', 'alice');
    await until(async () => (await post(service, 'correct-horse')).status === 200);
  });

  it('how much of a rule’s limit is used', async () => {
    const service = await serve(
      'paths: [{path: /limited, authenticate: false, rate_limit: {requests: 10, per: 1h}}]\n',
    );
    const answers: number[] = [];
    for (let times = 0; times < 24; times += 1) {
      answers.push((await check(service, {}, '/limited')).status);
      // What one worker has let through is told the others after 40 ms. On a busy machine that takes longer.
      if (answers.at(-1) === 200) await sleep(4 * SOON);
    }
    expect(answers.filter((status) => status === 200)).toHaveLength(10);
    expect(new Set(answers.slice(-10))).toEqual(new Set([403]));
  });
});

describe('processes', () => {
  it('replaces a worker that was killed, and keeps sessions and failed logins', async () => {
    const service = await serve('login_limits: {account: {attempts: 3, window: 10m, lock: 10m}}\n');
    const cookie = await session(service);
    for (let times = 0; times < 3; times += 1) await post(service, `wrong ${times}`);
    const before = service.workers();
    process.kill(before[0] ?? 0, 'SIGKILL');
    await until(() => service.output().includes('worker.lost'));
    expect(await statuses(service, cookie)).toEqual([200]);
    await until(() => service.workers().length === 2);
    expect(service.workers()).not.toContain(before[0]);
    expect(await statuses(service, cookie)).toEqual([200]);
    expect((await post(service, 'correct-horse')).status).toBe(429);
  });

  it('finishes what is in flight on SIGTERM and exits 0, workers and all', async () => {
    const service = await serve('');
    const pids = service.workers();
    const answers = Array.from({ length: ROUND }, () => post(service, 'correct-horse'));
    await sleep(30);
    const began = performance.now();
    expect(await service.halt('SIGTERM')).toBe(0);
    // Long before it would be ended.
    expect(performance.now() - began).toBeLessThan(9_000);
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(ROUND).fill(200));
    expect(pids.filter(isAlive)).toEqual([]);
    expect(() => primaryOf(service)).toThrow(/ENOENT/);
  });

  it('exits 0 on SIGTERM also while workers are still starting', async () => {
    const port = await freePort();
    const gatelodge = await startGatelodge({ yaml: `listen: {port: ${port}}\nworkers: 4\n`, ready: port });
    running.push(gatelodge);
    // One of them answers; the others hardly do.
    expect(await gatelodge.halt('SIGTERM')).toBe(0);
    expect(gatelodge.output()).not.toContain('could not start');
  });

  it('ends with the one that started them, however that ends', async () => {
    const service = await serve('');
    const pids = service.workers();
    expect(pids.filter(isAlive)).toHaveLength(2);
    await service.halt('SIGKILL');
    await until(() => pids.filter(isAlive).length === 0);
  });

  it('exits 1 where the workers cannot listen', async () => {
    const taken = await serve('');
    const port = new URL(taken.base).port;
    const failed = await taken.run('serve').then(
      () => 'served',
      (error: Error) => error.message,
    );
    expect(failed).toMatch(/cannot listen on 127\.0\.0\.1:\d+: something listens there already.* \(EADDRINUSE\)/);
    expect((await ask(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    // Whoever could not start is not the one to be told to reload.
    expect(await taken.run('reload')).toContain(`process ${taken.primary()}`);
  });

  it('listens on a Unix socket', async () => {
    const yaml = 'listen: {socket: gate.sock, socket_chmod: "660"}\nworkers: 2\n';
    const gatelodge = await startGatelodge({ yaml, ready: 'gate.sock' });
    running.push(gatelodge);
    await until(() => gatelodge.output().includes('service.ready'));
    const socketPath = join(gatelodge.directory, 'gate.sock');
    const asked = () => ask('http://localhost/validate', { socketPath, ...about('/', {}) });
    const answers = await Promise.all(Array.from({ length: ROUND }, asked));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(childrenOf(primaryOf(gatelodge))).toHaveLength(2);
    await gatelodge.halt('SIGKILL');
    await gatelodge.start();
    expect((await asked()).status).toBe(401);
  });
});

describe('a reload', () => {
  it('holds in all workers, and a bad file in none', async () => {
    const service = await serve('');
    const file = join(service.directory, 'gatelodge.yaml');
    const yaml = readFileSync(file, 'utf8');
    expect(await statuses(service, {}, '/open')).toEqual([401]);
    await writeFile(file, `${yaml}paths: [{path: /open, authenticate: false}]\n`);
    process.kill(service.primary(), 'SIGHUP');
    await until(() => service.output().split('configuration.reloaded').length === 3);
    expect(await statuses(service, {}, '/open')).toEqual([200]);
    await writeFile(file, `${yaml}paths: [{pfad: /open}]\n`);
    process.kill(service.primary(), 'SIGHUP');
    await until(() => service.output().includes('configuration.refused'));
    expect(await statuses(service, {}, '/open')).toEqual([200]);
    // A hangup of the terminal reaches all of them.
    for (const pid of service.workers()) process.kill(pid, 'SIGHUP');
    await sleep(SOON);
    expect(service.workers().filter(isAlive)).toHaveLength(2);
  });
});

describe('metrics', () => {
  it('are the sum over all workers, and go without one that does not answer', async () => {
    const port = await freePort();
    const service = await serve(`metrics: {listen: {port: ${port}}}\n`);
    const metrics = `http://127.0.0.1:${port}/metrics`;
    const cookie = await session(service);
    for (let times = 0; times < 3; times += 1) expect(await statuses(service, cookie)).toEqual([200]);
    const allowed = 'gatelodge_decisions_total{effect="allow",reason="none",rule="default"}';
    const all = await scrape(metrics);
    expect(all(allowed)).toBe(3 * ROUND);
    expect(all('gatelodge_decision_duration_seconds_count')).toBe(3 * ROUND);
    expect(all('gatelodge_sessions_live')).toBe(1);
    expect(all('gatelodge_cache_entries{cache="sessions"}')).toBe(2);
    expect(all('gatelodge_workers{state="answered"}')).toBe(2);
    expect(all.text).toMatch(/^gatelodge_build_info\{.*\} 1$/m);

    const [stuck = 0] = service.workers();
    process.kill(stuck, 'SIGSTOP');
    const began = performance.now();
    const without = await scrape(metrics);
    expect(performance.now() - began).toBeLessThan(10_000);
    process.kill(stuck, 'SIGCONT');
    expect(without('gatelodge_workers{state="late"}')).toBe(1);
    expect(without('gatelodge_worker_answers_missed_total')).toBe(1);
    expect(without('gatelodge_cache_entries{cache="sessions"}')).toBe(1);
    expect(without(allowed)).toBe(3 * ROUND);

    process.kill(stuck, 'SIGKILL');
    await until(async () => (await scrape(metrics))('gatelodge_workers{state="answered"}') === 2);
    const replaced = await scrape(metrics);
    expect(replaced(allowed)).toBe(3 * ROUND);
    expect(replaced('gatelodge_workers_lost_total')).toBe(1);
  });
});
