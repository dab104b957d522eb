import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import type { SigningAlgorithm } from '../domain/signing-key.ts';
import { type CryptoKey, importKey } from './jose.ts';

/** Shorter ones have been factored, or soon will be (NIST SP 800-57 part 1); longer ones take a hundred times as long to sign. */
const SHORTEST_RSA = 2_048;
const LONGEST_RSA = 8_192;

/** RFC 7518 section 3.1 and RFC 8037: each elliptic algorithm has one curve. */
const CURVES: Readonly<Partial<Record<SigningAlgorithm, { readonly node: string; readonly name: string }>>> = {
  ES256: { node: 'prime256v1', name: 'P-256' },
  ES384: { node: 'secp384r1', name: 'P-384' },
  ES512: { node: 'secp521r1', name: 'P-521' },
};

/** A private key that somebody brings along, or why it cannot sign: for people, and never a part of it. */
export type PrivateKeyReading =
  | { readonly key: KeyObject; readonly why: null }
  | { readonly key: null; readonly why: string };

/**
 * @param pem unencrypted PKCS#8 (`PRIVATE KEY`), PKCS#1 (`RSA PRIVATE KEY`) or SEC1 (`EC PRIVATE KEY`)
 * @param algorithm what it is to sign with
 */
export function readPrivateKey(pem: string, algorithm: SigningAlgorithm): PrivateKeyReading {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: 'pem' });
  } catch {
    // The error may quote what it was given.
    return { key: null, why: whyUnreadable(pem) };
  }
  const why = whyUnfit(key, algorithm);
  return why === null ? { key, why } : { key: null, why };
}

function whyUnreadable(pem: string): string {
  if (/ENCRYPTED/.test(pem)) return 'it is encrypted: take the passphrase off, and keep the file mode 0600';
  if (pem.includes('BEGIN OPENSSH PRIVATE KEY'))
    return 'it is in the form of OpenSSH: ssh-keygen -p -m PKCS8 changes it';
  if (/BEGIN (?:RSA )?PUBLIC KEY|BEGIN CERTIFICATE/.test(pem) && !pem.includes('PRIVATE KEY'))
    return 'it is a public key: the private one is needed';
  if (pem.includes('BEGIN') && pem.includes('\\n')) return 'it holds the characters \\n where its lines should end';
  return 'it is no private key in PEM (PKCS#8, PKCS#1 or SEC1)';
}

function whyUnfit(key: KeyObject, algorithm: SigningAlgorithm): string | null {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const curve = CURVES[algorithm];
  if (curve !== undefined)
    return type === 'ec' && details?.namedCurve === curve.node ? null : `${algorithm} needs a ${curve.name} key`;
  if (algorithm === 'EdDSA') return type === 'ed25519' ? null : 'EdDSA needs an Ed25519 key';
  if (type !== 'rsa') return `${algorithm} needs an RSA key`;
  const bits = details?.modulusLength ?? 0;
  if (bits < SHORTEST_RSA) return `an RSA key needs at least ${SHORTEST_RSA} bits, and this has ${bits}`;
  if (bits > LONGEST_RSA) return `an RSA key may have ${LONGEST_RSA} bits at most, and this has ${bits}`;
  return (details?.publicExponent ?? 0n) < 3n ? 'its public exponent is too small' : null;
}

/** Whether a PEM that somebody else reads holds this key too, in whatever form. False where it holds none. */
export function isSameKey(key: KeyObject, pem: string): boolean {
  try {
    return createPublicKey(key).equals(createPublicKey({ key: pem, format: 'pem' }));
  } catch {
    return false;
  }
}

/**
 * What signs and what verifies.
 * @param key of `readPrivateKey`, for this algorithm
 * @returns `kid` is the RFC 7638 thumbprint; the private half cannot be read out again
 */
export async function importPrivateKey(
  key: KeyObject,
  algorithm: SigningAlgorithm,
): Promise<{
  readonly kid: string;
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
}> {
  const publicJwk = { ...createPublicKey(key).export({ format: 'jwk' }) };
  const kid = await calculateJwkThumbprint({ ...publicJwk, kty: String(publicJwk.kty) });
  const described = { ...publicJwk, kid, alg: algorithm, use: 'sig' };
  const [publicKey, privateKey] = await Promise.all([
    importKey(described, algorithm),
    importKey({ ...key.export({ format: 'jwk' }) }, algorithm),
  ]);
  return { kid, publicJwk: described, publicKey, privateKey };
}
