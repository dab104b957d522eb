import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { GatelodgeError } from './domain/errors.ts';

/*
 * data_dir/gatelodge.pid, four lines: the process's number, when it started, its configuration file, and how its last reload
 * ended. A number alone may be another process's by now; number and start together are nobody else's.
 */
const NAME = 'gatelodge.pid';

export interface Reload {
  /** When reading the file began, in ms since the epoch: whatever was changed before is in it. */
  readonly began: number;
  readonly well: boolean;
}

export interface RunningService {
  readonly pid: number;
  /** The configuration that it reads, as an absolute path. */
  readonly file: string;
  /** null where it has not reloaded yet. */
  readonly lastReload: Reload | null;
}

export interface PidFile {
  /** Writes down how a reload ended. Throws what the file system throws. */
  reloaded(reload: Reload): void;
}

/** Says in the data directory that this process serves; it is taken back when the process ends. Throws what the file system throws. */
export function createPidFile(directory: string, file: string): PidFile {
  const path = join(directory, NAME);
  const head = [process.pid, processStart(process.pid) ?? '', resolve(file)];
  const write = (reload: string) => {
    // Written aside: whoever reads meanwhile finds the whole of one or of the other.
    const aside = join(directory, `.${NAME}.${randomBytes(8).toString('hex')}`);
    writeFileSync(aside, `${[...head, reload].join('\n')}\n`, { mode: 0o600, flag: 'wx' });
    renameSync(aside, path);
  };
  write('');
  process.once('exit', () => {
    // Another service on the same data may have put its own there.
    if (findService(directory)?.pid === process.pid) rmSync(path, { force: true });
  });
  return { reloaded: ({ began, well }) => write(`${began} ${well ? 'done' : 'refused'}`) };
}

/**
 * The service that runs on this data directory, null where none does: a file that a killed one left behind is recognised.
 * @throws GatelodgeError `not-found` where the file cannot be read
 */
export function findService(directory: string): RunningService | null {
  let text: string;
  try {
    text = readFileSync(join(directory, NAME), 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return null;
    throw new GatelodgeError('not-found', `${join(directory, NAME)} cannot be read`, { cause: error });
  }
  const [number = '', start = '', file = '', reload = ''] = text.split('\n');
  const pid = /^[1-9]\d*$/.test(number) ? Number(number) : null;
  if (pid === null || start === '' || processStart(pid) !== start) return null;
  const [, began, outcome] = /^(\d+) (done|refused)$/.exec(reload) ?? [];
  return { pid, file, lastReload: began === undefined ? null : { began: Number(began), well: outcome === 'done' } };
}

/** When a process started, in whatever form the system tells it; null where there is none. */
function processStart(pid: number): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    // Field 22 of proc(5), ticks since the boot. The name before it is in brackets and may hold anything, brackets too.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended already.
    return state === 'Z' ? null : `${boot} ${fields[18]}`;
  } catch {
    if (process.platform === 'linux') return null;
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' }).trim() || null;
  } catch {
    return null;
  }
}
