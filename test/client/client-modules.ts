import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join, resolve } from 'node:path';

export const SOURCES = resolve(import.meta.dirname, '../../src/client');

/** The client as a build leaves it: path, such as `/client/client.js`, → JavaScript. */
export function clientModules(): Map<string, string> {
  return new Map(
    readdirSync(SOURCES).map((name) => [
      `/client/${name.replace('.ts', '.js')}`,
      stripTypeScriptTypes(readFileSync(join(SOURCES, name), 'utf8')).replaceAll(/(from '\.\/[\w-]+)\.ts'/g, "$1.js'"),
    ]),
  );
}
