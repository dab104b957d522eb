import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { openGeneratedRsaKey, openJwthenticatorHashes } from '../../../src/flows/jwthenticator-secrets.ts';
import { NIL, openStand, SECRET, type Stand, type StandOptions } from './stand.ts';

const KEY = 'hunter2';
let stand: Stand;
const open = async (options?: StandOptions) => {
  stand = await openStand(options);
};
afterEach(() => stand.close());

describe('what is stored', () => {
  it('is neither keys nor refresh tokens, nor a hash that a weak key can be found by', async () => {
    await open();
    await stand.register(KEY);
    const { refresh_token: token } = await stand.authenticate(KEY);
    await openGeneratedRsaKey(stand.store.jwthenticator, [SECRET]);
    const [key] = await stand.store.jwthenticator.listKeys();
    expect(key?.keyHash).toHaveLength(32);
    const onDisk = Buffer.concat([readFileSync(stand.file), readFileSync(`${stand.file}-wal`)]);
    expect(onDisk.includes(Buffer.from(key?.keyHash ?? []))).toBe(true);
    expect(onDisk.includes(KEY)).toBe(false);
    expect(onDisk.includes(token)).toBe(false);
    for (const algorithm of ['sha1', 'sha256', 'sha512', 'md5']) {
      for (const text of [KEY, token]) {
        const digest = createHash(algorithm).update(text);
        const bytes = digest.copy().digest();
        for (const form of [bytes, bytes.toString('hex'), bytes.toString('base64'), bytes.toString('base64url')])
          expect(onDisk.includes(form)).toBe(false);
      }
    }
    // A PKCS #8 private key of RSA has these bytes, whatever its numbers.
    expect(onDisk.includes(Buffer.from('300d06092a864886f70d0101010500048204', 'hex'))).toBe(false);
  });

  it('is of use under the same secret alone, and refused under another before anything is answered', async () => {
    await open();
    const store = stand.store.jwthenticator;
    await openGeneratedRsaKey(store, [SECRET]);
    const other = `${SECRET}, changed`;
    await expect(openJwthenticatorHashes(store, [other])).rejects.toMatchObject({ code: 'configuration-invalid' });
    await expect(openGeneratedRsaKey(store, [other])).rejects.toMatchObject({ code: 'configuration-invalid' });
  });

  it('goes over to a new secret while the one before is still named', async () => {
    await open();
    const store = stand.store.jwthenticator;
    const { kid } = await openGeneratedRsaKey(store, [SECRET]);
    const hashed = (await openJwthenticatorHashes(store, [SECRET])).ofKey(KEY);
    const next = `${SECRET}, changed`;
    const both = [next, 'some other secret of old, long enough', SECRET] as const;
    // As workers do that start at once.
    for (const one of await Promise.all([1, 2, 3].map(() => openJwthenticatorHashes(store, both))))
      expect(one.ofKey(KEY)).toEqual(hashed);
    expect((await openGeneratedRsaKey(store, both)).kid).toBe(kid);
    expect((await openGeneratedRsaKey(store, [next])).kid).toBe(kid);
    expect((await openJwthenticatorHashes(store, [next])).ofKey(KEY)).toEqual(hashed);
    await expect(openJwthenticatorHashes(store, [SECRET])).rejects.toMatchObject({ code: 'configuration-invalid' });
  });

  it('is one key pair and one hash key, however many start at once', async () => {
    await open();
    const store = stand.store.jwthenticator;
    const keys = await Promise.all([1, 2, 3].map(() => openGeneratedRsaKey(store, [SECRET])));
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(1);
    const hashes = await Promise.all([1, 2, 3].map(() => openJwthenticatorHashes(store, [SECRET])));
    expect(new Set(hashes.map((one) => Buffer.from(one.ofKey(KEY)).toString('hex'))).size).toBe(1);
  });

  it('tells keys from refresh tokens', async () => {
    await open();
    await stand.register(KEY);
    expect((await stand.post('refresh', { refresh_token: KEY, identifier: NIL })).status).toBe(401);
    const { refresh_token: token } = await stand.authenticate(KEY);
    expect((await stand.post('authenticate', { key: token, identifier: NIL })).status).toBe(401);
  });
});

describe('guessing', () => {
  const from = (clientAddress: string | null) => ({ clientAddress });
  const guess = (key: string, address: string | null) =>
    stand.post('authenticate', { key, identifier: NIL }, from(address));

  it('is limited by address with 429, which tells nobody to throw a key away', async () => {
    await open({ attempts: 3 });
    await stand.register(KEY);
    for (const key of ['a', 'b', 'c']) expect((await guess(key, '192.0.2.1')).status).toBe(401);
    const limited = await guess('d', '192.0.2.1');
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '600']);
    const refresh = { refresh_token: 'x', identifier: NIL };
    expect((await stand.post('refresh', refresh, from('192.0.2.1'))).status).toBe(429);
    // Others send the same identifier and are not held up; nor is whoever has a good key at the same address.
    expect((await guess('d', '198.51.100.1')).status).toBe(401);
    expect((await guess(KEY, '192.0.2.1')).status).toBe(200);
    stand.now += 600_000;
    expect((await guess('d', '192.0.2.1')).status).toBe(401);
  });

  it('counts refresh tokens with keys, and the same one once', async () => {
    await open({ attempts: 2 });
    for (let at = 0; at < 10; at += 1) expect((await guess('yesterday’s key', '192.0.2.1')).status).toBe(401);
    const refresh = (refresh_token: string) =>
      stand.post('refresh', { refresh_token, identifier: NIL }, from('192.0.2.1'));
    expect((await refresh('a')).status).toBe(401);
    expect((await refresh('b')).status).toBe(429);
  });

  it('of JWTs is not counted: they are asked about at every request of whoever holds one', async () => {
    await open({ attempts: 1 });
    for (let at = 0; at < 5; at += 1) {
      const headers = { authorization: `Bearer x${at}` };
      expect((await stand.request('/validate_request', { headers })).status).toBe(401);
      expect((await stand.post('validate', { jwt: `x${at}` })).status).toBe(401);
    }
  });

  it('from nobody knows where is refused as ever', async () => {
    await open({ attempts: 1 });
    for (const key of ['a', 'b', 'c']) expect((await guess(key, null)).status).toBe(401);
  });
});

it('what happens is an audit event, by the key’s id and with no credential in it', async () => {
  await open({ attempts: 2 });
  await stand.post('register_key', { key: KEY, identifier: NIL });
  await stand.post('register_key', { key: KEY, identifier: NIL });
  const granted = await stand.authenticate(KEY);
  await stand.post('refresh', { refresh_token: granted.refresh_token, identifier: NIL });
  stand.now += 121 * 86_400_000;
  await stand.authenticate(KEY);
  await stand.post('refresh', { refresh_token: granted.refresh_token, identifier: NIL });
  await stand.authenticate('nobody’s');
  const address = '192.0.2.1';
  const [{ id: key } = { id: '' }] = await stand.store.jwthenticator.listKeys();
  const [{ id: refresh_token } = { id: '' }] = await stand.store.jwthenticator.listRefreshTokens();
  expect(key).toMatch(/^jak_[\w-]{16}$/);
  expect(refresh_token).toMatch(/^jrt_[\w-]{16}$/);
  expect(stand.events).toEqual([
    { event: 'jwthenticator.key-registered', address, detail: { key, extended: false } },
    { event: 'jwthenticator.key-registered', address, detail: { key, extended: true } },
    { event: 'jwthenticator.authenticated', address, detail: { key, refresh_token } },
    { event: 'jwthenticator.refreshed', address, detail: { key, refresh_token } },
    { event: 'jwthenticator.refused', address, detail: { reason: 'expired-key', limited: false, key } },
    { event: 'login.address-limited', address },
    {
      event: 'jwthenticator.refused',
      address,
      detail: { reason: 'expired-refresh-token', limited: false, key, refresh_token },
    },
    { event: 'jwthenticator.refused', address, detail: { reason: 'unknown-key', limited: true } },
  ]);
  for (const credential of [KEY, granted.jwt, granted.refresh_token])
    expect(JSON.stringify(stand.events)).not.toContain(credential);
});
