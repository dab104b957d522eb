import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMAND } from '../../src/domain/key-reach.ts';
import { createApiKeys } from '../../src/flows/api-keys.ts';
import { PASSWORD, type PublicStand, publicStand } from './public-stand.ts';

let stand: PublicStand;
beforeEach(async () => {
  stand = await publicStand();
});
afterEach(() => stand.close());

interface Tokens {
  readonly token: string;
  readonly expires_at: string;
  readonly expires_in: number;
  readonly refresh_token: string;
  readonly refresh_expires_at: string;
}
const DAY = 24 * 3_600_000;

const post = (path: string, body: Record<string, unknown>) =>
  stand.request(`/gate${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const refresh = (refreshToken: string) => post('/refresh', { refresh_token: refreshToken });
const revoke = (token: string) => post('/revoke', { token });
// What they are is asserted by each test.
const tokensOf = async (response: Response) => (await response.json()) as Tokens;
const codeOf = async (response: Response) => [response.status, ((await response.json()) as { error: string }).error];
const logIn = async () => tokensOf(await post('/auth', { username: 'alice', password: PASSWORD }));
/** Whether gatelodge itself would still take it. */
const works = async ({ token }: Pick<Tokens, 'token'>) => (await stand.issuedTokens.introspect(token)) !== null;

describe('POST /refresh', () => {
  it('gives new tokens for a refresh token, of somebody who logged in when they did', async () => {
    const first = await logIn();
    stand.advance(1_800_000);
    const response = await refresh(first.refresh_token);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const second = await tokensOf(response);
    expect(second).toMatchObject({ token_type: 'Bearer', expires_in: 3_600, expires_at: '2026-01-01T01:30:00.000Z' });
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(second.token).not.toBe(first.token);
    const [one, two] = await Promise.all([first, second].map(({ token }) => stand.tokens.verifyAccessToken(token)));
    expect(two?.authenticatedAt).toBe(one?.authenticatedAt);
    expect(two?.familyId).toBe(one?.familyId);
    expect(two?.tokenId).not.toBe(one?.tokenId);
  });

  it('never moves the end, and no access token goes beyond it', async () => {
    let tokens = await logIn();
    const end = tokens.refresh_expires_at;
    stand.advance(29 * DAY);
    tokens = await tokensOf(await refresh(tokens.refresh_token));
    expect(tokens.refresh_expires_at).toBe(end);
    stand.advance(DAY - 1_800_000);
    tokens = await tokensOf(await refresh(tokens.refresh_token));
    expect(tokens).toMatchObject({ refresh_expires_at: end, expires_at: end, expires_in: 1_800 });
    stand.advance(1_800_000);
    expect(await codeOf(await refresh(tokens.refresh_token))).toEqual([401, 'invalid-credentials']);
  });

  it('tells whoever lost the answer the same once more, and then no more', async () => {
    const first = await logIn();
    const second = await tokensOf(await refresh(first.refresh_token));
    stand.advance(9_999);
    expect(await tokensOf(await refresh(first.refresh_token))).toEqual(second);
    expect(await codeOf(await refresh(first.refresh_token))).toEqual([409, 'conflict']);
    expect(await works(second)).toBe(true);
    expect((await refresh(second.refresh_token)).status).toBe(200);
  });

  it('has one winner of a hundred, and nobody loses the session', async () => {
    const { refresh_token: spent } = await logIn();
    const answers = await Promise.all(Array.from({ length: 100 }, () => refresh(spent)));
    const won = await Promise.all(answers.filter(({ status }) => status === 200).map(tokensOf));
    expect(new Set(won.map((tokens) => tokens.refresh_token)).size).toBe(1);
    // The winner, and whoever could have lost the answer.
    expect(won.length).toBeLessThanOrEqual(2);
    expect(answers.filter(({ status }) => status === 409).length + won.length).toBe(100);
    const [winner] = won;
    expect((await refresh(winner?.refresh_token ?? '')).status).toBe(200);
  });

  it('ends the family where a spent token comes again after ten seconds', async () => {
    const first = await logIn();
    const second = await tokensOf(await refresh(first.refresh_token));
    stand.advance(10_000);
    expect(await codeOf(await refresh(first.refresh_token))).toEqual([401, 'invalid-credentials']);
    expect(await codeOf(await refresh(second.refresh_token))).toEqual([401, 'invalid-credentials']);
    expect([await works(first), await works(second)]).toEqual([false, false]);
    expect(stand.events).toContainEqual(expect.objectContaining({ event: 'token.reused', user: 'alice' }));
  });

  it('ends the family at once where the next one has been spent too', async () => {
    const first = await logIn();
    const second = await tokensOf(await refresh(first.refresh_token));
    const third = await tokensOf(await refresh(second.refresh_token));
    expect((await refresh(first.refresh_token)).status).toBe(401);
    expect((await refresh(third.refresh_token)).status).toBe(401);
    expect(await works(third)).toBe(false);
  });

  it('leaves other logins of the same user alone', async () => {
    const [mine, another] = [await logIn(), await logIn()];
    await refresh(mine.refresh_token);
    stand.advance(10_000);
    await refresh(mine.refresh_token);
    expect((await refresh(another.refresh_token)).status).toBe(200);
  });

  it.each([
    ['locked', () => stand.store.users.setLocked('usr_alice', true, stand.now())],
    ['deleted', () => stand.store.users.delete('usr_alice')],
  ])('is refused to a %s user', async (_name, change) => {
    const { refresh_token: held } = await logIn();
    await change();
    expect(await codeOf(await refresh(held))).toEqual([401, 'invalid-credentials']);
  });

  it('takes nothing but a whole refresh token', async () => {
    const { refresh_token: held, token } = await logIn();
    const other = await logIn();
    const [id] = held.split('.');
    const [, secret] = other.refresh_token.split('.');
    for (const text of [`${id}.${secret}`, `${id}`, token, held.slice(4), `${held}x`, held.toUpperCase(), 'x', '\0']) {
      expect([text, ...(await codeOf(await refresh(text)))]).toEqual([text, 401, 'invalid-credentials']);
    }
    for (const body of [{}, { refresh_token: '' }, { refresh_token: 7 }, { refresh_token: [held] }]) {
      expect(await codeOf(await post('/refresh', body))).toEqual([400, 'invalid-request']);
    }
    expect((await refresh(held)).status).toBe(200);
  });

  it('is no use to whoever reads the database', async () => {
    const { refresh_token: held } = await logIn();
    const next = await tokensOf(await refresh(held));
    const stored = await stand.store.refreshTokens.findById(held.slice(4, 20));
    const answer = await stand.store.refreshTokens.takeAnswer(held.slice(4, 20), 0);
    const bytes = `${Buffer.from(stored?.secretHash ?? []).toString('latin1')}${Buffer.from(answer ?? []).toString('latin1')}`;
    for (const secret of [held.slice(21), next.refresh_token.slice(21), next.token])
      expect(bytes).not.toContain(secret);
  });

  it('stops an address that guesses', async () => {
    const guess = (index: number) =>
      stand.request(
        '/gate/refresh',
        {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: `refresh_token=glr_${String(index).padStart(16, '0')}.${'x'.repeat(43)}`,
        },
        { clientAddress: '192.0.2.7' },
      );
    for (let index = 0; index < 100; index += 1) expect((await guess(index)).status).toBe(401);
    const limited = await guess(100);
    expect(limited.status).toBe(429);
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  });
});

describe('POST /revoke', () => {
  it('ends one access token and no other', async () => {
    const first = await logIn();
    const second = await tokensOf(await refresh(first.refresh_token));
    expect((await revoke(first.token)).status).toBe(200);
    expect([await works(first), await works(second)]).toEqual([false, true]);
    expect(stand.events).toContainEqual(
      expect.objectContaining({ event: 'token.revoked', user: 'alice', detail: { kind: 'access-token' } }),
    );
  });

  it('ends a login with its refresh token, spent or not, and all its access tokens', async () => {
    for (const which of [0, 1]) {
      const first = await logIn();
      const second = await tokensOf(await refresh(first.refresh_token));
      expect((await revoke([first, second][which]?.refresh_token ?? '')).status).toBe(200);
      expect([await works(first), await works(second)]).toEqual([false, false]);
      expect((await refresh(second.refresh_token)).status).toBe(401);
    }
  });

  it('ends an API key, for whoever has all of it', async () => {
    const keys = createApiKeys({ store: stand.store.apiKeys, clock: stand.now });
    const { text, key } = await keys.create(stand.alice, { name: 'k', scopes: [], expiresAt: null }, COMMAND);
    for (const part of [`glk_${key.id}`, key.id, `glk_${key.id}.${'x'.repeat(43)}`]) {
      expect((await revoke(part)).status).toBe(200);
      expect(await stand.store.apiKeys.findById(key.id)).not.toBeNull();
    }
    expect((await revoke(text)).status).toBe(200);
    expect(await stand.store.apiKeys.findById(key.id)).toBeNull();
  });

  it('says 200 to what is no token, and 400 where there is none at all (RFC 7009 section 2.2)', async () => {
    for (const text of ['x', 'glr_x', 'a.b.c', 'x'.repeat(20_000)]) expect((await revoke(text)).status).toBe(200);
    expect(await codeOf(await post('/revoke', {}))).toEqual([400, 'invalid-request']);
    expect(stand.events.filter(({ event }) => event === 'token.revoked')).toEqual([]);
  });

  it('takes a form with a hint, whatever that says', async () => {
    const { token } = await logIn();
    const response = await stand.request('/gate/revoke', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ token, token_type_hint: 'refresh_token' }).toString(),
    });
    expect(response.status).toBe(200);
    expect(await works({ token })).toBe(false);
  });
});

describe('POST /refresh under rate_limits.auth', () => {
  const from = (refreshToken: string, clientAddress: string) =>
    stand.request(
      '/gate/refresh',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ refresh_token: refreshToken }),
      },
      { clientAddress },
    );
  const limited = async () => {
    await stand.close();
    stand = await publicStand({ configuration: { rate_limits: { auth: { per: '1h', burst: 3 } } } });
  };

  it('counts every try from an address, and spends nothing of one that was too many', async () => {
    await limited();
    const tokens = await logIn();
    for (let times = 0; times < 3; times += 1) expect((await from('glr_guess', '198.51.100.1')).status).toBe(401);
    const held = await from(tokens.refresh_token, '198.51.100.1');
    expect([held.status, held.headers.get('retry-after')]).toEqual([429, '3600']);
    expect(held.headers.get('ratelimit-policy')).toBe('"auth";q=3;w=10800');
    expect((await held.json()) as unknown).toMatchObject({ error: 'rate-limited' });
    expect((await from(tokens.refresh_token, '198.51.100.2')).status).toBe(200);
  });

  it('counts the user’s, by whichever of their tokens, and apart from tries under their name', async () => {
    await limited();
    const families = [await logIn(), await logIn()];
    // Whoever tries the name uses up the name’s allowance, and not that of its owner’s programs.
    for (let times = 0; times < 5; times += 1) await post('/auth', { username: 'alice', password: 'wrong' });
    const [first, second] = families;
    const one = await tokensOf(await from(first?.refresh_token ?? '', '198.51.100.1'));
    const two = await tokensOf(await from(second?.refresh_token ?? '', '198.51.100.2'));
    expect((await from(one.refresh_token, '198.51.100.3')).status).toBe(200);
    expect((await from(two.refresh_token, '198.51.100.4')).status).toBe(429);
    stand.advance(3_600_000);
    expect((await from(two.refresh_token, '198.51.100.5')).status).toBe(200);
  });

  it('gives nothing to whoever has the token of a user with networks elsewhere, and ends nothing for them', async () => {
    const tokens = await logIn();
    await stand.store.users.update(stand.alice.id, { networks: ['10.0.0.0/8'] }, stand.now());
    for (let times = 0; times < 3; times += 1)
      expect(await codeOf(await from(tokens.refresh_token, '198.51.100.1'))).toEqual([401, 'invalid-credentials']);
    const next = await from(tokens.refresh_token, '10.1.2.3');
    expect(next.status).toBe(200);
    // Nor does the answer that is kept for a retry go there.
    expect((await from(tokens.refresh_token, '198.51.100.1')).status).toBe(401);
    expect((await from((await tokensOf(next)).refresh_token, '10.1.2.3')).status).toBe(200);
    expect(stand.events.filter(({ detail }) => detail?.['reason'] === 'user-not-allowed')).toHaveLength(4);
  });
});
