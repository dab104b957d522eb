import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startProgram, waitUntil } from '../support/child-process.ts';
import { ask } from '../support/http-client.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ROOT } from './installed-package.ts';

/** The first port that the running service names. */
const portOf = (output: string) => /ready at http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1];

it('npm start hands the signal on: nothing is left behind on the port', async () => {
  const directory = await tempDir();
  onTestFinished(() => directory.remove());
  const file = join(directory.path, 'gatelodge.yaml');
  writeFileSync(file, 'listen: {host: 127.0.0.1, port: 0}\ndata_dir: ./data\n');
  // What was built before the tests is started; building it anew would pull it away from under the others.
  const npm = await startProgram('npm', ['start', '--ignore-scripts', '--', '-c', file], { cwd: ROOT });
  await waitUntil('npm start', async () => portOf(npm.output()) !== undefined, npm);
  const url = `http://127.0.0.1:${portOf(npm.output())}/healthz`;
  expect((await ask(url)).status).toBe(200);
  await npm.stop('SIGTERM');
  await expect(ask(url)).rejects.toThrow();
});
