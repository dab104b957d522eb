import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { EncryptJWT, type JWTPayload } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deriveKey } from '../../src/domain/secret.ts';
import { type AccessTokens, createAccessTokens } from '../../src/flows/access-tokens.ts';
import { type PublicStand, publicStand, SECRET } from '../http/public-stand.ts';

const BEFORE = 'the secret that was there before, and long enough';
const ISSUER = 'https://auth.example.com/gate';
let stand: PublicStand;
let tokens: AccessTokens;
beforeEach(async () => {
  stand = await publicStand({ configuration: { tokens: { format: 'encrypted' } } });
  tokens = instance([SECRET]);
});
afterEach(() => stand.close());

/** One of several instances, which share a secret and nothing else. */
function instance(secrets: readonly [string, ...string[]], changes: { issuer?: string; audience?: string } = {}) {
  const keys = stand.signingKeys;
  const names = { issuer: ISSUER, audience: ISSUER, ...changes };
  return createAccessTokens({ keys, format: 'encrypted', secrets, ...names, lifetime: 3_600_000, clock: stand.now });
}
const issue = async (by = tokens) => {
  const now = stand.now();
  const request = { user: stand.alice, now, authenticatedAt: now, familyId: 'glf_1', until: Number.POSITIVE_INFINITY };
  return (await by.issueAccessToken(request)).token;
};
const headerOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const taken = async (token: string, by = tokens) =>
  by.issuedHere(token) && (await by.verifyAccessToken(token)) !== null;

const KEY = deriveKey(SECRET, 'access-tokens');
/** Made with our own good key, whatever header and claims are. */
async function forged(header: Record<string, unknown>, claims: JWTPayload = {}, key: Uint8Array = KEY) {
  const iat = Math.floor(stand.now() / 1_000);
  const good = { iss: ISSUER, aud: ISSUER, sub: 'usr_alice', iat, exp: iat + 60, auth_time: iat, jti: 'j', sid: 's' };
  return new EncryptJWT({ ...good, ...claims })
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', ...headerOf(await issue()), ...header })
    .encrypt(key, { crit: { 'urn:x': false } });
}

describe('an encrypted access token', () => {
  it('is read by every instance with the same secret, and says nothing to anybody else', async () => {
    const token = await issue();
    expect(headerOf(token)).toEqual({ alg: 'dir', enc: 'A256GCM', typ: 'at+jwt', kid: expect.any(String) });
    expect(token.split('.')).toHaveLength(5);
    for (const part of token.split('.'))
      expect(Buffer.from(part, 'base64url').toString('latin1')).not.toContain('alice');
    expect(await instance([SECRET]).verifyAccessToken(token)).toMatchObject({
      ...{ userId: 'usr_alice', familyId: 'glf_1', authenticatedAt: stand.now() },
    });
    expect(await taken(token, instance([BEFORE]))).toBe(false);
    expect(await issue()).not.toBe(token);
  });

  it('is read under a previous secret while that is listed, and made under the new one', async () => {
    const old = await issue(instance([BEFORE]));
    const both = instance([SECRET, BEFORE]);
    expect(await taken(old, both)).toBe(true);
    expect(await taken(await issue(both), instance([SECRET]))).toBe(true);
    expect(await taken(await issue(both), instance([BEFORE]))).toBe(false);
    expect(await taken(old, instance([SECRET]))).toBe(false);
  });

  it('is accepted beside signed ones, whichever is issued', async () => {
    const { keys, clock } = { keys: stand.signingKeys, clock: stand.now };
    const names = { issuer: ISSUER, audience: ISSUER, lifetime: 3_600_000, clock };
    const signing = createAccessTokens({ keys, secrets: [SECRET], ...names });
    expect(await taken(await issue(signing))).toBe(true);
    expect(await taken(await issue(), signing)).toBe(true);
  });

  it('ends at its exp', async () => {
    const token = await issue();
    stand.advance(3_599_999);
    expect(await taken(token)).toBe(true);
    stand.advance(1);
    expect(await taken(token)).toBe(false);
  });

  it('belongs to its issuer and audience', async () => {
    const token = await issue();
    expect(await taken(token, instance([SECRET], { issuer: 'https://other.example.com' }))).toBe(false);
    expect(await taken(token, instance([SECRET], { audience: 'https://other.example.com' }))).toBe(false);
  });

  it('is what POST /auth gives and the plugin takes', async () => {
    const { accessToken } = await stand.grants.grant(stand.alice);
    expect(headerOf(accessToken)['alg']).toBe('dir');
    const response = await stand.request('/gate/userinfo', { headers: { authorization: `Bearer ${accessToken}` } });
    expect([response.status, ((await response.json()) as { username: string }).username]).toEqual([200, 'alice']);
  });
});

describe('what is no encrypted access token', () => {
  it('is one with a bit changed anywhere', async () => {
    const token = await issue();
    for (let at = 0; at < token.length; at += 7) {
      const character = token[at];
      if (character === '.') continue;
      const changed = `${token.slice(0, at)}${character === 'A' ? 'Q' : 'A'}${token.slice(at + 1)}`;
      expect([at, await taken(changed)]).toEqual([at, false]);
    }
  });

  it('has another header than ours, though made with our key', async () => {
    expect(await taken(await forged({}))).toBe(true);
    for (const header of [
      { typ: 'JWT' },
      { typ: 'rt+jwt' },
      { typ: undefined },
      { kid: undefined },
      { kid: 'another' },
      { cty: 'JWT' },
      { jku: 'https://evil.example.com' },
      { zip: 'DEF' },
    ]) {
      const token = await forged(header).catch(() => null);
      // What the library itself does not make is written by hand.
      const [, ...rest] = (await issue()).split('.');
      const text = token ?? [encode({ ...headerOf(await issue()), ...header }), ...rest].join('.');
      expect([header, await taken(text)]).toEqual([header, false]);
    }
  });

  it('lacks a claim, or says something else than we do', async () => {
    for (const claims of [
      { iss: 'https://evil.example.com' },
      { aud: 'https://evil.example.com' },
      ...['sub', 'iat', 'exp', 'jti', 'sid', 'auth_time'].map((name) => ({ [name]: undefined })),
    ]) {
      expect([claims, await taken(await forged({}, claims))]).toEqual([claims, false]);
    }
  });

  it.each([
    ['RSA-OAEP-256', 'rsa'],
    ['ECDH-ES', 'ec'],
  ] as const)('is encrypted to somebody’s own key by %s', async (alg, kind) => {
    const { publicKey } =
      kind === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const iat = Math.floor(stand.now() / 1_000);
    const token = await new EncryptJWT({ iss: ISSUER, aud: ISSUER, sub: 'usr_alice', iat, exp: iat + 60, jti: 'j' })
      .setProtectedHeader({ alg, enc: 'A256GCM', typ: 'at+jwt', kid: headerOf(await issue())['kid'] })
      .encrypt(createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })));
    expect(await taken(token)).toBe(false);
  });

  it('is a password, a public key or zeros as the key', async () => {
    const published = stand.signingKeys.publicJwks().keys[0];
    for (const key of [new Uint8Array(32), randomBytes(32), Buffer.from(JSON.stringify(published)).subarray(0, 32)])
      expect(await taken(await forged({}, {}, key))).toBe(false);
  });

  it('is a signed token in an encrypted one’s clothes, or the other way round', async () => {
    const token = await issue();
    const [header, ...rest] = token.split('.');
    expect(await taken([encode({ ...headerOf(token), alg: 'none' }), ...rest].join('.'))).toBe(false);
    expect(await taken([encode({ alg: 'ES256', typ: 'at+jwt', kid: headerOf(token)['kid'] }), ...rest].join('.'))).toBe(
      false,
    );
    expect(await taken([header, '', ...rest.slice(1, 3)].join('.'))).toBe(false);
    expect(await taken(`${header}..`)).toBe(false);
    expect(await taken(`${header}.....`)).toBe(false);
  });

  it('is a refresh token, an API key or a session', async () => {
    const { refreshToken } = await stand.grants.grant(stand.alice);
    const { cookieValue } = await stand.sessions.start(stand.alice, { remember: false });
    for (const text of [refreshToken, cookieValue, `glk_${cookieValue}`]) expect(await taken(text)).toBe(false);
    for (const text of [refreshToken, cookieValue]) {
      const response = await stand.request('/gate/userinfo', { headers: { authorization: `Bearer ${text}` } });
      expect(response.status).toBe(401);
    }
  });
});
