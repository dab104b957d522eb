import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { generateRsaKey, publicDer, type RsaKey, readRsaKey } from '../../../src/adapters/rsa-jwt.ts';
import { forge, hmac, rsa } from '../../plugins/forged-jwt.ts';
import { HOUR, NIL, openStand, RSA_KEY, type Stand, type StandOptions } from './stand.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const KEY = 'a key';
const OTHER: RsaKey = await generateRsaKey();

let stand: Stand;
const open = async (options?: StandOptions) => {
  stand = await openStand(options);
  await stand.register(KEY);
};
afterEach(() => stand.close());

/** What both calls say of a JWT. */
async function judge(jwt: string): Promise<number[]> {
  const asked = await stand.request('/validate_request', { headers: { authorization: `Bearer ${jwt}` } });
  return [(await stand.post('validate', { jwt })).status, asked.status];
}
const seconds = () => Math.floor(stand.now / 1_000);
const HEADER = { alg: 'RS256', kid: RSA_KEY.kid, typ: 'JWT' };
const claims = (changes: Record<string, unknown> = {}) => ({
  ...{ token_id: NIL, identifier: NIL, iat: seconds(), exp: seconds() + 60 },
  ...changes,
});
const signed = rsa(RSA_KEY.privateKey);

describe('a JWT', () => {
  it('has exactly that system’s header and claims', async () => {
    await open();
    const { jwt } = (await stand.post('authenticate', { key: KEY, identifier: `{${NIL.replace('0', 'A')}}` })).granted;
    expect(decodeProtectedHeader(jwt)).toEqual(HEADER);
    expect(decodeJwt(jwt)).toEqual({
      token_id: expect.stringMatching(UUID),
      identifier: NIL.replace('0', 'a'),
      iat: seconds(),
      exp: seconds() + 25 * 3_600,
    });
    const again = (await stand.authenticate(KEY)).jwt;
    expect(decodeJwt(again)['token_id']).not.toBe(decodeJwt(jwt)['token_id']);
  });

  it('has the audience that is configured, and is good for that one alone', async () => {
    await open({ audience: ['a', 'b'] });
    const { jwt } = await stand.authenticate(KEY);
    expect(decodeJwt(jwt).aud).toEqual(['a', 'b']);
    expect(await judge(jwt)).toEqual([200, 200]);
    for (const aud of ['b', ['x', 'a']])
      expect(await judge(forge(HEADER, claims({ aud }), signed))).toEqual([200, 200]);
    for (const aud of ['x', ['x'], [], '', 1, null, [['a']], undefined])
      expect(await judge(forge(HEADER, claims({ aud }), signed))).toEqual([401, 401]);
  });

  it('can be verified by anybody with the published key', async () => {
    await open();
    const { jwt } = await stand.authenticate(KEY);
    const { status, text } = await stand.request('/jwks');
    expect(status).toBe(200);
    // What it is, is asserted on the next lines.
    const set = JSON.parse(text) as JSONWebKeySet;
    const der = publicDer(RSA_KEY);
    const kid = createHash('sha1').update(der).digest('base64url');
    expect(set).toEqual({
      keys: [
        {
          ...{ kty: 'RSA', alg: 'RS256', use: 'sig', e: 'AQAB', n: expect.stringMatching(/^[\w-]{342}$/) },
          ...{ kid, x5t: kid, x5c: [der.toString('base64')] },
        },
      ],
    });
    const { payload } = await jwtVerify(jwt, createLocalJWKSet(set), { currentDate: new Date(stand.now) });
    expect(payload['identifier']).toBe(NIL);
  });

  it('of the system that was here before is good, with and without its kid', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    for (const type of ['pkcs1', 'pkcs8'] as const) {
      const key = readRsaKey(String(privateKey.export({ type, format: 'pem' })));
      await open({ key });
      const { kid: _, ...without } = HEADER;
      for (const header of [{ ...HEADER, kid: key.kid }, without])
        expect(await judge(forge(header, claims(), rsa(privateKey)))).toEqual([200, 200]);
      await stand.close();
    }
    await open();
  });
});

describe('a forged JWT is 401:', () => {
  it('the forger’s own, were it signed, is good', async () => {
    await open();
    expect(await judge(forge(HEADER, claims(), signed))).toEqual([200, 200]);
  });

  const pem = String(RSA_KEY.publicKey.export({ type: 'spki', format: 'pem' }));
  const sha512 = (input: string) => sign('sha512', Buffer.from(input), RSA_KEY.privateKey);
  it.each<[string, Record<string, unknown>, (input: string) => Buffer | string]>([
    ['alg none', { ...HEADER, alg: 'none' }, () => ''],
    ['alg none with a signature', { ...HEADER, alg: 'none' }, signed],
    ['no alg', { kid: RSA_KEY.kid, typ: 'JWT' }, signed],
    ['HS256 under the public key in PEM', { ...HEADER, alg: 'HS256' }, hmac(pem)],
    ['HS256 under the public key in DER', { ...HEADER, alg: 'HS256' }, hmac(publicDer(RSA_KEY))],
    ['RS512', { ...HEADER, alg: 'RS512' }, sha512],
    ['RS512 that says RS256', HEADER, sha512],
    ['PS256', { ...HEADER, alg: 'PS256' }, signed],
    ['rs256', { ...HEADER, alg: 'rs256' }, signed],
    ['no signature', HEADER, () => ''],
    ['another key', HEADER, rsa(OTHER.privateKey)],
    ['another key and its kid', { ...HEADER, kid: OTHER.kid }, rsa(OTHER.privateKey)],
    ['a foreign kid', { ...HEADER, kid: OTHER.kid }, signed],
    ['a kid that is no text', { ...HEADER, kid: 1 }, signed],
    ['an empty kid', { ...HEADER, kid: '' }, signed],
    ['jwk', { ...HEADER, jwk: OTHER.publicKey.export({ format: 'jwk' }) }, rsa(OTHER.privateKey)],
    ['jwk, well signed', { ...HEADER, jwk: RSA_KEY.publicKey.export({ format: 'jwk' }) }, signed],
    ['jku', { ...HEADER, jku: 'https://evil.example/jwks' }, signed],
    ['x5u', { ...HEADER, x5u: 'https://evil.example/cert' }, signed],
    ['x5c', { ...HEADER, x5c: ['AAAA'] }, signed],
    ['crit', { ...HEADER, crit: ['exp'], exp: 1 }, signed],
    ['an empty crit', { ...HEADER, crit: [] }, signed],
    ['b64', { ...HEADER, b64: true, crit: ['b64'] }, signed],
    ['an access token’s type', { ...HEADER, typ: 'at+jwt' }, signed],
  ])('%s', async (_what, header, signature) => {
    await open();
    expect(await judge(forge(header, claims(), signature))).toEqual([401, 401]);
  });

  it.each<[string, () => unknown]>([
    ['expired', () => claims({ exp: seconds() })],
    ['long expired', () => claims({ exp: 1 })],
    ['no exp', () => claims({ exp: undefined })],
    ['exp as a text', () => claims({ exp: String(seconds() + 60) })],
    ['exp that is no whole second', () => claims({ exp: seconds() + 60.5 })],
    ['exp without end', () => claims({ exp: 1e300 })],
    ['iat in the future', () => claims({ iat: seconds() + 1 })],
    ['iat in the far future', () => claims({ iat: seconds() + 1e6, exp: seconds() + 2e6 })],
    ['no iat', () => claims({ iat: undefined })],
    ['iat as a text', () => claims({ iat: String(seconds()) })],
    ['nbf in the future', () => claims({ nbf: seconds() + 1 })],
    ['nbf as a text', () => claims({ nbf: 'x' })],
    ['no token_id', () => claims({ token_id: undefined })],
    ['no identifier', () => claims({ identifier: undefined })],
    ['an identifier that is no UUID', () => claims({ identifier: 'x' })],
    ['an audience where none is configured', () => claims({ aud: 'x' })],
    ['claims that are no object', () => 'x'],
    ['claims that are a list', () => []],
    ['claims that are null', () => 'null'],
  ])('%s', async (_what, made) => {
    await open();
    expect(await judge(forge(HEADER, made(), signed))).toEqual([401, 401]);
  });

  it('a live one with a changed claim', async () => {
    await open();
    const [header, body = '', signature] = (await stand.authenticate(KEY)).jwt.split('.');
    const changed = Buffer.from(body, 'base64url').toString().replace(NIL, NIL.replace('0', '1'));
    expect(await judge([header, Buffer.from(changed).toString('base64url'), signature].join('.'))).toEqual([401, 401]);
    expect(await judge([header, body, signature].join('.'))).toEqual([200, 200]);
    stand.now -= HOUR;
    expect(await judge([header, body, signature].join('.'))).toEqual([401, 401]);
  });
});
