import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, ask } from '../../support/http-client.ts';
import { ALICE, type NginxStack, startNginxStack } from '../../support/nginx-stack.ts';
import { missing } from '../../support/skip.ts';

interface Tokens {
  readonly token: string;
  readonly refresh_token: string;
}

describe.skipIf(missing('nginx', 'openssl')).each(['jwt', 'encrypted'])('%s tokens behind complete.conf', (format) => {
  let stack: NginxStack;
  beforeAll(async () => {
    stack = await startNginxStack('complete', { settings: [`tokens: {format: ${format}}`] });
  });
  afterAll(() => stack?.stop());
  beforeEach(() => {
    stack.application.requests.length = 0;
  });

  const send = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> =>
    ask(`${stack.pages}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(fields).toString(),
    });
  // What they are is asserted by what is done with them.
  const tokensOf = ({ status, body }: Answer): Tokens => {
    expect(status).toBe(200);
    return JSON.parse(body.toString()) as Tokens;
  };
  const logIn = async () => tokensOf(await send('/auth', { username: ALICE.username, password: ALICE.password }));
  const status = async (token: string): Promise<number> =>
    (await ask(`${stack.app}/api/orders`, { headers: { authorization: `Bearer ${token}` } })).status;

  test('a login lasts by refreshing, and each token names the user to the application', async () => {
    let tokens = await logIn();
    for (let times = 0; times < 3; times += 1) {
      expect(tokens.token.split('.')).toHaveLength(format === 'jwt' ? 3 : 5);
      expect(await status(tokens.token)).toBe(200);
      tokens = tokensOf(await send('/refresh', { refresh_token: tokens.refresh_token }));
    }
    expect(stack.application.requests.map(({ headers }) => headers['x-auth-user'])).toEqual(Array(3).fill(['alice']));
  });

  test('what is revoked is refused from the next request on, and the application is not reached', async () => {
    const first = await logIn();
    const second = tokensOf(await send('/refresh', { refresh_token: first.refresh_token }));
    expect([await status(first.token), await status(second.token)]).toEqual([200, 200]);
    expect((await send('/revoke', { token: first.token })).status).toBe(200);
    expect([await status(first.token), await status(second.token)]).toEqual([401, 200]);
    expect((await send('/revoke', { token: second.refresh_token })).status).toBe(200);
    expect(await status(second.token)).toBe(401);
    expect((await send('/refresh', { refresh_token: second.refresh_token })).status).toBe(401);
    expect(stack.application.requests).toHaveLength(3);
  });

  test('one of a hundred who refresh at once wins, and the login goes on', async () => {
    const { refresh_token: spent } = await logIn();
    const answers = await Promise.all(Array.from({ length: 100 }, () => send('/refresh', { refresh_token: spent })));
    const won = answers.filter((answer) => answer.status === 200).map(tokensOf);
    expect(new Set(won.map((tokens) => tokens.refresh_token)).size).toBe(1);
    expect(answers.filter((answer) => answer.status === 409).length).toBe(100 - won.length);
    const next = tokensOf(await send('/refresh', { refresh_token: won[0]?.refresh_token ?? '' }));
    expect(await status(next.token)).toBe(200);
  });

  test('a refresh token opens nothing itself, wherever it is put', async () => {
    const { refresh_token: text } = await logIn();
    const basic = `Basic ${Buffer.from(`${ALICE.username}:${text}`).toString('base64')}`;
    for (const headers of [
      { authorization: `Bearer ${text}` },
      { 'x-api-key': text },
      { authorization: basic },
      { cookie: `__Secure-gatelodge=${text.slice(4)}` },
    ])
      expect((await ask(`${stack.app}/api/orders`, { headers })).status).toBe(401);
    expect(stack.application.requests).toEqual([]);
  });

  test('a resource server asks whether a token is good', async () => {
    const { token } = await logIn();
    const create = ['keys', 'create', '--user', ALICE.username, '--name', 'rs', '--scope', 'introspect'];
    const key = { 'x-api-key': (await stack.gatelodge.run(...create)).trim() };
    const answer = await send('/introspect', { token }, key);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ active: true, username: 'alice', token_type: 'Bearer' });
    expect((await send('/introspect', { token })).status).toBe(401);
    await send('/revoke', { token });
    expect(JSON.parse((await send('/introspect', { token }, key)).body.toString())).toEqual({ active: false });
  });
});
