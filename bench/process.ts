import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { findProgram } from '../test/support/skip.ts';

/** Whether processes can be tied to cores here. */
export const PINNED = findProgram('taskset') !== null && availableParallelism() > 1;
const SERVER_CORE = '0';
const LOAD_CORE = '1';

/** A server under test, alone with its like on one core. */
export interface MeasuredProcess {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** Ties this process, which makes the load, to the other core. */
export function pinLoad(): void {
  if (PINNED) execFileSync('taskset', ['-a', '-c', '-p', LOAD_CORE, String(process.pid)], { stdio: 'ignore' });
}

/** CPU time that a process has used so far, all its threads together, in ms; NaN where there is no /proc. The kernel counts it in steps of 10 ms. */
export function cpuTime(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return Number.NaN;
  }
}

/** Starts the bare server with an answer to give. */
export async function startBare(answer: unknown): Promise<MeasuredProcess> {
  const child = startNode([`${import.meta.dirname}/bare-server.ts`, JSON.stringify(answer)], 'pipe');
  if (child.stdout === null) throw new Error('the bare server has no output');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]; // readline's event has one line
  return { pid: child.pid ?? 0, port: Number(line), stop: () => stop(child) };
}

/**
 * Starts `gatelodge serve` on a port that its configuration names, and waits until it is ready. Its log goes to /dev/null: every line is
 * made and written, as in production.
 * @param nodeOptions for Node.js itself
 */
export async function startGatelodge(
  entry: string,
  configuration: string,
  port: number,
  nodeOptions: readonly string[] = [],
): Promise<MeasuredProcess> {
  const child = startNode([...nodeOptions, entry, 'serve', '-c', configuration], 'ignore');
  for (let left = 1_200; !(await isReady(port)); left -= 1) {
    if (child.exitCode !== null || left === 0) throw new Error('gatelodge did not start');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { pid: child.pid ?? 0, port, stop: () => stop(child) };
}

function startNode(args: readonly string[], stdout: 'pipe' | 'ignore'): ChildProcess {
  const [file, ...before] = PINNED ? ['taskset', '-c', SERVER_CORE, process.execPath] : [process.execPath];
  // taskset becomes the program it starts: the process id is the server's.
  return spawn(file ?? process.execPath, [...before, ...args], { stdio: ['ignore', stdout, 'inherit'] });
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  } catch {
    return false;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
