import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type LoadedConfiguration, type LoadInput, loadConfiguration } from '../../src/config/load.ts';
import type { Configuration } from '../../src/config/schema.ts';

/** Loads a text as gatelodge.yaml of a directory that does not exist. */
export function load(text: string, options: Partial<LoadInput> = {}): Promise<LoadedConfiguration> {
  return loadConfiguration({ file: '/nowhere/gatelodge.yaml', env: {}, text, ...options });
}

/** `code line:column path` of each problem. */
export function problemsOf(loaded: LoadedConfiguration): string[] {
  return loaded.problems.map(({ code, line, column, path, severity }) =>
    `${severity === 'warning' ? 'warning ' : ''}${code} ${line}:${column} ${path}`.trimEnd(),
  );
}

export async function problems(text: string, options: Partial<LoadInput> = {}): Promise<string[]> {
  return problemsOf(await load(text, options));
}

/** The configuration of a text that must load. */
export async function configurationOf(text: string, options: Partial<LoadInput> = {}): Promise<Configuration> {
  const loaded = await load(text, options);
  if (loaded.configuration === null) throw new Error(`does not load: ${problemsOf(loaded).join('; ')}`);
  return loaded.configuration;
}

/** A directory with these files, removed after the test. */
export function directoryWith(files: Readonly<Record<string, string | Buffer>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'gatelodge-config-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  return directory;
}
