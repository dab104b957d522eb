import { existsSync } from 'node:fs';
import { createPasswords } from '../adapters/passwords.ts';
import { hashPlainPasswords } from '../config/hash-passwords.ts';
import { type LoadedConfiguration, loadConfiguration } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import type { Configuration } from '../config/schema.ts';
import { GatelodgeError } from '../domain/errors.ts';
import type { Terminal } from './command.ts';

export const DEFAULT_FILE = 'gatelodge.yaml';

/** The option that nearly every command has. */
export const CONFIG_OPTION = { config: { type: 'string', short: 'c' } } as const;

export interface SoundConfiguration {
  readonly file: string;
  readonly configuration: Configuration;
  readonly plugins: LoadedConfiguration['plugins'];
  /** True where there is no file, and gatelodge runs on its defaults. */
  readonly defaults: boolean;
}

/**
 * Loads the configuration of a command, or prints everything that is wrong with it. The default file need not exist.
 * @param options.hash puts hashes in the place of plain-text passwords, in the file too where it can be written
 * @throws GatelodgeError `configuration-invalid` after the problems were printed
 */
export async function loadSound(
  option: string | undefined,
  terminal: Terminal,
  options: { hash: boolean } = { hash: false },
): Promise<SoundConfiguration> {
  const file = option ?? DEFAULT_FILE;
  const defaults = option === undefined && !existsSync(file);
  let loaded = await loadConfiguration({ file, env: terminal.env, ...(defaults ? { text: '' } : {}) });
  if (options.hash && loaded.configuration !== null)
    loaded = await hashPlainPasswords(loaded, createPasswords(loaded.configuration.hashing));
  for (const problem of loaded.problems) terminal.error(`${formatProblem(problem)}\n`);
  if (loaded.configuration === null) throw new GatelodgeError('configuration-invalid', `${file} cannot be used`);
  return { file, configuration: loaded.configuration, plugins: loaded.plugins, defaults };
}
