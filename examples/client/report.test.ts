import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Guarded, startGuarded } from '../../test/client/lodge.ts';
import { type Installation, installPlugins, type Served } from '../../test/plugins/installed-plugin.ts';

const CONFIGURATION = `
listen: {port: 0}
data_dir: ./data
users:
  - {username: reports, password: the password of a program}
auth_plugins: {token: {}}
paths:
  - {path: /, plugins: [token]}
`;

let installation: Installation;
let service: Served;
let application: Guarded;

beforeAll(async () => {
  installation = await installPlugins({
    'gatelodge.yaml': CONFIGURATION,
    'report.js': readFileSync(join(import.meta.dirname, 'report.js'), 'utf8'),
    'package.json': '{"type": "module"}',
  });
  service = await installation.serve();
  // gatelodge itself decides, as behind a front server.
  application = await startGuarded(
    async (token) => (await service.validate({ Authorization: `Bearer ${token}` })).status === 200,
  );
});
afterAll(async () => {
  await application?.stop();
  await service?.stop();
  await installation?.remove();
});

function run(path: string, env: Readonly<Record<string, string>> = {}) {
  const all = {
    APP_ORIGIN: application.origin,
    GATELODGE_URL: service.url,
    GATELODGE_USER: 'reports',
    GATELODGE_PASSWORD: 'the password of a program',
    ...env,
  };
  return new Promise<{ readonly failed: boolean; readonly stdout: string; readonly stderr: string }>((done) => {
    execFile(
      process.execPath,
      ['report.js', path],
      { cwd: installation.directory, env: all },
      (error, stdout, stderr) => done({ failed: error !== null, stdout, stderr }),
    );
  });
}

test('the example fetches its report', async () => {
  const { failed, stdout, stderr } = await run('/reports/today?a=b');
  expect([failed, stderr]).toEqual([false, '']);
  expect(JSON.parse(stdout)).toMatchObject({ path: '/reports/today?a=b' });
});

test('it needs no password the next time: the refresh token is kept, for its owner alone', async () => {
  const file = join(installation.directory, 'refresh-token');
  const kept: string[] = [];
  for (const GATELODGE_PASSWORD of ['the password of a program', 'forgotten', 'forgotten']) {
    expect(await run('/reports/today', { GATELODGE_PASSWORD })).toMatchObject({ failed: false, stderr: '' });
    kept.push(readFileSync(file, 'utf8'));
    expect(statSync(file).mode & 0o777).toBe(0o600);
  }
  expect(new Set(kept).size).toBe(3);
});

test('it says what is wrong, and shows no password', async () => {
  const wrong = { GATELODGE_PASSWORD: 'the-wrong-one', TOKEN_FILE: 'another-file' };
  const { failed, stdout, stderr } = await run('/reports/today', wrong);
  expect([failed, stdout]).toEqual([true, '']);
  expect(stderr).toMatch(/^invalid-credentials: /);
  expect(stderr).not.toContain('the-wrong-one');
});

test('it takes its token nowhere else', async () => {
  const { stderr } = await run('//elsewhere.example.com/reports', { TOKEN_FILE: 'another-file' });
  expect(stderr).toMatch(/^forbidden-origin: /);
});
