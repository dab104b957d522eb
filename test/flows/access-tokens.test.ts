import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { exportJWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signJwt } from '../../src/adapters/jose.ts';
import { createAccessTokens } from '../../src/flows/access-tokens.ts';
import { type PublicStand, publicStand, SECRET } from '../http/public-stand.ts';

let stand: PublicStand;
beforeAll(async () => {
  stand = await publicStand();
});
afterAll(() => stand.close());

/** For Alice, who has just logged in. */
const request = (now: number) => ({
  ...{ user: stand.alice, now, authenticatedAt: now, familyId: 'glf_family', until: Number.POSITIVE_INFINITY },
});
const verify = (token: string) => stand.tokens.verifyAccessToken(token);
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (part: string | undefined) => JSON.parse(Buffer.from(part ?? '', 'base64url').toString());

async function parts() {
  const { token } = await stand.tokens.issueAccessToken(request(stand.now()));
  const [header, payload, signature = ''] = token.split('.');
  return { token, header: decode(header), claims: decode(payload), signature };
}

/** Signed with our own good key, whatever header and claims are. */
async function signed(changes: {
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
}): Promise<string> {
  const { header, claims } = await parts();
  const input = `${encode({ ...header, ...changes.header })}.${encode({ ...claims, ...changes.claims })}`;
  const { privateKey } = stand.signingKeys.current();
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const signature = await crypto.subtle.sign(algorithm, privateKey, Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

describe('an access token', () => {
  it('is verified', async () => {
    const { token } = await parts();
    expect(await verify(token)).toEqual({
      tokenId: expect.stringMatching(/^[\w-]{22}$/),
      familyId: 'glf_family',
      userId: 'usr_alice',
      issuedAt: stand.now(),
      authenticatedAt: stand.now(),
      expiresAt: stand.now() + 3_600_000,
    });
    expect(await verify(await signed({}))).not.toBeNull();
  });

  it('counts in whole seconds and never lives for less than one', async () => {
    const keys = stand.signingKeys;
    const short = createAccessTokens({
      keys,
      secrets: [SECRET],
      issuer: 'i',
      audience: 'a',
      lifetime: 10,
      clock: stand.now,
    });
    const issued = await short.issueAccessToken(request(stand.now() + 999));
    expect(issued).toMatchObject({ expiresAt: stand.now() + 1_000, expiresIn: 1 });
    expect(await short.verifyAccessToken(issued.token)).not.toBeNull();
  });

  it('ends at its exp', async () => {
    const issued = await stand.tokens.issueAccessToken(request(stand.now() - 3_599_000));
    expect(await verify(issued.token)).not.toBeNull();
    const over = await stand.tokens.issueAccessToken(request(stand.now() - 3_600_000));
    expect(await verify(over.token)).toBeNull();
  });
});

describe('what is no access token', () => {
  it('is text of another form', async () => {
    const { token } = await parts();
    for (const text of [
      '',
      '.',
      '..',
      'x',
      'a.b.c',
      `${token}.`,
      `${token}.x`,
      token.slice(0, -4),
      `${token}A`,
      'x'.repeat(20_000),
    ]) {
      expect([text, await verify(text)]).toEqual([text, null]);
    }
  });

  it('is a changed one', async () => {
    const { header, claims, signature } = await parts();
    expect(await verify(`${encode(header)}.${encode({ ...claims, sub: 'usr_eve' })}.${signature}`)).toBeNull();
    expect(await verify(`${encode(header)}.${encode(claims)}.`)).toBeNull();
    expect(await verify(`${encode(header)}.${encode(claims)}.${Buffer.alloc(64).toString('base64url')}`)).toBeNull();
  });

  it.each(['none', 'None', 'NONE', ''])('says alg %j', async (alg) => {
    const { header, claims, signature } = await parts();
    expect(await verify(`${encode({ ...header, alg })}.${encode(claims)}.`)).toBeNull();
    expect(await verify(`${encode({ ...header, alg })}.${encode(claims)}.${signature}`)).toBeNull();
  });

  it('is signed by HMAC with the public key as its secret', async () => {
    const { header, claims } = await parts();
    const [jwk] = stand.signingKeys.publicJwks().keys;
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
    const input = `${encode({ ...header, alg: 'HS256' })}.${encode(claims)}`;
    const pem = key.export({ type: 'spki', format: 'pem' });
    const der = key.export({ type: 'spki', format: 'der' });
    for (const secret of [pem, der, JSON.stringify(jwk)]) {
      const mac = createHmac('sha256', secret).update(input).digest('base64url');
      expect(await verify(`${input}.${mac}`)).toBeNull();
    }
  });

  it('brings its own key', async () => {
    const { header, claims } = await parts();
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = await exportJWK(pair.publicKey);
    for (const extra of [
      {},
      { jwk },
      { jku: 'https://evil.test/jwks' },
      { x5u: 'https://evil.test/x' },
      { kid: 'other', jwk },
    ]) {
      const input = `${encode({ ...header, ...extra })}.${encode(claims)}`;
      const signature = sign('sha256', Buffer.from(input), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });
      expect(await verify(`${input}.${signature.toString('base64url')}`)).toBeNull();
    }
  });

  it.each([
    { typ: 'JWT' },
    { typ: 'AT+JWT' },
    { typ: 'application/at+jwt' },
    { typ: undefined },
    { kid: 'other' },
    { kid: '' },
    { kid: undefined },
    { kid: ['x'] },
    { kid: '__proto__' },
    { alg: 'ES384' },
    { alg: 'RS256' },
    { crit: ['exp'] },
    { crit: ['b64'], b64: true },
    { crit: [] },
    { b64: true },
    { jwk: {} },
    { jku: 'https://auth.example.com/jwks' },
    { x5u: 'https://auth.example.com/x' },
    { cty: 'JWT' },
  ])('has the header %j, though our key signed it', async (header) => {
    expect(await verify(await signed({ header }))).toBeNull();
  });

  it.each([
    { iss: 'https://evil.test' },
    { iss: undefined },
    { aud: 'https://evil.test' },
    { aud: ['https://evil.test'] },
    { aud: undefined },
    { exp: undefined },
    { exp: null },
    { exp: '9999999999' },
    { exp: 1 },
    { nbf: 9_999_999_999 },
    { sub: undefined },
    { iat: undefined },
    { jti: undefined },
    { auth_time: undefined },
  ])('has the claims %j, though our key signed it', async (claims) => {
    expect(await verify(await signed({ claims }))).toBeNull();
  });

  it('is of a key that was rotated away before its last token expired, and after', async () => {
    const other = await publicStand();
    const { token } = await other.tokens.issueAccessToken({ ...request(other.now()), user: other.alice });
    await other.signingKeys.rotate();
    expect(await other.tokens.verifyAccessToken(token)).not.toBeNull();
    // Even one that claims to live longer than the key does.
    const { kid, algorithm, privateKey } = stand.signingKeys.current();
    const forever = await signJwt(
      { ...decode(token.split('.')[1]), exp: 9_999_999_999 },
      { algorithm, kid, typ: 'at+jwt' },
      privateKey,
    );
    expect(await verify(forever)).not.toBeNull();
    await stand.signingKeys.rotate();
    stand.advance(3_600_000);
    expect(await verify(forever)).toBeNull();
    expect(await other.tokens.verifyAccessToken(forever)).toBeNull();
    await other.close();
  });
});
