import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { FRONT_SERVERS } from '../../scripts/demo/front-servers.ts';
import { findProgram, missing } from '../support/skip.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';

const directories: TempDir[] = [];
afterEach(async () => {
  for (const directory of directories.splice(0)) await directory.remove();
});

interface RunningDemo {
  readonly pid: number;
  /** Where everything that it writes goes. */
  readonly files: string;
  output(): string;
  readonly ended: Promise<number | null>;
}

async function startDemo(frontServer: string): Promise<RunningDemo> {
  const directory = await tempDir();
  directories.push(directory);
  // In a group of its own, as a terminal would have it.
  const child = spawn(process.execPath, ['scripts/demo.ts', frontServer], {
    env: { ...process.env, TMPDIR: directory.path },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  const ended = once(child, 'exit').then(([code]) => (typeof code === 'number' ? code : null));
  const pid = child.pid ?? 0;
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL');
  });
  return { pid, files: directory.path, output: () => output, ended };
}

async function says(demo: RunningDemo, text: string): Promise<void> {
  for (let left = 600; !demo.output().includes(text); left -= 1) {
    if (left === 0) throw new Error(`the demo does not say ${text}\n${demo.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The process and all that it started, directly or not. */
function family(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => statusLine(name, 'PPid') === String(pid))
    .map(Number);
  return [pid, ...children.flatMap(family)];
}

function statusLine(pid: string, field: string): string | undefined {
  try {
    return new RegExp(`^${field}:\\s+(\\S+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

const alive = (pid: number): boolean => !['Z', undefined].includes(statusLine(String(pid), 'State'));

/** Runs the printed lines as they stand, in one shell. */
async function follow(demo: RunningDemo): Promise<string[]> {
  const lines = demo.output().split('\n');
  const commands = lines.filter((line) => /^(?:curl|TOKEN=)/.test(line));
  const script = commands.map((line) => `${line}\nprintf '\\n=====\\n'`).join('\n');
  const { stdout } = await promisify(execFile)('sh', ['-c', script]);
  return stdout.split('\n=====\n').slice(0, -1);
}

describe.skipIf(missing('openssl', 'curl'))('npm run demo', () => {
  for (const frontServer of FRONT_SERVERS) {
    const absent = missing(frontServer);
    test.skipIf(absent)(`${frontServer}: its lines work as they are printed, and Ctrl-C leaves nothing`, async () => {
      const demo = await startDemo(frontServer);
      await says(demo, 'Ctrl-C ends everything');
      const [nobody = '', health = '', basic = '', , admin = ''] = await follow(demo);
      expect(nobody).toMatch(/^HTTP\/\S+ 302/);
      expect(nobody).toMatch(/^location: https:\/\/app\.localhost:\d+\/gatelodge\/login\?rd=/im);
      expect(JSON.parse(health)).toMatchObject({ path: '/health' });
      expect(JSON.parse(basic)).toMatchObject({ path: '/api/hello', 'x-auth-user': 'alice', 'x-auth-roles': 'user' });
      expect(JSON.parse(admin)).toMatchObject({ path: '/admin', 'x-auth-user': 'admin', 'x-auth-method': 'token' });

      const processes = family(demo.pid);
      // The demo, gatelodge and the front server at least.
      expect(processes.length).toBeGreaterThanOrEqual(3);
      process.kill(-demo.pid, 'SIGINT');
      expect(await demo.ended).toBe(0);
      expect(processes.filter(alive)).toEqual([]);
      expect(readdirSync(demo.files)).toEqual([]);
    });
  }

  const first = FRONT_SERVERS.find((name) => findProgram(name) !== null);
  test.skipIf(first === undefined)(
    'SIGTERM to the demo alone, and Ctrl-C while it starts, leave nothing either',
    async () => {
      const demo = await startDemo(first ?? '');
      await says(demo, 'Ctrl-C ends everything');
      const processes = family(demo.pid);
      process.kill(demo.pid, 'SIGTERM');
      expect(await demo.ended).toBe(0);
      expect(processes.filter(alive)).toEqual([]);
      expect(readdirSync(demo.files)).toEqual([]);

      const early = await startDemo(first ?? '');
      await says(early, 'Starting');
      for (let left = 400; family(early.pid).length < 2 && left > 0; left -= 1)
        await new Promise((resolve) => setTimeout(resolve, 10));
      const begun = family(early.pid);
      process.kill(-early.pid, 'SIGINT');
      expect(await early.ended).toBe(0);
      expect(begun.filter(alive)).toEqual([]);
      expect(existsSync(early.files) && readdirSync(early.files)).toEqual([]);
    },
  );

  test('exits 1 with one line where it cannot start', async () => {
    const failed = await promisify(execFile)(process.execPath, ['scripts/demo.ts', 'apache']).catch(
      (error: { code: number; stderr: string }) => error,
    );
    expect(failed).toMatchObject({ code: 1, stderr: 'the demo knows nginx, caddy, traefik, haproxy, not apache\n' });
  });
});
