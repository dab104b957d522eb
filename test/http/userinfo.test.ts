import { afterEach, expect, it } from 'vitest';
import { COMMAND } from '../../src/domain/key-reach.ts';
import { basic } from '../plugins/plugin-stand.ts';
import { rawRequest, statusOf } from '../support/raw-request.ts';
import { PASSWORD, type PublicStand, publicStand, START } from './public-stand.ts';
import { visitor } from './visitor.ts';

let stand: PublicStand;
afterEach(() => stand.close());

const ask = (headers: Record<string, string>) => stand.request('/gate/userinfo', { headers });
const ALICE = {
  sub: 'usr_alice',
  username: 'alice',
  preferred_username: 'alice',
  name: 'Alice A.',
  email: 'alice@example.com',
  roles: ['admin', 'ops'],
  groups: ['staff'],
};
const SINCE = new Date(START).toISOString();

it('says who a session, a token, a key or a password stands for', async () => {
  stand = await publicStand({ plugins: ['session', 'token', 'apikey', 'basic'] });
  const person = visitor(stand);
  await person.logIn();
  const bySession = await person.get('/gate/userinfo', { accept: 'application/json' });
  expect(await bySession.json()).toEqual({ ...ALICE, scopes: null, methods: ['session'], authenticated_at: SINCE });

  const { accessToken: token } = await stand.grants.grant(stand.alice);
  const byToken = await ask({ authorization: `Bearer ${token}` });
  expect(byToken.headers.get('cache-control')).toBe('no-store');
  expect(await byToken.json()).toEqual({ ...ALICE, scopes: null, methods: ['token'], authenticated_at: SINCE });

  const { text } = await stand.apiKeys.create(stand.alice, { name: 'k', scopes: ['read'], expiresAt: null }, COMMAND);
  const byKey = { ...ALICE, scopes: ['read'], methods: ['apikey'], authenticated_at: null };
  expect(await (await ask({ 'x-api-key': text })).json()).toEqual(byKey);
  expect(await (await ask({ authorization: `Bearer ${text}` })).json()).toEqual(byKey);

  const byPassword = await ask({ authorization: basic('alice', PASSWORD)[1] ?? '' });
  expect(await byPassword.json()).toMatchObject({ ...ALICE, methods: ['basic'], authenticated_at: SINCE });
});

it('takes a password only where it is configured, and says what it takes', async () => {
  stand = await publicStand();
  const response = await ask({ authorization: basic('alice', PASSWORD)[1] ?? '' });
  expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  expect(stand.verifications()).toBe(0);
  await stand.close();
  stand = await publicStand({ plugins: ['basic', 'token'] });
  const bare = await ask({});
  expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([
    401,
    'Basic realm="Restricted", charset="UTF-8", Bearer',
  ]);
  expect(await bare.json()).toMatchObject({ error: 'no-credentials' });
  expect((await ask({ authorization: basic('alice', 'wrong')[1] ?? '' })).status).toBe(401);
});

it('refuses what is bad, locked or there twice', async () => {
  stand = await publicStand();
  const { text } = await stand.apiKeys.create(stand.alice, { name: 'k', scopes: [], expiresAt: null }, COMMAND);
  for (const headers of [
    { authorization: 'Bearer x' },
    { authorization: 'Bearer eyJ.e.s' },
    { 'x-api-key': `${text}x` },
    { cookie: '__Host-gatelodge=x' },
  ]) {
    const response = await ask(headers);
    expect([response.status, await response.json()]).toMatchObject([401, { error: 'invalid-credentials' }]);
  }
  const port = await stand.listen();
  const twice = `X-API-Key: ${text}\r\nX-API-Key: ${text}\r\n`;
  const answer = await rawRequest(port, `GET /gate/userinfo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${twice}\r\n`);
  expect(statusOf(answer)).toBe(400);
  await stand.store.users.setLocked('usr_alice', true, stand.now());
  const locked = await ask({ 'x-api-key': text });
  expect([locked.status, await locked.json()]).toMatchObject([401, { error: 'invalid-credentials' }]);
});
