import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { readPrivateKey } from './private-key.ts';

/** An RSA key pair that signs RS256, known by the name that JWThenticator gives it. */
export interface RsaKey {
  /** base64url of SHA-1 over the public key's SPKI DER. A name and no more: nothing rests on SHA-1 here. */
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** RFC 7518 section 3.3. */
const MODULUS = 2_048;
const ALGORITHM = 'RS256';
const TYPE = 'JWT';
/** Far beyond any token of ours, and little enough to decode without a thought. */
const LONGEST_TOKEN = 16_384;

export async function generateRsaKey(): Promise<RsaKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: MODULUS });
  return rsaKeyOf(privateKey);
}

/** @param pem unencrypted PKCS #1 or PKCS #8. @throws TypeError, for people, where it cannot sign RS256 */
export function readRsaKey(pem: string): RsaKey {
  const { key, why } = readPrivateKey(pem, ALGORITHM);
  if (key === null) throw new TypeError(why);
  return rsaKeyOf(key);
}

/** @param der what `exportRsaKey` gave */
export function importRsaKey(der: Uint8Array): RsaKey {
  return rsaKeyOf(createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }));
}

/** PKCS #8 DER, unprotected. */
export function exportRsaKey({ privateKey }: RsaKey): Uint8Array {
  return privateKey.export({ format: 'der', type: 'pkcs8' });
}

export function publicDer({ publicKey }: Pick<RsaKey, 'publicKey'>): Buffer {
  return publicKey.export({ format: 'der', type: 'spki' });
}

/** Modulus and exponent as RFC 7518 section 6.3.1 writes them. */
export function publicNumbers({ publicKey }: RsaKey): { readonly n: string; readonly e: string } {
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
  return { n, e };
}

/** A JWS in compact form (RFC 7515) with `alg`, `kid` and `typ`. */
export function signRsaJwt(claims: JWTPayload, key: RsaKey): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, kid: key.kid, typ: TYPE }).sign(key.privateKey);
}

/**
 * The claims of a token that this key signed and whose `nbf` and `exp` hold; null for every other text.
 * @param now ms since the epoch; no clock difference is forgiven
 */
export async function verifyRsaJwt(token: string, key: RsaKey, now: number): Promise<JWTPayload | null> {
  if (token.length > LONGEST_TOKEN) return null;
  try {
    // The header is the attacker's until the signature is checked: there is one key with one algorithm (RFC 8725 section
    // 3.1), and what is never written (`jwk`, `jku`, `x5u`, `crit`, `b64`) is refused, not ignored.
    const { alg, typ, kid, ...others } = decodeProtectedHeader(token);
    if (alg !== ALGORITHM || (typ !== undefined && typ !== TYPE) || (kid !== undefined && kid !== key.kid)) return null;
    if (Object.keys(others).length > 0) return null;
    const options = { algorithms: [ALGORITHM], requiredClaims: ['exp', 'iat'], currentDate: new Date(now) };
    const { payload } = await jwtVerify(token, key.publicKey, options);
    return payload;
  } catch (error) {
    // decodeProtectedHeader throws a TypeError for what is no JWS at all.
    if (error instanceof errors.JOSEError || error instanceof TypeError) return null;
    throw error;
  }
}

function rsaKeyOf(privateKey: KeyObject): RsaKey {
  const publicKey = createPublicKey(privateKey);
  const kid = createHash('sha1').update(publicDer({ publicKey })).digest('base64url');
  return { kid, privateKey, publicKey };
}
