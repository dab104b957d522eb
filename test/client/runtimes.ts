import { join } from 'node:path';
import { type Ran, run } from '../package/installed-package.ts';
import { findProgram } from '../support/skip.ts';

/** What runs the client besides Node.js and browsers, by the name of its program. */
export const RUNTIMES = ['deno', 'bun'] as const;
export type Runtime = (typeof RUNTIMES)[number];

/** The client needs no more than to reach hosts: everything else is denied where that can be said, and nothing is fetched to run it. */
const ARGUMENTS: Readonly<Record<Runtime, readonly string[]>> = {
  deno: ['run', '--no-prompt', '--no-remote', '--no-lock', '--node-modules-dir=manual', '--allow-net=127.0.0.1'],
  bun: ['--no-install'],
};

/** Runs a program in JavaScript to its end. Nothing is left behind outside of its folder. */
export function runIn(runtime: Runtime, file: string, cwd: string): Promise<Ran> {
  const env = { DENO_DIR: join(cwd, '.deno'), DENO_NO_UPDATE_CHECK: '1', DO_NOT_TRACK: '1', NO_COLOR: '1' };
  return run(findProgram(runtime) ?? runtime, [...ARGUMENTS[runtime], file], cwd, env);
}
