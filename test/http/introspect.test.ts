import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMAND } from '../../src/domain/key-reach.ts';
import { createApiKeys } from '../../src/flows/api-keys.ts';
import { type PublicStand, publicStand, START } from './public-stand.ts';

let stand: PublicStand;
let key = '';
beforeEach(async () => {
  stand = await publicStand({ users: [{ username: 'resource server' }] });
  key = await keyWith(['introspect', 'tokens']);
});
afterEach(() => stand.close());

async function keyWith(scopes: string[], username = 'resource server'): Promise<string> {
  const user = await stand.directory.byUsername(username);
  if (user === null) throw new Error('no such user');
  const keys = createApiKeys({ store: stand.store.apiKeys, clock: stand.now });
  return (await keys.create(user, { name: 'k', scopes, expiresAt: null }, COMMAND)).text;
}
async function ask(token: string, headers: Record<string, string> = { 'x-api-key': key }) {
  const body = new URLSearchParams({ token }).toString();
  const form = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
  const response = await stand.request('/gate/introspect', { method: 'POST', headers: form, body });
  return [response.status, await response.json()];
}

describe('POST /introspect', () => {
  it('tells of an access token, a refresh token and an API key that would be taken', async () => {
    const grant = await stand.grants.grant(stand.alice);
    const who = { active: true, sub: 'usr_alice', username: 'alice', roles: ['admin', 'ops'], groups: ['staff'] };
    const iat = START / 1_000;
    expect(await ask(grant.accessToken)).toEqual([
      200,
      { ...who, iat, exp: iat + 3_600, token_type: 'Bearer', jti: expect.stringMatching(/^[\w-]{22}$/) },
    ]);
    const exp = iat + 30 * 86_400;
    expect(await ask(grant.refreshToken)).toEqual([200, { ...who, iat, exp, token_type: 'refresh_token' }]);
    const read = await keyWith(['read', 'write'], 'alice');
    expect(await ask(read)).toEqual([200, { ...who, iat, scope: 'read write', token_type: 'Bearer' }]);
  });

  it('tells nothing of what would be refused', async () => {
    const inactive = [200, { active: false }];
    const spent = await stand.grants.grant(stand.alice);
    await stand.grants.refresh(spent.refreshToken, null);
    const revoked = await stand.grants.grant(stand.alice);
    await stand.issuedTokens.revoke(revoked.refreshToken);
    const expired = await stand.grants.grant(stand.alice);
    stand.advance(3_600_000);
    const held = await stand.grants.grant(stand.alice);
    const texts = [spent.refreshToken, revoked.accessToken, revoked.refreshToken, expired.accessToken, 'x', 'glk_x'];
    for (const text of texts) expect([text, ...(await ask(text))]).toEqual([text, ...inactive]);
    expect(await ask(held.accessToken)).toMatchObject([200, { active: true }]);
    await stand.store.users.setLocked('usr_alice', true, stand.now());
    for (const text of [held.accessToken, held.refreshToken]) expect(await ask(text)).toEqual(inactive);
  });

  it('answers only who has a key with the scope', async () => {
    const { accessToken } = await stand.grants.grant(stand.alice);
    const others = await keyWith(['tokens', 'introspect:all']);
    expect(await ask(accessToken, {})).toMatchObject([401, { error: 'no-credentials' }]);
    expect(await ask(accessToken, { authorization: `Bearer ${accessToken}` })).toMatchObject([401, {}]);
    expect(await ask(accessToken, { 'x-api-key': others })).toMatchObject([403, { error: 'scope-missing' }]);
    expect(await ask(others, { 'x-api-key': `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}` })).toMatchObject([
      401,
      {},
    ]);
  });
});

it('GET /api/v1/tokens/stats counts tokens by user, for who may know', async () => {
  await stand.grants.grant(stand.alice);
  await stand.grants.grant(stand.alice);
  const stats = (headers: Record<string, string>) => stand.request('/gate/api/v1/tokens/stats', { headers });
  expect((await stats({})).status).toBe(401);
  expect((await stats({ 'x-api-key': await keyWith(['introspect']) })).status).toBe(403);
  expect(await (await stats({ 'x-api-key': key })).json()).toEqual({
    users: [
      {
        ...{ user: 'alice', logins: 2, access_tokens: 2, last_issued_at: '2026-01-01T00:00:00.000Z' },
        ...{ access_expires_at: '2026-01-01T01:00:00.000Z', refresh_expires_at: '2026-01-31T00:00:00.000Z' },
      },
    ],
  });
});
