import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Service, startService } from '../security/service.ts';
import { ask } from '../support/http-client.ts';
import { rawRequest, statusOf } from '../support/raw-request.ts';

let service: Service;
beforeAll(async () => {
  service = await startService('auth_plugins: {session: {}, token: {}, apikey: {}}\npaths: [{path: /}]\n');
});
afterAll(() => service?.stop());

const url = (path: string) => `http://127.0.0.1:${service.port}${path}`;

it('is managed by a key with the scope, and by an administrator’s session with the header', async () => {
  const key = await service.key('bob', '--scope', 'keys');
  expect((await ask(url('/api/v1/keys'), { headers: { 'x-api-key': key } })).status).toBe(200);
  const session = async (user: string, header: boolean) => {
    const cookie = await service.cookie(user);
    const issued = await ask(url('/api/v1/csrf'), { headers: { cookie } });
    const { token } = issued.json() as { token: string }; // the JSON of an answer has no type of its own
    const more = (issued.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]);
    const headers = { cookie: [cookie, ...more].join('; '), ...(header ? { 'x-csrf-token': token } : {}) };
    return ask(url('/api/v1/keys'), { headers });
  };
  const answers = [await session('alice', true), await session('alice', false), await session('bob', true)];
  expect(answers.map(({ status }) => status)).toEqual([200, 403, 403]);
  expect(answers.slice(1).map((answer) => answer.json())).toMatchObject([
    { error: 'csrf-failed' },
    { error: 'role-missing' },
  ]);
});

it('sees two lines of a credential as two', async () => {
  const key = await service.key('bob', '--scope', 'keys');
  for (const path of ['/api/v1/keys', '/userinfo']) {
    const send = async (...lines: string[]) =>
      statusOf(
        await rawRequest(
          service.port,
          `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${lines.join('\r\n')}\r\n\r\n`,
        ),
      );
    expect(await send(`X-API-Key: ${key}`)).toBe(200);
    expect(await send(`X-API-Key: ${key}`, `X-API-Key: ${key}`)).toBe(400);
    expect(await send(`Authorization: Bearer ${key}`, `Authorization: Bearer ${key}`)).toBe(400);
  }
});

it('shows when a key was last used, and tells the log who did what without a secret', async () => {
  const manager = await service.key('alice', '--scope', 'keys');
  const made = await ask(url('/api/v1/keys'), {
    method: 'POST',
    headers: { 'x-api-key': manager, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'x' }),
  });
  const { key, id } = made.json() as { key: string; id: string }; // as above
  expect((await ask(url('/userinfo'), { headers: { authorization: `Bearer ${key}` } })).status).toBe(200);
  const lastUsed = async () => {
    const listed = await ask(url('/api/v1/keys?user=alice'), { headers: { 'x-api-key': manager } });
    const { keys } = listed.json() as { keys: { id: string; last_used_at: string | null }[] }; // as above
    return keys.find((one) => one.id === id)?.last_used_at ?? null;
  };
  // Written every five seconds.
  await expect.poll(lastUsed, { timeout: 20_000, interval: 250 }).toMatch(/^\d{4}-/);
  expect((await ask(url(`/api/v1/keys/${id}`), { method: 'DELETE', headers: { 'x-api-key': manager } })).status).toBe(
    204,
  );
  expect((await ask(url('/userinfo'), { headers: { 'x-api-key': key } })).status).toBe(401);
  // The last that was written; lines come in batches.
  await expect
    .poll(() => service.gatelodge.output(), { timeout: 15_000 })
    .toMatch(/"event":"call\.refused".*"reason":"invalid-credentials"/);
  const output = service.gatelodge.output();
  for (const event of ['key.created', 'key.revoked']) expect(output).toContain(`"event":"${event}"`);
  for (const text of [key, manager]) expect(output).not.toContain(text.slice(21));
});
