import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { until } from '../resilience/stage.ts';
import { ask } from '../support/http-client.ts';
import { APP, PASSWORD, type Service, startService } from './service.ts';
import { verdict, viaNginx } from './wire.ts';

const PATIENCE = 20_000;

let service: Service;
afterEach(() => service.stop());

/** Everything that bob can have: a cookie, a key that never expires, an access token, and a refresh token. */
async function credentialsOf(username: string) {
  const answer = await ask(`http://127.0.0.1:${service.port}/auth`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password: PASSWORD }),
  });
  // What they are, is asserted by what is done with them.
  const { token, refresh_token: refreshToken } = answer.json() as { token: string; refresh_token: string };
  const lines = {
    cookie: `Cookie: ${await service.cookie(username)}`,
    key: `X-API-Key: ${await service.key(username)}`,
    token: `Authorization: Bearer ${token}`,
  };
  return {
    async verdicts() {
      const told: Record<string, string> = {};
      for (const [name, line] of Object.entries(lines))
        told[name] = await verdict(service.port, viaNginx(`${APP}/`, line));
      return told;
    },
    async refresh() {
      const body = JSON.stringify({ refresh_token: refreshToken });
      const headers = { 'content-type': 'application/json' };
      return (await ask(`http://127.0.0.1:${service.port}/refresh`, { method: 'POST', headers, body })).status;
    },
  };
}

const LET_IN = { cookie: '200', key: '200', token: '200' };
const REFUSED = { cookie: '401 session-expired', key: '401 credentials-rejected', token: '401 credentials-rejected' };

it.each(['workers: 1', 'workers: 2'])(
  'whoever gets the name of somebody who left the file gets no credential of theirs, nor they of him (%s)',
  { timeout: 60_000 },
  async (workers) => {
    service = await startService(
      `${workers}\nauth_plugins: {session: {}, token: {}, apikey: {}}\npaths: [{path: /}]\n`,
    );
    const { gatelodge } = service;
    const file = join(gatelodge.directory, 'gatelodge.yaml');
    await until(() => gatelodge.output().includes('service.ready'), PATIENCE);
    const [his, others] = [await credentialsOf('bob'), await credentialsOf('carol')];
    expect(await his.verdicts()).toEqual(LET_IN);

    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/^.*username: bob.*\n/m, ''));
    await gatelodge.run('reload');
    expect(await his.verdicts()).toEqual(REFUSED);
    await writeFile(
      file,
      text.replace(/^.*username: bob.*\n/m, '  - {username: bob, password: another bob altogether}\n'),
    );
    await gatelodge.run('reload');
    expect(await his.verdicts()).toEqual(REFUSED);
    expect(await his.refresh()).toBe(401);
    expect(await others.verdicts()).toEqual(LET_IN);
    expect(await others.refresh()).toBe(200);
  },
);

it('a configuration that turns out to be of no use ends nobody’s credentials', { timeout: 60_000 }, async () => {
  const plugins = 'auth_plugins: {session: {}, token: {}, apikey: {}';
  service = await startService(`${plugins}}\npaths: [{path: /}]\n`);
  const { gatelodge } = service;
  const file = join(gatelodge.directory, 'gatelodge.yaml');
  await until(() => gatelodge.output().includes('service.ready'), PATIENCE);
  const his = await credentialsOf('bob');
  const text = await readFile(file, 'utf8');
  // Found out when all the rest is there already.
  const oidc =
    'corp: {type: oidc, issuer: https://a.example, client_id: a, client_secret: b, callback_path: /userinfo}';
  await writeFile(file, text.replace(/^.*username: bob.*\n/m, '').replace(plugins, `${plugins}, ${oidc}`));
  await expect(gatelodge.run('reload')).rejects.toThrow();
  expect(gatelodge.output()).toContain('configuration.refused');
  await writeFile(file, text);
  await gatelodge.run('reload');
  expect(await his.verdicts()).toEqual(LET_IN);
});
