import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever that is. @param env what it has besides this process's environment */
export function run(
  file: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return new Promise((done) => {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 16 * 1024 * 1024 };
    execFile(file, args, options, (error, stdout, stderr) => {
      // execFile's `code` is the exit code, or the name of the failed system call.
      done({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr });
    });
  });
}

/** What could not be had from the registry, as opposed to what is wrong with us: a dependency that does not exist is. */
export class RegistryAway extends Error {}

const AWAY =
  /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT|E5\d\d)\b/;

async function npm(args: readonly string[], cwd: string, away = AWAY): Promise<string> {
  // Under `npm test` the same npm by the same Node.js, else the one on the PATH.
  const own = process.env['npm_execpath'];
  const command = own?.endsWith('.js') === true ? [process.execPath, own] : ['npm'];
  const [file = 'npm', ...before] = command;
  const { code, stdout, stderr } = await run(file, [...before, ...args], cwd);
  if (code === 0) return stdout;
  if (args[0] === 'install' && away.test(stderr)) throw new RegistryAway(stderr);
  throw new Error(`npm ${args.join(' ')}\n${stdout}\n${stderr}`);
}

const OFFLINE_SOON = [
  '--prefer-offline',
  '--fetch-retries=1',
  '--fetch-retry-mintimeout=500',
  '--no-audit',
  '--no-fund',
];

/** Installs below `directory` without running anybody's install script. @throws RegistryAway */
async function install(directory: string, name: string, away = AWAY): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'package.json'), '{"private": true}');
  await npm(['install', '--omit=dev', '--ignore-scripts', ...OFFLINE_SOON, name], directory, away);
}

/**
 * `npm install` of the packed tarball with production dependencies alone, and no install script, because that is how npm 12
 * installs it.
 * @returns where it was installed
 * @throws RegistryAway
 */
export async function installPacked(directory: string): Promise<string> {
  const tarball = await pack(directory);
  const installed = join(directory, 'installed');
  await install(installed, tarball);
  return installed;
}

/**
 * The packed package without any of its dependencies, below `node_modules` of a program's place. Asks no registry.
 * @returns that place
 */
export async function unpackPacked(directory: string): Promise<string> {
  const tarball = await pack(directory);
  const place = join(directory, 'program');
  const gatelodge = join(place, 'node_modules/gatelodge');
  await mkdir(gatelodge, { recursive: true });
  await writeFile(join(place, 'package.json'), '{"private": true, "type": "module"}');
  const { code, stderr } = await run('tar', ['-xzf', tarball, '-C', gatelodge, '--strip-components=1'], directory);
  if (code !== 0) throw new Error(stderr);
  return place;
}

/** `npm pack` with its build, in a copy: the working tree's dist is in use by others. @returns the tarball */
async function pack(directory: string): Promise<string> {
  const copy = join(directory, 'copy');
  await mkdir(copy);
  const left = new Set(['node_modules', 'dist', 'data', '.git', 'test', 'bench', 'examples']);
  for (const name of (await readdir(ROOT)).filter((one) => !left.has(one) && !one.endsWith('.tgz'))) {
    await cp(join(ROOT, name), join(copy, name), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  await npm(['pack', '--pack-destination', directory], copy);
  const tarball = (await readdir(directory)).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack made no tarball');
  return join(directory, tarball);
}

/**
 * A Node.js of this version, from the package that holds the platform's binary. The package `node` itself only installs
 * that one by a script, which npm does not run without being told to.
 * @returns the program
 * @throws RegistryAway
 */
export async function installNode(directory: string, version: string): Promise<string> {
  const platform = `${process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'}-${process.platform}-${process.arch}`;
  // Not every platform has one.
  await install(directory, `${platform}@${version}`, new RegExp(`${AWAY.source}|\\bE404\\b`));
  return join(directory, 'node_modules', platform, 'bin/node');
}

/** The machine's own Node.js where it is older than gatelodge can use; null where there is none. */
export async function findOldNode(oldest: number): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    // npm puts this repository's own there.
    if (folder.includes('node_modules')) continue;
    const file = join(folder, 'node');
    try {
      accessSync(file, constants.X_OK);
    } catch {
      continue;
    }
    const { stdout } = await run(file, ['-v'], ROOT);
    if (Number(/^v(\d+)\./.exec(stdout)?.[1] ?? oldest) < oldest) return file;
  }
  return null;
}
