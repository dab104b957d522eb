import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** A program that a test runs beside itself. */
export interface RunningProgram {
  readonly pid: number;
  /** Standard output and standard error, in the order they came. */
  output(): string;
  readonly exited: boolean;
  /** Sends the signal and waits for the end; kills after 15 s. Resolves to the exit code, null after a signal's death. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** A test run that is broken off must leave nothing running. */
const running = new Set<ChildProcess>();
const endAll = (): void => {
  for (const child of running) child.kill('SIGTERM');
};
process.once('exit', endAll);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.once(signal, () => {
    endAll();
    process.kill(process.pid, signal);
  });
}

/** Starts a program; throws what the operating system says where it cannot be started. */
export async function startProgram(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<RunningProgram> {
  const child: ChildProcess = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output += chunk.toString('utf8');
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  await once(child, 'spawn');
  running.add(child);
  child.once('exit', () => running.delete(child));
  const pid = child.pid ?? 0;
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    pid,
    output: () => output,
    get exited() {
      return hasEnded();
    },
    async stop(signal = 'SIGTERM') {
      if (hasEnded()) return child.exitCode;
      const ended = once(child, 'exit');
      child.kill(signal);
      const killer = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await ended;
      clearTimeout(killer);
      return child.exitCode;
    },
  };
}

/** Asks again every 25 ms until the answer is true. @throws after the time, or when the program ended before, with what it said */
export async function waitUntil(
  what: string,
  ready: () => Promise<boolean>,
  program: RunningProgram,
  timeout = 30_000,
): Promise<void> {
  const end = Date.now() + timeout;
  while (!(await ready())) {
    if (program.exited) throw new Error(`${what}: ended\n${program.output()}`);
    if (Date.now() > end) throw new Error(`${what}: not ready after ${timeout} ms\n${program.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** The processes that a process has started and that have not ended. Linux alone. */
export function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.split(' ').filter(Boolean).map(Number);
}
