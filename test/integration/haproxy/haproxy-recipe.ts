import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { accepts } from '../../support/accepts.ts';
import { startProgram, waitUntil } from '../../support/child-process.ts';
import { hostReplacement, type Places, type Recipe } from '../../support/front-server-stack.ts';
import { type Replacement, replaceText } from '../../support/replace-text.ts';
import { findProgram } from '../../support/skip.ts';

export const RECIPES = 'deploy/haproxy';
export type RecipeName = 'minimal' | 'complete';

/** @param program the name under which `findProgram` knows it @param changes what else is different */
export function haproxyRecipe(
  program: string,
  name: RecipeName,
  changes: (places: Places) => readonly Replacement[] = () => [],
): Recipe {
  return {
    yaml: join(RECIPES, `${name}.yaml`),
    async start(places) {
      const file = await writeConfiguration(name, places, changes(places));
      await checkHaproxy(program, file);
      // In the foreground and without a master process.
      const running = await startProgram(programNamed(program), ['-db', '-f', file]);
      try {
        await waitUntil('haproxy', () => accepts(places.tlsPort), running);
      } catch (error) {
        await running.stop();
        throw error;
      }
      return {
        log: running.output,
        async stop() {
          // Gracefully it would wait for every connection that a test left open.
          await running.stop('SIGINT');
        },
      };
    },
  };
}

/** Writes a recipe's configuration with the test's own places in it. @returns the file */
export async function writeConfiguration(
  name: RecipeName,
  places: Places,
  changes: readonly Replacement[],
): Promise<string> {
  const both = join(places.directory, 'both.pem');
  await writeFile(both, (await readFile(places.certificate, 'utf8')) + (await readFile(places.key, 'utf8')));
  const text = await readFile(join(RECIPES, `${name}.cfg`), 'utf8');
  const file = join(places.directory, 'haproxy.cfg');
  await writeFile(
    file,
    replaceText(text, [
      ['log /dev/log local0', 'log stdout format raw local0'],
      ['127.0.0.1:9190', `127.0.0.1:${places.decisionsPort}`],
      ['127.0.0.1:9191', `127.0.0.1:${places.pagesPort}`],
      ['127.0.0.1:3000', `127.0.0.1:${places.applicationPort}`],
      ['/etc/haproxy/gatelodge/gatelodge.lua', resolve(RECIPES, 'gatelodge.lua')],
      [`/etc/haproxy/certs/${name === 'minimal' ? 'app.' : ''}example.com.pem`, both],
      ['bind :443', `bind 127.0.0.1:${places.tlsPort}`],
      ['bind :80', `bind 127.0.0.1:${places.plainPort}`],
      ...hostReplacement(places),
      ...changes,
    ]),
  );
  return file;
}

/** @throws with what HAProxy says against a configuration; its warnings count too */
export async function checkHaproxy(program: string, file: string): Promise<void> {
  await promisify(execFile)(programNamed(program), ['-c', '-dW', '-f', file]);
}

function programNamed(name: string): string {
  const program = findProgram(name);
  if (program === null) throw new Error(`${name} is not installed`);
  return program;
}
