import {
  type CryptoKey,
  calculateJwkThumbprint,
  decodeProtectedHeader,
  errors,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWTPayload,
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

export interface JwtExpectations {
  readonly algorithm: SigningAlgorithm;
  readonly issuer: string;
  readonly audience: string;
  readonly requiredClaims: readonly string[];
  /** ms since the epoch. */
  readonly now: number;
}

/** The claims of a good token; null for a bad one. `exp` is always required, and no clock difference is forgiven. */
export async function verifyJwt(token: string, key: CryptoKey, expected: JwtExpectations): Promise<Claims | null> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [expected.algorithm],
      issuer: expected.issuer,
      audience: expected.audience,
      requiredClaims: ['exp', ...expected.requiredClaims],
      currentDate: new Date(expected.now),
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) return null;
    throw error;
  }
}
