import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accepts } from '../../support/accepts.ts';
import { type Application, startApplication } from '../../support/application.ts';
import { type RunningProgram, startProgram, waitUntil } from '../../support/child-process.ts';
import { freePort } from '../../support/free-port.ts';
import { type NetunnelStack, startNetunnelStack } from '../../support/netunnel-stack.ts';
import { findProgram, missing } from '../../support/skip.ts';
import { type TempDir, tempDir } from '../../support/temp-dir.ts';

const PYTHON = 'python-with-netunnel';

describe.skipIf(missing('nginx', 'openssl', PYTHON))('NETunnel and its plugin as they are', () => {
  let stack: NetunnelStack;
  let netunnel: RunningProgram;
  /** At the far end of a tunnel. */
  let target: Application;
  let directory: TempDir;
  beforeAll(async () => {
    directory = await tempDir();
    target = await startApplication();
    const port = await freePort();
    const plugin = ['--auth-plugin', 'netunnel_jwthenticator.JWThenticatorAuthServer'];
    netunnel = await startProgram(
      findProgram(PYTHON) ?? '',
      ['-m', 'netunnel.server', '--hostname', '127.0.0.1', '--port', String(port), ...plugin],
      { cwd: directory.path, env: { ...process.env, DB_URI: 'sqlite://', ASYNC_URI: 'sqlite+aiosqlite://' } },
    );
    await waitUntil('NETunnel', () => accepts(port), netunnel);
    stack = await startNetunnelStack('localhost', port);
  });
  afterAll(async () => {
    await stack?.stop();
    await netunnel?.stop();
    await target?.stop();
    await directory?.remove();
  });

  test('register, authenticate, renew, and open a tunnel through nginx', { timeout: 120_000 }, async () => {
    const peer = 'test/integration/nginx/netunnel_peer.py';
    const args = [peer, `https://localhost:${stack.port}`, stack.internal, String(target.port)];
    const { stdout } = await promisify(execFile)(findProgram(PYTHON) ?? '', args, { timeout: 100_000 });
    expect(JSON.parse(stdout)).toEqual({
      'registered before': false,
      'registered after': true,
      'with a key': 200,
      identifier: '00000000-0000-0000-0000-000000000000',
      verified: true,
      renewed: 200,
      'a guess': 'refused, and forgotten',
      'through the tunnel': 'HTTP/1.1 200 OK',
      'with a refresh token': 'connected',
      'with a wrong key': 'NETunnelAuthError',
    });
    expect(target.requests.map(({ url }) => url)).toEqual(['/through']);
  });
});
