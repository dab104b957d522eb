import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../../support/http-client.ts';
import { logIn } from '../../support/login.ts';
import { ALICE, type NginxStack, startNginxStack } from '../../support/nginx-stack.ts';
import { missing } from '../../support/skip.ts';

describe.skipIf(missing('nginx', 'openssl'))('unix-socket.conf in complete.conf', () => {
  let stack: NginxStack;
  beforeAll(async () => {
    stack = await startNginxStack('unix-socket');
  });
  afterAll(() => stack?.stop());

  test('a person logs in and comes back', async () => {
    const refused = await ask(`${stack.app}/page?a=b`, { headers: { 'sec-fetch-mode': 'navigate' } });
    const { answer, jar } = await logIn(refused.headers.location ?? '', ALICE.username, ALICE.password);
    expect(answer.headers.location).toBe(`${stack.app}/page?a=b`);
    const page = await ask(`${stack.app}/page?a=b`, { headers: { cookie: jar.header() } });
    expect(page.status).toBe(200);
    expect(stack.application.requests.at(-1)?.headers).toMatchObject({ 'x-auth-user': ['alice'] });
  });

  test('each socket serves its part alone, to its group alone', async () => {
    const [decisions, pages] = ['decisions.sock', 'public.sock'].map((name) => join(stack.gatelodge.directory, name));
    const statusAt = async (path: string, socketPath = ''): Promise<number> =>
      (await ask(`http://localhost${path}`, { socketPath })).status;
    expect(await statusAt('/validate/nginx', pages)).toBe(404);
    expect(await statusAt('/login', decisions)).toBe(404);
    expect(await statusAt('/login', pages)).toBe(200);
    for (const socket of [decisions, pages]) expect((await stat(socket ?? '')).mode & 0o777).toBe(0o660);
  });
});
