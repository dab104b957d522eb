import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startProgram, waitUntil } from '../support/child-process.ts';
import { freePort } from '../support/free-port.ts';
import { ask } from '../support/http-client.ts';
import { tempDir } from '../support/temp-dir.ts';

it('serves what init made, and lets its administrator in', async () => {
  const directory = await tempDir();
  const made = await promisify(execFile)(process.execPath, ['src/bin.ts', 'init', directory.path, '--yes']);
  const password = /^ {2}password {3}(\S+)$/m.exec(made.stdout)?.[1] ?? '';
  const file = join(directory.path, 'gatelodge.yaml');
  const port = await freePort();
  // All that a test cannot leave as it is: the port, which may be taken.
  await writeFile(file, (await readFile(file, 'utf8')).replaceAll('9190', String(port)));
  const service = await startProgram(process.execPath, ['src/bin.ts', 'serve', '-c', file]);
  try {
    const base = `http://127.0.0.1:${port}`;
    const isReady = async () => (await ask(`${base}/readyz`).catch(() => null))?.status === 200;
    await waitUntil('gatelodge', isReady, service);
    const credentials = JSON.stringify({ username: 'admin', password });
    const answer = await ask(`${base}/auth`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: credentials,
    });
    expect(answer.status).toBe(200);
    const { token } = answer.json() as { token: string };
    const check = (path: string, headers: Record<string, string> = {}) =>
      ask(`${base}/validate`, {
        headers: { 'x-original-url': `https://app.example.com${path}`, 'x-original-method': 'GET', ...headers },
      });
    expect((await check('/admin', { authorization: `Bearer ${token}` })).headers['x-auth-user']).toBe('admin');
    expect((await check('/admin')).status).toBe(401);
    expect((await check('/health')).status).toBe(200);
    expect(service.output()).not.toContain(password);
  } finally {
    expect(await service.stop()).toBe(0);
    await directory.remove();
  }
});
