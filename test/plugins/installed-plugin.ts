import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { startProgram, waitUntil } from '../support/child-process.ts';
import { type Answer, type Ask, ask } from '../support/http-client.ts';
import { tempDir } from '../support/temp-dir.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const ENTRY = resolve(process.env['GATELODGE_ENTRY'] ?? join(ROOT, 'src/bin.ts'));

/** A directory as `npm install` leaves it: gatelodge below node_modules, and whatever a test adds. */
export interface Installation {
  readonly directory: string;
  /** Starts the service on `gatelodge.yaml` and waits until it is ready. */
  serve(): Promise<Served>;
  /** Runs a command there; what it says on both outputs, and its exit code. */
  run(...args: readonly string[]): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;
  remove(): Promise<void>;
}

export interface Served {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  output(): string;
  /** What a front server of the forwarded family asks about a request of a program for `/x`. */
  validate(headers?: Readonly<Record<string, string>>, path?: string): Promise<Answer>;
  ask(path: string, request?: Ask): Promise<Answer>;
  stop(): Promise<number | null>;
}

/**
 * `gatelodge/plugin` is resolved by the package's own `exports`, but to the sources, so that no build is needed;
 * test/package holds the same against the built package.
 * @param files path below the directory → content
 */
export async function installPlugins(files: Readonly<Record<string, string>>): Promise<Installation> {
  const directory = await tempDir();
  const gatelodge = join(directory.path, 'node_modules/gatelodge');
  await mkdir(gatelodge, { recursive: true });
  await symlink(join(ROOT, 'src'), join(gatelodge, 'src'));
  const manifest = await readFile(join(ROOT, 'package.json'), 'utf8');
  await writeFile(join(gatelodge, 'package.json'), manifest.replaceAll(/\.\/dist\/([^"]*)\.js"/g, './src/$1.ts"'));
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory.path, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { mode: 0o600 });
  }
  return {
    directory: directory.path,
    serve: () => serve(directory.path),
    run: (...args) => run(args, directory.path),
    remove: directory.remove,
  };
}

async function serve(cwd: string): Promise<Served> {
  const program = await startProgram(process.execPath, [ENTRY, 'serve', '-c', 'gatelodge.yaml'], { cwd });
  const url = (): string | undefined => /"addresses":\["(http[^"]+)"/.exec(program.output())?.[1];
  await waitUntil('gatelodge', async () => url() !== undefined, program);
  const base = url() ?? '';
  return {
    url: base,
    output: program.output,
    validate: (headers = {}, path = '/x') =>
      ask(`${base}/validate/traefik`, {
        headers: {
          'X-Forwarded-Method': 'GET',
          'X-Forwarded-Proto': 'https',
          'X-Forwarded-Host': 'app.example.com',
          'X-Forwarded-Uri': path,
          ...headers,
        },
      }),
    ask: (path, request) => ask(base + path, request),
    stop: () => program.stop(),
  };
}

function run(args: readonly string[], cwd: string): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [ENTRY, ...args], { cwd }, (error, stdout, stderr) => {
      // execFile's `code` is the exit code, or the name of the failed system call.
      done({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr });
    });
  });
}
