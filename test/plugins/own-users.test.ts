import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basicOptions } from '../../src/config/plugin-options.ts';
import type { AuthenticationPlugin } from '../../src/domain/authentication.ts';
import { createBasicPlugin } from '../../src/plugins/basic.ts';
import { asked } from '../decision/asking.ts';
import { basic, PASSWORD, type PluginStand, pluginStand, says } from './plugin-stand.ts';

let stand: PluginStand;
let hash = '';
beforeAll(async () => {
  stand = await pluginStand();
  hash = (await stand.addUser('alice', { roles: ['admin'] })).passwordHash ?? '';
});
afterAll(() => stand.close());

const make = (options: Record<string, unknown>): Promise<AuthenticationPlugin> =>
  createBasicPlugin(basicOptions.parse(options), stand.context('door'));

/** Asks until the answer is the one awaited. */
async function soon(plugin: AuthenticationPlugin, headers: string[], answer: string): Promise<void> {
  await expect.poll(() => says(plugin, headers), { timeout: 15_000, interval: 100 }).toBe(answer);
}

describe('users of the instance’s own', () => {
  it('are nobody’s directory entry', async () => {
    const plugin = await make({ users: { alice: hash } });
    expect(await plugin.authenticate(asked('/', { headers: basic('alice', PASSWORD) }))).toMatchObject({
      identity: { subject: 'door:alice', username: 'alice', roles: [], groups: [], userId: null, methods: ['door'] },
    });
    expect(await says(await make({ users: { other: hash } }), basic('alice', PASSWORD))).toBe('credentials-rejected');
    expect(await says(await make({ users: {} }), basic('alice', PASSWORD))).toBe('credentials-rejected');
  });

  it('cost one comparison each, known or not, and are remembered', async () => {
    const plugin = await make({ users: { alice: hash } });
    for (const [headers, cost, answer] of [
      [basic('alice', 'wrong'), 1, 'credentials-rejected'],
      [basic('nobody', PASSWORD), 1, 'credentials-rejected'],
      [basic('constructor', PASSWORD), 1, 'credentials-rejected'],
      [basic('__proto__', PASSWORD), 1, 'credentials-rejected'],
      [basic('alice', PASSWORD), 1, 'alice'],
      [basic('alice', PASSWORD), 0, 'alice'],
    ] as const) {
      const before = stand.verifications();
      expect(await says(plugin, headers)).toBe(answer);
      expect(stand.verifications() - before).toBe(cost);
    }
  });
});

it('the same credential is compared once however many requests wait for it', async () => {
  const plugin = await make({ users: { alice: hash } });
  const before = stand.verifications();
  const answers = await Promise.all(Array.from({ length: 50 }, () => says(plugin, basic('alice', PASSWORD))));
  expect(new Set(answers)).toEqual(new Set(['alice']));
  expect(stand.verifications() - before).toBe(1);
});

describe('an htpasswd file', () => {
  it('is followed: new, changed and removed users, and the file’s end', async () => {
    const file = join(stand.directoryPath, 'htpasswd');
    const replace = async (text: string) => {
      await writeFile(`${file}.new`, text);
      await rename(`${file}.new`, file);
    };
    await writeFile(file, `# comment\nbob:${hash}\nmd5:$apr1$x$y\n`);
    const plugin = await make({ htpasswd: file });
    expect(await says(plugin, basic('bob', PASSWORD))).toBe('bob');
    expect(await says(plugin, basic('md5', 'y'))).toBe('credentials-rejected');
    expect(stand.logged.join('\n')).toContain('[3]');
    await replace(`carol:${hash}\n`);
    await soon(plugin, basic('carol', PASSWORD), 'carol');
    expect(await says(plugin, basic('bob', PASSWORD))).toBe('credentials-rejected');
    const other = await stand.context('x').passwords.hash('another');
    await replace(`carol:${other}\n`);
    await soon(plugin, basic('carol', PASSWORD), 'credentials-rejected');
    expect(await says(plugin, basic('carol', 'another'))).toBe('carol');
    await rm(file);
    await soon(plugin, basic('carol', 'another'), 'credentials-rejected');
    await replace(`carol:${other}\n`);
    await soon(plugin, basic('carol', 'another'), 'carol');
    await plugin.close?.();
    expect(stand.logged.join('\n')).not.toContain(hash);
  });

  it('that cannot be read at the start does not let the service start', async () => {
    await expect(make({ htpasswd: join(stand.directoryPath, 'nowhere') })).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
