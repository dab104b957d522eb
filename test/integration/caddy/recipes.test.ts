import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  describeRecipeConfigurations,
  foreignIdentityHeaders,
  IDENTITY_HEADERS,
} from '../../contract/front-server-recipes.ts';
import { CADDY_RECIPES, writeCaddyfile } from '../../support/caddy-recipe.ts';
import { findProgram, missing } from '../../support/skip.ts';
import { tempDir } from '../../support/temp-dir.ts';

describeRecipeConfigurations('caddy');

describe('gatelodge.caddy', () => {
  const snippets = readFile(join(CADDY_RECIPES, 'gatelodge.caddy'), 'utf8');

  test('copies every identity header', async () => {
    const copied = /copy_headers (.*)/.exec(await snippets)?.[1]?.split(' ');
    expect(copied).toEqual(IDENTITY_HEADERS);
  });

  test('removes every name under which applications believe somebody', async () => {
    // Caddy compares names without regard to case.
    const removed = [...(await snippets).toLowerCase().matchAll(/request_header -([a-z-]+)(\*?)/g)];
    const isRemoved = (name: string): boolean =>
      removed.some(([, text = '', star]) =>
        star === '*' ? name.toLowerCase().startsWith(text) : name.toLowerCase() === text,
      );
    expect([...(await foreignIdentityHeaders()), ...IDENTITY_HEADERS].filter((name) => !isRemoved(name))).toEqual([]);
  });
});

describe.each(['caddy', 'caddy-2.11'])('%s', (program) => {
  const path = findProgram(program) ?? '';

  test.skipIf(missing(program)).each(['minimal', 'complete'] as const)('validates %s.caddy', async (name) => {
    const directory = await tempDir();
    try {
      const ports = { tlsPort: 8443, plainPort: 8080, decisionsPort: 9190, pagesPort: 9191, applicationPort: 3000 };
      await mkdir(join(directory.path, 'home'));
      const file = await writeCaddyfile(name, { ...ports, directory: directory.path, certificate: '', key: '' });
      const home = join(directory.path, 'home');
      await promisify(execFile)(path, ['validate', '--adapter', 'caddyfile', '--config', file], {
        env: { HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
      });
    } finally {
      await directory.remove();
    }
  });
});

test.skipIf(missing('caddy-2.11'))('the files are formatted as Caddy formats them', async () => {
  for (const file of (await readdir(CADDY_RECIPES)).filter((name) => name.endsWith('.caddy'))) {
    const path = join(CADDY_RECIPES, file);
    const { stdout } = await promisify(execFile)(findProgram('caddy-2.11') ?? '', ['fmt', path]).catch(
      (error: { stdout: string }) => error, // exit code 1: there is something to format
    );
    expect(stdout).toBe(await readFile(path, 'utf8'));
  }
});
