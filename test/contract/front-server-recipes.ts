import { execFile } from 'node:child_process';
import { copyFile, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { compileIdentityHeaders } from '../../src/http/identity-headers.ts';
import { ENTRY } from '../support/gatelodge.ts';
import { tempDir } from '../support/temp-dir.ts';

const RECIPES = ['minimal', 'complete'] as const;
/** What may differ from nginx's recipes, because the front server or gatelodge's listeners do. */
const OWN = { listen: 0, front_server: 0 };

/** The header names of an allowed answer under the recipes' configuration. */
export const IDENTITY_HEADERS: readonly string[] = compileIdentityHeaders('x-auth').map(([name]) => name);

/** Every other name under which applications believe somebody: those that nginx's recipe blanks. */
export async function foreignIdentityHeaders(): Promise<string[]> {
  const text = await readFile('deploy/nginx/gatelodge-headers.conf', 'utf8');
  return [...text.matchAll(/^proxy_set_header (\S+) "";$/gm)].map(([, name = '']) => name);
}

/**
 * gatelodge's side of a front server's recipes: `gatelodge check` finds nothing and their tests hold, and they are nginx's but for
 * what the front server itself makes different.
 * @param frontServer its name in gatelodge.yaml and below deploy/
 */
export function describeRecipeConfigurations(frontServer: string): void {
  describe.each(RECIPES)('gatelodge’s side of %s', (name) => {
    const file = join('deploy', frontServer, `${name}.yaml`);

    test('gatelodge check: no problem, and its tests hold', async () => {
      const directory = await tempDir();
      try {
        // A copy, so that nothing is ever written beside the recipe.
        const copy = join(directory.path, basename(file));
        await copyFile(file, copy);
        const { stdout } = await promisify(execFile)(process.execPath, [ENTRY, 'check', '-c', copy, '--json']);
        expect(JSON.parse(stdout)).toEqual([]);
      } finally {
        await directory.remove();
      }
    });

    test('has the rules of nginx’s', async () => {
      const [own, nginxs] = [await read(file), await read(join('deploy/nginx', `${name}.yaml`))];
      expect(own['front_server']).toBe(frontServer);
      expect({ ...own, ...OWN }).toEqual({ ...nginxs, ...OWN });
    });
  });
}

async function read(file: string): Promise<Record<string, unknown>> {
  return z.record(z.string(), z.unknown()).parse(parse(await readFile(file, 'utf8')));
}
