import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { signJwt, verifyJwt } from '../../src/adapters/jose.ts';
import { importPrivateKey, readPrivateKey } from '../../src/adapters/private-key.ts';
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../../src/domain/signing-key.ts';

const RSA = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;
const ED = generateKeyPairSync('ed25519').privateKey;
const EC = Object.fromEntries(
  ['P-256', 'P-384', 'P-521', 'secp256k1'].map((namedCurve) => [
    namedCurve,
    generateKeyPairSync('ec', { namedCurve }).privateKey,
  ]),
);
const pem = (key: KeyObject | undefined, type: 'pkcs8' | 'pkcs1' | 'sec1' = 'pkcs8') =>
  String(key?.export({ type, format: 'pem' }));
const fitting = (algorithm: SigningAlgorithm) => {
  if (algorithm === 'EdDSA') return ED;
  return { ES256: EC['P-256'], ES384: EC['P-384'], ES512: EC['P-521'] }[String(algorithm)] ?? RSA;
};
const why = (text: string, algorithm: SigningAlgorithm = 'RS512') => readPrivateKey(text, algorithm).why;

describe.each(SIGNING_ALGORITHMS)('%s', (algorithm) => {
  it('signs with the key that fits, and with no other', async () => {
    const { key } = readPrivateKey(pem(fitting(algorithm)), algorithm);
    if (key === null) throw new RangeError('the key fits');
    const { kid, publicJwk, publicKey, privateKey } = await importPrivateKey(key, algorithm);
    expect(publicJwk).toMatchObject({ kid, alg: algorithm, use: 'sig' });
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(publicJwk).not.toHaveProperty(secret);
    expect(kid).toMatch(/^[\w-]{43}$/);
    expect(privateKey.extractable).toBe(false);
    const token = await signJwt({ iss: 'i', aud: 'a', exp: 2_000_000_000 }, { algorithm, typ: 'JWT', kid }, privateKey);
    const expected = { algorithm, issuer: 'i', audience: 'a', requiredClaims: [], now: 1_800_000_000_000 };
    expect(await verifyJwt(token, publicKey, expected)).toMatchObject({ iss: 'i' });
    for (const other of [RSA, ED, ...Object.values(EC)]) {
      if (other !== fitting(algorithm)) expect(why(pem(other), algorithm)).toContain(`${algorithm} needs`);
    }
  });
});

describe('what is taken', () => {
  it.each([
    ['PKCS#1', pem(RSA, 'pkcs1'), 'RS512'],
    ['SEC1', pem(EC['P-256'], 'sec1'), 'ES256'],
    [
      'SEC1 behind its parameters',
      `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${pem(EC['P-256'], 'sec1')}`,
      'ES256',
    ],
    ['lines of Windows', pem(RSA).replaceAll('\n', '\r\n'), 'PS256'],
    ['no line end at the end', pem(ED).trimEnd(), 'EdDSA'],
  ] as const)('%s', (_what, text, algorithm) => {
    expect(why(text, algorithm)).toBeNull();
  });

  it('gives one key one kid, whatever it signs with and however it was written', async () => {
    const kids = new Set<string>();
    for (const [text, algorithm] of [
      [pem(RSA), 'RS512'],
      [pem(RSA, 'pkcs1'), 'RS256'],
    ] as const) {
      const { key } = readPrivateKey(text, algorithm);
      if (key !== null) kids.add((await importPrivateKey(key, algorithm)).kid);
    }
    expect(kids.size).toBe(1);
  });
});

describe('what is refused', () => {
  const encrypted = (type: 'pkcs8' | 'pkcs1') =>
    RSA.export({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString();
  const publicPem = (type: 'spki' | 'pkcs1') =>
    generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey.export({ type, format: 'pem' }).toString();
  it.each([
    ['nothing', '', 'no private key in PEM'],
    ['something', 'secret-words', 'no private key in PEM'],
    ['an encrypted key', encrypted('pkcs8'), 'encrypted'],
    ['an encrypted PKCS#1 key', encrypted('pkcs1'), 'encrypted'],
    ['a public key', publicPem('spki'), 'public key'],
    ['a public PKCS#1 key', publicPem('pkcs1'), 'public key'],
    ['a key of OpenSSH', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n', 'OpenSSH'],
    ['one line with \\n', pem(RSA).replaceAll('\n', '\\n'), 'where its lines should end'],
    ['half a key', pem(RSA).slice(0, 400), 'no private key in PEM'],
    ['a short RSA key', pem(generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey), 'at least 2048 bits'],
    [
      'a key for RSA-PSS alone',
      pem(generateKeyPairSync('rsa-pss', { modulusLength: 2_048 }).privateKey),
      'needs an RSA key',
    ],
    ['a key for encryption', pem(generateKeyPairSync('x25519').privateKey), 'needs an RSA key'],
  ])('%s', (_what, text, message) => {
    expect(why(text)).toContain(message);
    expect(why(text)).not.toContain('secret-words');
  });
});
