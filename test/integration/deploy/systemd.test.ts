import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listener } from '../../../src/config/listener-schema.ts';
import { publicUrlOf } from '../../../src/config/public-url.ts';
import { replaceText } from '../../support/replace-text.ts';
import { missing } from '../../support/skip.ts';
import { type TempDir, tempDir } from '../../support/temp-dir.ts';

const FOLDER = 'deploy/systemd';
const UNIT = join(FOLDER, 'gatelodge.service');
const run = promisify(execFile);

describe.skipIf(missing('systemd-analyze'))('gatelodge.service', () => {
  let directory: TempDir;
  let unit = '';
  beforeAll(async () => {
    directory = await tempDir();
    unit = join(directory.path, 'gatelodge.service');
    // systemd-analyze wants a program that is there.
    const text = replaceText(await readFile(UNIT, 'utf8'), [['/usr/local/bin/gatelodge', process.execPath]]);
    await writeFile(unit, text);
  });
  afterAll(() => directory.remove());

  test('systemd understands every line', async () => {
    const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', unit]);
    expect(stdout + stderr).toBe('');
  });

  test('systemd understands the socket unit, which opens what a fresh configuration listens on', async () => {
    const socket = join(directory.path, 'gatelodge.socket');
    await copyFile(join(FOLDER, 'gatelodge.socket'), socket);
    const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', socket, unit]);
    expect(stdout + stderr).toBe('');
    const { host } = publicUrlOf({ listen: [listener.parse({})], public_url: undefined });
    expect(await readFile(socket, 'utf8')).toContain(`\nListenStream=${host}\n`);
  });

  test('its exposure stays at most 1.5 of 10, and at most 1.0 with Unix sockets alone', async () => {
    const exposed = (threshold: number): Promise<unknown> =>
      run('systemd-analyze', ['security', '--offline=true', `--threshold=${threshold}`, '--no-pager', unit]);
    await exposed(15);
    await expect(exposed(10)).rejects.toThrow();
    await mkdir(`${unit}.d`);
    await copyFile(join(FOLDER, 'unix-socket.conf'), join(`${unit}.d`, 'unix-socket.conf'));
    await exposed(10);
    const { stderr } = await run('systemd-analyze', ['verify', '--man=no', unit]);
    expect(stderr).toBe('');
  });
});

test('the unit, the recipe and the README speak of the same places', async () => {
  const [service, readme, recipe] = await Promise.all(
    [UNIT, join(FOLDER, 'README.md'), 'deploy/nginx/unix-socket.yaml'].map((file) => readFile(file, 'utf8')),
  );
  expect(service).toContain('\nStateDirectory=gatelodge\n');
  expect(readme).toContain('data_dir: /var/lib/gatelodge');
  expect(service).toContain('\nRuntimeDirectory=gatelodge\n');
  expect(recipe).toContain('/run/gatelodge/');
  expect(service).toMatch(/ExecStart=(\S+) serve -c (\S+)\n/);
  const [, program = '', file = ''] = /ExecStart=(\S+) serve -c (\S+)\n/.exec(service ?? '') ?? [];
  expect(readme).toContain(`the unit starts ${program}`);
  expect(readme).toContain(`check -c ${file}`);
  // Longer than `shutdown_timeout`, or systemd kills what is being finished.
  expect(Number(/TimeoutStopSec=(\d+)/.exec(service ?? '')?.[1])).toBeGreaterThan(10);
});
