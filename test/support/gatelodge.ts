import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type RunningProgram, startProgram, waitUntil } from './child-process.ts';
import { ask } from './http-client.ts';
import { tempDir } from './temp-dir.ts';

/** What is started: the sources, or a built program that GATELODGE_ENTRY names. */
export const ENTRY = resolve(process.env['GATELODGE_ENTRY'] ?? 'src/bin.ts');

export interface Gatelodge {
  /** Its directory, which holds gatelodge.yaml and the data. */
  readonly directory: string;
  /** Its process; where there are workers, the one that started them. */
  pid(): number;
  /** Everything it said so far. */
  output(): string;
  /** Starts it again after `halt` on the same configuration and data. */
  start(): Promise<void>;
  /** Ends the process, and resolves to its exit code; everything on disk stays. */
  halt(signal?: NodeJS.Signals): Promise<number | null>;
  /** Sends a signal that the process is to survive. */
  signal(signal: NodeJS.Signals): void;
  /** Runs another command on the same configuration, such as `keys create …`; rejects where it fails. Resolves to its standard output. */
  run(...args: readonly string[]): Promise<string>;
  /** Ends the process and removes its directory. */
  stop(): Promise<void>;
}

/**
 * Starts `gatelodge serve` as a process of its own and waits until it is ready.
 * @param yaml the whole configuration; relative paths in it are below a new directory
 * @param ready where it listens: its port, or the path of a Unix socket relative to that directory
 * @param openFiles how many files and connections the system lets it have, where that is to be fewer than this process's
 */
export async function startGatelodge({
  yaml,
  ready,
  openFiles,
}: {
  readonly yaml: string;
  readonly ready: number | string;
  readonly openFiles?: number;
}): Promise<Gatelodge> {
  const directory = await tempDir();
  const file = join(directory.path, 'gatelodge.yaml');
  await writeFile(file, yaml, { mode: 0o600 });
  let program: RunningProgram | undefined;
  let said = '';

  const start = async (): Promise<void> => {
    said += program?.output() ?? '';
    const command = [process.execPath, ENTRY, 'serve', '-c', file];
    const limited = openFiles === undefined ? [] : ['/bin/sh', '-c', `ulimit -n ${openFiles}; exec "$@"`, 'sh'];
    const [first = '', ...rest] = [...limited, ...command];
    program = await startProgram(first, rest, { cwd: directory.path });
    const listener =
      typeof ready === 'number'
        ? { url: `http://127.0.0.1:${ready}/readyz` }
        : { url: 'http://localhost/readyz', socketPath: join(directory.path, ready) };
    await waitUntil('gatelodge', () => answersReady(listener), program, 50_000);
  };
  const halt = async (signal?: NodeJS.Signals): Promise<number | null> => (await program?.stop(signal)) ?? null;
  const stop = async (): Promise<void> => {
    await halt();
    await directory.remove();
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    directory: directory.path,
    pid: () => program?.pid ?? 0,
    output: () => said + (program?.output() ?? ''),
    start,
    halt,
    signal: (signal) => void process.kill(program?.pid ?? 0, signal),
    run: (...args) => runCommand([...args, '-c', file], directory.path),
    stop,
  };
}

async function answersReady({ url, socketPath }: { url: string; socketPath?: string }): Promise<boolean> {
  try {
    const answer = await ask(url, socketPath === undefined ? {} : { socketPath });
    return answer.status === 200;
  } catch {
    return false;
  }
}

function runCommand(args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolveOutput, reject) => {
    execFile(process.execPath, [ENTRY, ...args], { cwd }, (error, stdout, stderr) => {
      if (error === null) resolveOutput(stdout);
      else reject(new Error(`gatelodge ${args.join(' ')}: ${stderr || error.message}`));
    });
  });
}
