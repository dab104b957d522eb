import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { findProgram } from '../test/support/skip.ts';

/** Whether processes can be tied to cores here. */
export const PINNED = findProgram('taskset') !== null && availableParallelism() > 1;
const LOAD_CORE = '1';
/** Where a server runs, as taskset names it: alone with its like, or on all that the load leaves; where there are two, the load shares them. */
export const ONE_CORE = '0';
export const SEVERAL_CORES = availableParallelism() > 2 ? `0,2-${availableParallelism() - 1}` : '0,1';
/** In ms. */
const PATIENCE = 60_000;
const POLL = 5;

/** A server under test. */
export interface MeasuredProcess {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}
/** One that was waited for. */
export interface ReadyProcess extends MeasuredProcess {
  /** From the start of the process to its first good answer, in ms. */
  readonly readyAfter: number;
}

/** Ties this process, which makes the load, to the other core. */
export function pinLoad(): void {
  if (PINNED) execFileSync('taskset', ['-a', '-c', '-p', LOAD_CORE, String(process.pid)], { stdio: 'ignore' });
}

/** Starts the bare server with an answer to give. */
export async function startBare(answer: unknown): Promise<MeasuredProcess> {
  const program = [process.execPath, `${import.meta.dirname}/bare-server.ts`, JSON.stringify(answer)];
  const child = start(program, ONE_CORE, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('the bare server has no output');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]; // readline's event has one line
  return { pid: child.pid ?? 0, port: Number(line), stop: () => stop(child) };
}

export interface ServerOptions {
  readonly program: readonly string[];
  readonly port: number;
  /** A path, or a whole URL, that is answered with a good status as soon as it is ready. */
  readonly ready: string;
  readonly cores?: string;
  readonly cwd?: string;
  /** Descriptor of a file for its standard output, which is /dev/null otherwise: every line is made and written, as in production. */
  readonly output?: number;
  /** Whether its standard error is thrown away as well: where it has its log. */
  readonly silent?: boolean;
}

/** Starts a server and waits until it is ready. */
export async function startServer({
  program,
  port,
  ready,
  cores = ONE_CORE,
  cwd,
  output,
  silent = false,
}: ServerOptions): Promise<ReadyProcess> {
  const url = new URL(ready, `http://127.0.0.1:${port}`);
  const began = performance.now();
  const child = start(program, cores, {
    stdio: ['ignore', output ?? 'ignore', silent ? 'ignore' : 'inherit'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  while (!(await answersWell(url))) {
    if (child.exitCode !== null || performance.now() - began > PATIENCE) {
      await stop(child);
      throw new Error(`${program[0]?.replace(/^.*\//, '')} did not start`);
    }
    await wait(POLL);
  }
  const readyAfter = performance.now() - began;
  return { pid: child.pid ?? 0, port, readyAfter, stop: () => stop(child) };
}

function start(program: readonly string[], cores: string, options: SpawnOptions): ChildProcess {
  // taskset becomes the program it starts: the process id is the server's.
  const [file = '', ...args] = PINNED ? ['taskset', '-c', cores, ...program] : program;
  return spawn(file, args, options);
}

async function answersWell(url: URL): Promise<boolean> {
  try {
    const answer = await fetch(url);
    await answer.body?.cancel();
    return answer.ok;
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
