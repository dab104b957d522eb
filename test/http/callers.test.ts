import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMAND } from '../../src/domain/key-reach.ts';
import type { User } from '../../src/domain/user.ts';
import { basic } from '../plugins/plugin-stand.ts';
import { rawRequest, statusOf } from '../support/raw-request.ts';
import { PASSWORD, type PublicStand, publicStand, type StandOptions } from './public-stand.ts';
import { ORIGIN, type Visitor, visitor } from './visitor.ts';

let stand: PublicStand;
const open = async (options?: StandOptions) => {
  stand = await publicStand(options);
};
beforeEach(() => open());
afterEach(() => stand.close());

const CALL = '/gate/api/v1/keys';
const key = async (user: User, ...scopes: string[]) =>
  (await stand.apiKeys.create(user, { name: 'k', scopes, expiresAt: null }, COMMAND)).text;
const bob = () => {
  const fields = { username: 'bob', name: '', email: '', roles: ['ops'], groups: [], networks: [], passwordHash: null };
  return stand.store.users.insert('usr_bob', fields, stand.now());
};
/** The status and code of the answer to a call with these header fields. */
async function answers(headers: Record<string, string>, path = CALL): Promise<string> {
  const response = await stand.request(path, { headers });
  if (response.status === 200) return '200';
  // What it is, is told apart by what it says.
  const { error } = (await response.json()) as { error: string };
  return `${response.status} ${error}`;
}
async function csrfToken(person: Visitor): Promise<string> {
  const response = await person.get('/gate/api/v1/csrf', { accept: 'application/json' });
  return ((await response.json()) as { token: string }).token;
}
const sent = (person: Visitor) => [...person.cookies].map(([name, value]) => `${name}=${value}`).join('; ');

describe('an API key', () => {
  it('calls with the scope, in either place', async () => {
    const text = await key(stand.alice, 'keys');
    expect(await answers({ 'x-api-key': text })).toBe('200');
    expect(await answers({ authorization: `Bearer ${text}` })).toBe('200');
  });

  it('does not without it, whoever its owner is, and is told which', async () => {
    const text = await key(stand.alice, 'key', 'keys:read', 'KEYS', 'admin');
    expect(await answers({ 'x-api-key': text })).toBe('403 scope-missing');
    const response = await stand.request(CALL, { headers: { 'x-api-key': text } });
    expect(response.headers.get('www-authenticate')).toBe('Bearer error="insufficient_scope", scope="keys"');
  });

  it('is 401 as soon as it is revoked or its owner is locked or gone', async () => {
    const user = await bob();
    const [one, other] = [await key(user, 'keys'), await key(user, 'keys')];
    expect([await answers({ 'x-api-key': one }), await answers({ 'x-api-key': other })]).toEqual(['200', '200']);
    await stand.apiKeys.revoke(one, COMMAND);
    expect(await answers({ 'x-api-key': one })).toBe('401 invalid-credentials');
    await stand.store.users.setLocked(user.id, true, stand.now());
    expect(await answers({ 'x-api-key': other })).toBe('401 invalid-credentials');
    await stand.store.users.setLocked(user.id, false, stand.now());
    expect(await answers({ 'x-api-key': other })).toBe('200');
    await stand.store.users.delete(user.id);
    expect(await answers({ 'x-api-key': other })).toBe('401 invalid-credentials');
  });

  it('that is bad is never made good by a session', async () => {
    const person = visitor(stand);
    await person.logIn();
    const session = { cookie: sent(person), 'x-csrf-token': await csrfToken(person), origin: ORIGIN };
    expect(await answers(session)).toBe('200');
    const weak = await key(await bob(), 'other');
    expect(await answers({ ...session, 'x-api-key': weak })).toBe('403 scope-missing');
    expect(await answers({ ...session, 'x-api-key': 'glk_x' })).toBe('401 invalid-credentials');
    expect(await answers({ ...session, 'x-api-key': '' })).toBe('401 invalid-credentials');
    expect(await answers({ ...session, authorization: 'Bearer eyJ.e.s' })).toBe('401 invalid-credentials');
  });

  it('has to be one, and in one place', async () => {
    const [one, other] = [await key(stand.alice, 'keys'), await key(stand.alice, 'keys')];
    expect(await answers({ 'x-api-key': one, authorization: `Bearer ${one}` })).toBe('400 invalid-request');
    const port = await stand.listen();
    const status = async (...lines: string[]) =>
      statusOf(
        await rawRequest(port, `GET ${CALL} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines.join('\r\n')}\r\n\r\n`),
      );
    expect(await status(`X-API-Key: ${one}`)).toBe(200);
    expect(await status(`X-API-Key: ${one}`, `X-API-Key: ${other}`)).toBe(400);
    expect(await status(`X-API-Key: ${one}`, `x-api-key: ${one}`)).toBe(400);
    expect(await status(`X-API-Key: ${one}, ${other}`)).toBe(400);
    expect(await status(`X-API-Key: ${one}`, 'X-API-Key: x')).toBe(400);
    expect(await status(`Authorization: Bearer ${one}`, `Authorization: Bearer ${other}`)).toBe(400);
    expect(await status(`Authorization: Bearer ${one}, Bearer ${other}`)).toBe(400);
    expect(await status(`Authorization: Bearer ${one}`, 'Authorization: Basic eDp5')).toBe(400);
    expect(await status(`X_API_Key: ${one}`)).toBe(401);
  });

  it('is not taken from a query, a cookie or as a password', async () => {
    const text = await key(stand.alice, 'keys');
    expect(await answers({}, `${CALL}?api_key=${text}&access_token=${text}`)).toBe('401 no-credentials');
    expect(await answers({ cookie: `__Host-gatelodge=${text}` })).toBe('401 invalid-credentials');
    expect(await answers({ authorization: `Basic ${btoa(`alice:${text}`)}` })).toBe('401 no-credentials');
  });

  it('can be guessed so often from one address', async () => {
    await stand.close();
    await open({ configuration: { login_limits: { address: { attempts: 3, window: '1m' } } } });
    const good = await key(stand.alice, 'keys');
    const guess = (number: number) => `glk_${'A'.repeat(16)}.${'A'.repeat(42)}${number}`;
    for (const number of [1, 1, 2, 3]) {
      expect(await answers({ 'x-api-key': guess(number) })).toBe('401 invalid-credentials');
    }
    const response = await stand.request(CALL, { headers: { 'x-api-key': guess(4) } });
    expect([response.status, Number(response.headers.get('retry-after')) > 0]).toEqual([429, true]);
    // A good one is never held up.
    expect(await answers({ 'x-api-key': good })).toBe('200');
  });
});

describe('a session', () => {
  it('calls with the role and the header', async () => {
    const person = visitor(stand);
    await person.logIn();
    const token = await csrfToken(person);
    expect(await answers({ cookie: sent(person), 'x-csrf-token': token })).toBe('200');
    const fromPage = { cookie: sent(person), 'x-csrf-token': token, origin: ORIGIN, 'sec-fetch-site': 'same-origin' };
    expect(await answers(fromPage)).toBe('200');
  });

  it('does not when another site’s page sends it, or without the header, or with another browser’s', async () => {
    const [person, other] = [visitor(stand), visitor(stand)];
    await person.logIn();
    const [token, foreign] = [await csrfToken(person), await csrfToken(other)];
    const cookie = sent(person);
    for (const headers of [
      { cookie },
      { cookie, 'x-csrf-token': '' },
      { cookie, 'x-csrf-token': foreign },
      { cookie, 'x-csrf-token': `${token}x` },
      { cookie, 'x-csrf-token': token, origin: 'https://evil.example' },
      { cookie, 'x-csrf-token': token, origin: 'null' },
      { cookie, 'x-csrf-token': token, 'sec-fetch-site': 'cross-site' },
      { cookie, 'x-csrf-token': token, 'sec-fetch-site': 'same-site' },
      { cookie: cookie.replace(/[^ ]*csrf=[^;]*;? ?/, ''), 'x-csrf-token': token },
    ]) {
      expect(await answers(headers), JSON.stringify(headers)).toBe('403 csrf-failed');
    }
  });

  it('does not without the role, from the next call on', async () => {
    const person = visitor(stand);
    await person.logIn();
    const headers = { cookie: sent(person), 'x-csrf-token': await csrfToken(person) };
    expect(await answers(headers)).toBe('200');
    await stand.store.users.update('usr_alice', { roles: ['ops', 'Admin', 'administrator'] }, stand.now());
    expect(await answers(headers)).toBe('403 role-missing');
    await stand.store.users.update('usr_alice', { roles: ['admin'] }, stand.now());
    expect(await answers(headers)).toBe('200');
    await stand.store.users.setLocked('usr_alice', true, stand.now());
    expect(await answers(headers)).toBe('401 invalid-credentials');
  });

  it('is over when it is over', async () => {
    const person = visitor(stand);
    await person.logIn();
    const headers = { cookie: sent(person), 'x-csrf-token': await csrfToken(person) };
    stand.advance(13 * 3_600_000);
    expect(await answers(headers)).toBe('401 invalid-credentials');
  });
});

it('a user who is bound to networks does not call from elsewhere, by key or by session', async () => {
  const person = visitor(stand);
  await person.logIn();
  const session = { cookie: sent(person), 'x-csrf-token': await csrfToken(person) };
  const byKey = { 'x-api-key': await key(stand.alice, 'keys') };
  for (const headers of [session, byKey]) expect(await answers(headers)).toBe('200');
  await stand.store.users.update('usr_alice', { networks: ['10.0.0.0/8'] }, stand.now());
  for (const headers of [session, byKey]) {
    expect(await answers(headers)).toBe('403 forbidden');
    expect(await answers(headers, '/gate/userinfo')).toBe('403 forbidden');
  }
  await stand.store.users.update('usr_alice', { networks: ['192.0.2.0/24'] }, stand.now());
  for (const headers of [session, byKey]) expect(await answers(headers)).toBe('200');
});

it('nobody calls without a credential, nor an administrator with a token or a password', async () => {
  const response = await stand.request(CALL);
  expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  expect(await response.json()).toEqual({ error: 'no-credentials', message: expect.any(String) });
  const { accessToken: token } = await stand.grants.grant(stand.alice);
  expect(await answers({ authorization: `Bearer ${token}` })).toBe('401 invalid-credentials');
  expect(await answers({ authorization: basic('alice', PASSWORD)[1] ?? '' })).toBe('401 no-credentials');
});

it('no other site may read what a call answers', async () => {
  for (const path of [CALL, '/gate/api/v1/csrf', '/gate/userinfo']) {
    const response = await stand.request(path, { headers: { origin: 'https://evil.example' } });
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    const preflight = await stand.request(path, { method: 'OPTIONS', headers: { origin: 'https://evil.example' } });
    expect(preflight.status).toBe(405);
  }
});
