import {
  type CryptoKey,
  calculateJwkThumbprint,
  decodeProtectedHeader,
  EncryptJWT,
  errors,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWTPayload,
  jwtDecrypt,
  jwtVerify,
  type ProtectedHeaderParameters,
  SignJWT,
} from 'jose';
import type { SigningAlgorithm } from '../domain/signing-key.ts';

export type { CryptoKey };
export type Claims = JWTPayload;

export interface GeneratedKey {
  /** RFC 7638 thumbprint: the same key has the same id wherever it is. */
  readonly kid: string;
  /** RFC 7517, with `kid`, `alg` and `use`. */
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly privateJwk: Readonly<Record<string, unknown>>;
}

/** A new key pair for one algorithm (RFC 7518; EdDSA means Ed25519). */
export async function generateSigningKey(algorithm: SigningAlgorithm): Promise<GeneratedKey> {
  const pair = await generateKeyPair(algorithm, { extractable: true });
  const [publicJwk, privateJwk] = await Promise.all([exportJWK(pair.publicKey), exportJWK(pair.privateKey)]);
  const kid = await calculateJwkThumbprint(publicJwk);
  return { kid, publicJwk: { ...publicJwk, kid, alg: algorithm, use: 'sig' }, privateJwk: { ...privateJwk } };
}

/**
 * @throws TypeError or a JOSE error where it is no key for this algorithm; a symmetric key is refused too
 */
export async function importKey(
  jwk: Readonly<Record<string, unknown>>,
  algorithm: SigningAlgorithm,
): Promise<CryptoKey> {
  const key = await importJWK({ ...jwk, kty: String(jwk['kty']) }, algorithm);
  if (key instanceof Uint8Array) throw new TypeError('a symmetric key cannot be a signing key');
  return key;
}

/** A JWS in compact form (RFC 7515) with exactly the header parameters `alg`, `typ` and `kid`. */
export function signJwt(
  claims: Claims,
  header: { readonly algorithm: SigningAlgorithm; readonly typ: string; readonly kid: string },
  key: CryptoKey,
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: header.algorithm, typ: header.typ, kid: header.kid }).sign(key);
}

/** The unverified header; null where the text is no JWS. Good for choosing a key and for nothing else. */
export function readJwtHeader(token: string): ProtectedHeaderParameters | null {
  try {
    return decodeProtectedHeader(token);
  } catch {
    return null;
  }
}

/**
 * A JWE in compact form (RFC 7516) with exactly the header parameters `alg`, `enc`, `typ` and `kid`: A256GCM directly under a
 * shared key, so that whoever reads it knows that a holder of the key wrote it.
 * @param key 32 bytes
 */
export function encryptJwt(
  claims: Claims,
  header: { readonly typ: string; readonly kid: string },
  key: Uint8Array,
): Promise<string> {
  return new EncryptJWT(claims).setProtectedHeader({ alg: 'dir', enc: 'A256GCM', ...header }).encrypt(key);
}

/** What the claims of any token must say. */
export interface ClaimExpectations {
  readonly issuer: string;
  readonly audience: string;
  readonly requiredClaims: readonly string[];
  /** ms since the epoch. */
  readonly now: number;
}

export interface JwtExpectations extends ClaimExpectations {
  readonly algorithm: SigningAlgorithm;
}

/** The claims of a good token; null for a bad one. `exp` is always required, and no clock difference is forgiven. */
export function verifyJwt(token: string, key: CryptoKey, expected: JwtExpectations): Promise<Claims | null> {
  return claimsOrNull(jwtVerify(token, key, { algorithms: [expected.algorithm], ...claimOptions(expected) }));
}

/** The same of an encrypted token. */
export function decryptJwt(token: string, key: Uint8Array, expected: ClaimExpectations): Promise<Claims | null> {
  const algorithms = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] };
  return claimsOrNull(jwtDecrypt(token, key, { ...algorithms, ...claimOptions(expected) }));
}

function claimOptions({ issuer, audience, requiredClaims, now }: ClaimExpectations) {
  return { issuer, audience, requiredClaims: ['exp', ...requiredClaims], currentDate: new Date(now) };
}

async function claimsOrNull(reading: Promise<{ readonly payload: Claims }>): Promise<Claims | null> {
  try {
    return (await reading).payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) return null;
    throw error;
  }
}
