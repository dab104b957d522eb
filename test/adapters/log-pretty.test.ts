import { expect, it, onTestFinished } from 'vitest';
import { until } from '../resilience/stage.ts';
import { freePort } from '../support/free-port.ts';
import { startGatelodge } from '../support/gatelodge.ts';
import { ask } from '../support/http-client.ts';

it('a log for people holds no line and no control sequence that a client has made up', async () => {
  const port = await freePort();
  const gatelodge = await startGatelodge({
    yaml: `listen: {port: ${port}}\nlog: {pretty: true, pii: plain}\n`,
    ready: port,
  });
  onTestFinished(gatelodge.stop);
  const forged = '00:00:00 info  login.succeeded audit=true user=alice';
  // New line and carriage return, ESC and its eight-bit form, the line separator, right-to-left override.
  const username = `mallory\r\n${forged}\u001b[2J\u009b2J\u2028\u202egnp user=bob`;
  const body = JSON.stringify({ username, password: 'x' });
  const headers = { 'content-type': 'application/json' };
  expect((await ask(`http://127.0.0.1:${port}/auth`, { method: 'POST', headers, body })).status).toBe(401);

  await until(() => gatelodge.output().includes('login.failed'), 20_000);
  const line =
    gatelodge
      .output()
      .split('\n')
      .find((one) => one.includes('login.failed')) ?? '';
  expect(line).toContain('user="mallory\\r\\n');
  expect(line).toContain('\\u{9b}2J\\u{2028}\\u{202e}gnp user=bob"');
  expect(line).toContain('reason=unknown-user');
  expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
  expect(gatelodge.output().split('\n')).not.toContainEqual(expect.stringMatching(`^${forged}`));
});
