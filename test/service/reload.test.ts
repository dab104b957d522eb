import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { run } from '../cli/run-command.ts';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { ask } from '../support/http-client.ts';

const running: Gatelodge[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((gatelodge) => gatelodge.stop()));
});

interface Service extends Gatelodge {
  readonly base: string;
  readonly pidFile: string;
  /** Puts another configuration in the place of the present one, as a whole. */
  write(more: string): Promise<void>;
  /** `gatelodge reload` on it, in this process and its environment. */
  reload(env?: Record<string, string>): ReturnType<typeof run>;
}

async function serve(more = ''): Promise<Service> {
  const port = await freePort();
  const first = `listen: {port: ${port}}\nusers: [{username: alice, password: correct-horse}]\n`;
  const gatelodge = await startGatelodge({ yaml: first + more, ready: port });
  running.push(gatelodge);
  const file = join(gatelodge.directory, 'gatelodge.yaml');
  const pidFile = join(gatelodge.directory, 'data', 'gatelodge.pid');
  await said(gatelodge, 'service.ready');
  return {
    ...gatelodge,
    ...{ base: `http://127.0.0.1:${port}`, pidFile },
    async write(text) {
      await writeFile(`${file}.new`, first + text, { mode: 0o600 });
      await rename(`${file}.new`, file);
    },
    reload: (env = {}) => run(['reload', '-c', file], { env }),
  };
}

const OPEN = 'paths: [{path: /open, authenticate: false}]\n';
const about = (path: string) => ({ 'x-original-url': `https://app.example.com${path}`, 'x-original-method': 'GET' });
const status = async ({ base }: Service) => (await ask(`${base}/validate`, { headers: about('/open') })).status;

describe('gatelodge reload', () => {
  it.each(['', 'workers: 2\n'])('says that it holds when it does (%j)', async (workers) => {
    const service = await serve(workers);
    for (let times = 0; times < 3; times += 1) {
      await service.write(workers + OPEN);
      const done = await service.reload();
      expect([done.code, done.err, done.out]).toEqual([0, '', expect.stringContaining('has reloaded')]);
      expect(await status(service)).toBe(200);
      await service.write(workers);
      expect((await service.reload()).code).toBe(0);
      expect(await status(service)).toBe(401);
    }
  });

  it('prints everything that is wrong, and sends nothing', async () => {
    const service = await serve(OPEN);
    await service.write('paths:\n  - {pfad: /open}\n  - {path: /x, autenticate: false}\n');
    const { code, err } = await service.reload();
    expect(code).toBe(1);
    expect(err).toContain('gatelodge.yaml:4:6: paths[0].pfad:');
    expect(err).toContain('gatelodge.yaml:5:16: paths[1].autenticate:');
    await sleep(200);
    expect(service.output()).not.toContain('configuration.refused');
    expect(await status(service)).toBe(200);
  });

  it.each(['', 'workers: 2\n'])('says that the service refused what it could not use (%j)', async (workers) => {
    const service = await serve(workers + OPEN);
    // Set here, and not where the service runs.
    await service.write(`${workers}branding: {name: "$\{ONLY_HERE}"}\n`);
    const { code, err } = await service.reload({ ONLY_HERE: 'x' });
    expect([code, err]).toEqual([1, expect.stringContaining('has refused')]);
    await said(service, 'configuration.refused');
    expect(await status(service)).toBe(200);
  });

  it('finds no service before one runs, after it has stopped and after it was killed', async () => {
    const service = await serve();
    expect(statSync(service.pidFile).mode & 0o777).toBe(0o600);
    await service.halt('SIGTERM');
    expect(() => statSync(service.pidFile)).toThrow(/ENOENT/);
    expect(await service.reload()).toMatchObject({ code: 1, err: expect.stringContaining('no service runs') });
    await service.start();
    await said(service, 'service.ready', 2);
    await service.halt('SIGKILL');
    expect(statSync(service.pidFile).isFile()).toBe(true);
    expect(await service.reload()).toMatchObject({ code: 1, err: expect.stringContaining('no service runs') });
    await service.start();
    await said(service, 'service.ready', 3);
    expect((await service.reload()).code).toBe(0);
  });

  it('tells of what is changed in the file and stays as it was until a restart', async () => {
    const service = await serve();
    await service.write(OPEN);
    expect((await service.reload()).code).toBe(0);
    expect(service.output()).not.toContain('configuration.needs-restart');
    await service.write('shutdown_timeout: 3s\nmetrics: {listen: {port: 0}}\n');
    expect((await service.reload()).code).toBe(0);
    await said(service, 'configuration.needs-restart');
    expect(service.output()).toContain('"keys":"metrics, shutdown_timeout"');
  });

  it('stays with the data it has: others would know nothing of who is locked', async () => {
    const service = await serve('auth_plugins: {basic: {}}\n');
    const file = join(service.directory, 'gatelodge.yaml');
    const login = { authorization: `Basic ${btoa('alice:correct-horse')}` };
    const asAlice = async () =>
      (await ask(`${service.base}/validate`, { headers: { ...about('/'), ...login } })).status;
    expect(await asAlice()).toBe(200);
    expect((await run(['users', 'lock', 'alice', '-c', file])).code).toBe(0);
    await service.write('auth_plugins: {basic: {}}\ndata_dir: ./other\n');
    process.kill(Number(readFileSync(service.pidFile, 'utf8').split('\n', 1)[0]), 'SIGHUP');
    await said(service, 'configuration.needs-restart');
    expect(await asAlice()).toBe(401);
    expect(existsSync(join(service.directory, 'other'))).toBe(false);
  });

  it('signals no other process that has the number now', async () => {
    const service = await serve();
    await service.halt('SIGKILL');
    // SIGHUP would end it.
    const stranger = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'ignore' });
    onTestFinished(() => void stranger.kill('SIGKILL'));
    const [, ...rest] = readFileSync(service.pidFile, 'utf8').split('\n');
    for (const text of [
      [stranger.pid, ...rest].join('\n'),
      `${stranger.pid}\n`,
      `${stranger.pid}`,
      '-1\n\n',
      '0',
      '',
      'x\ny',
    ]) {
      await writeFile(service.pidFile, text);
      expect((await service.reload()).code, text).toBe(1);
    }
    await sleep(100);
    expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null]);
  });
});

describe('a reload', () => {
  it.each(['', 'workers: 2\n'])('drops no request under load (%j)', async (workers) => {
    const service = await serve(workers + OPEN);
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    onTestFinished(() => agent.destroy());
    let going = true;
    const answers = new Map<string, number>();
    const count = (what: string) => answers.set(what, (answers.get(what) ?? 0) + 1);
    // Half of them on connections that stay, half on a new one each time.
    const load = Array.from({ length: 12 }, async (_, index) => {
      while (going) count(await once(`${service.base}/validate`, index % 2 === 0 ? agent : false));
    });
    for (let times = 0; times < 5; times += 1) {
      await service.write(`${workers}${OPEN}branding: {name: "${times}"}\n`);
      expect((await service.reload()).code).toBe(0);
    }
    going = false;
    await Promise.all(load);
    expect([...answers.keys()]).toEqual(['200']);
    expect(answers.get('200')).toBeGreaterThan(500);
  });

  it('forgets no failed login', async () => {
    const limits = 'login_limits: {account: {attempts: 3, window: 10m, lock: 10m}}\n';
    const service = await serve(limits);
    const tryIt = async (password: string) =>
      (
        await ask(`${service.base}/auth`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ username: 'alice', password }),
        })
      ).status;
    expect([await tryIt('a'), await tryIt('b')]).toEqual([401, 401]);
    expect((await service.reload()).code).toBe(0);
    expect(await tryIt('c')).toBe(401);
    expect((await service.reload()).code).toBe(0);
    expect(await tryIt('correct-horse')).toBe(429);
  });
});

/** Waits until the log has the event so many times. */
async function said(gatelodge: Gatelodge, event: string, times = 1): Promise<void> {
  for (let left = 1_000; left > 0; left -= 1) {
    if (gatelodge.output().split(`"${event}"`).length > times) return;
    await sleep(25);
  }
  throw new Error(`never ${event}`);
}

/** One check; its status, or what failed. */
function once(url: string, agent: Agent | false): Promise<string> {
  return new Promise((resolve) => {
    request(url, { agent, headers: about('/open') }, (response) => {
      response.resume();
      response.on('end', () => resolve(String(response.statusCode)));
      response.on('error', (error) => resolve(error.message));
    })
      .on('error', (error) => resolve(error.message))
      .end();
  });
}
