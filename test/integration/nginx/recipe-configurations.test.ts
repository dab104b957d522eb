import { execFile } from 'node:child_process';
import { copyFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { ENTRY } from '../../support/gatelodge.ts';
import { RECIPES } from '../../support/nginx.ts';
import { tempDir } from '../../support/temp-dir.ts';

const CONFIGURATIONS = ['complete.yaml', 'minimal.yaml', 'netunnel.yaml', 'unix-socket.yaml'];

describe('gatelodge’s side of the recipes', () => {
  test('all of them are here', async () => {
    const files = (await readdir(RECIPES)).filter((file) => file.endsWith('.yaml') && file !== 'ingress-nginx.yaml');
    expect(files.sort()).toEqual(CONFIGURATIONS);
  });

  test.each(CONFIGURATIONS)('gatelodge check %s: no problem, and its tests hold', async (file) => {
    const directory = await tempDir();
    try {
      // A copy, so that nothing is ever written beside the recipe.
      const copy = join(directory.path, file);
      await copyFile(join(RECIPES, file), copy);
      const { stdout } = await promisify(execFile)(process.execPath, [ENTRY, 'check', '-c', copy, '--json']);
      expect(JSON.parse(stdout)).toEqual([]);
    } finally {
      await directory.remove();
    }
  });

  test('unix-socket.yaml is complete.yaml but for who listens and who is believed', async () => {
    const [complete, unix] = await Promise.all(['complete.yaml', 'unix-socket.yaml'].map(read));
    const own = { listen: 0, trusted_proxies: 0 };
    expect({ ...unix, ...own }).toEqual({ ...complete, ...own });
  });
});

async function read(file: string): Promise<Record<string, unknown>> {
  return z.record(z.string(), z.unknown()).parse(parse(await readFile(join(RECIPES, file), 'utf8')));
}
