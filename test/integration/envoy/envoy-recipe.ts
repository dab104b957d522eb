import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { accepts } from '../../support/accepts.ts';
import { startProgram, waitUntil } from '../../support/child-process.ts';
import type { Places, Recipe } from '../../support/front-server-stack.ts';
import { type Replacement, replaceText } from '../../support/replace-text.ts';
import { findProgram } from '../../support/skip.ts';

export const ENVOY = 'envoy';
export const RECIPES = 'deploy/envoy';
export type RecipeName = 'minimal' | 'complete';

/** @param changes what else is different */
export function envoyRecipe(name: RecipeName, changes: readonly Replacement[] = []): Recipe {
  return {
    yaml: join(RECIPES, `${name}.yaml`),
    async start(places) {
      const file = await writeConfiguration(name, places, changes);
      await checkEnvoy(file);
      // Without shared memory, so that several run side by side.
      const running = await startProgram(envoyProgram(), ['--disable-hot-restart', '-l', 'warn', '-c', file]);
      try {
        await waitUntil('envoy', () => accepts(places.tlsPort), running);
      } catch (error) {
        await running.stop();
        throw error;
      }
      return {
        log: running.output,
        async stop() {
          await running.stop();
        },
      };
    },
  };
}

/** Writes a recipe's configuration with the test's own places in it. @returns the file */
export async function writeConfiguration(
  name: RecipeName,
  places: Places,
  changes: readonly Replacement[] = [],
): Promise<string> {
  const text = await readFile(join(RECIPES, `${name}.envoy.yaml`), 'utf8');
  const certificate = `/etc/envoy/certs/${name === 'minimal' ? 'app.' : ''}example.com`;
  const file = join(places.directory, 'envoy.yaml');
  await writeFile(
    file,
    replaceText(text, [
      ['0.0.0.0', '127.0.0.1'],
      ['port_value: 9190', `port_value: ${places.decisionsPort}`],
      ['port_value: 9191', `port_value: ${places.pagesPort}`],
      ['port_value: 3000', `port_value: ${places.applicationPort}`],
      [`${certificate}.pem`, places.certificate],
      [`${certificate}.key`, places.key],
      ['port_value: 443}', `port_value: ${places.tlsPort}}`],
      ['example.com:443"', `example.com:${places.tlsPort}"`],
      ['port_value: 80}', `port_value: ${places.plainPort}}`],
      ['example.com:80"', `example.com:${places.plainPort}"`],
      ...changes,
    ]),
  );
  return file;
}

/** @throws with what Envoy says against a configuration */
export async function checkEnvoy(file: string): Promise<void> {
  await promisify(execFile)(envoyProgram(), ['--mode', 'validate', '-l', 'warn', '-c', file]);
}

function envoyProgram(): string {
  const program = findProgram(ENVOY);
  if (program === null) throw new Error('envoy is not installed');
  return program;
}
