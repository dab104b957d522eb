import { createPublicKey, createSecretKey, X509Certificate } from 'node:crypto';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import type { JwtOptions } from '../config/plugin-options.ts';
import { GatelodgeError } from '../domain/errors.ts';

/** The claims of a good token; null for a bad one. Throws `store-unavailable` where the issuer's keys can't be had. */
export type VerifyForeignJwt = (token: string, now: number) => Promise<JWTPayload | null>;

const LONGEST_TOKEN = 16_384;

/** Verification of somebody else's tokens by a shared secret, a public key or the keys that the issuer publishes. */
export function createForeignJwtVerifier(options: JwtOptions): VerifyForeignJwt {
  const algorithms = options.algorithms ?? [options.algorithm ?? 'HS256'];
  const leeway = Math.ceil((options.leeway ?? 0) / 1_000);
  const key = keyOf(options);
  const expected = {
    algorithms: [...algorithms],
    requiredClaims: options.require_exp ? ['exp'] : [],
    clockTolerance: leeway,
    ...(options.audience === undefined ? {} : { audience: options.audience }),
    ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
  };
  const issuers = options.issuer === undefined ? null : [options.issuer].flat();
  return async (token, now) => {
    if (token.length > LONGEST_TOKEN) return null;
    try {
      // Another issuer's token is told before this one's keys are asked for: while they cannot be had, the others' are good.
      if (issuers !== null && !issuers.includes(decodeJwt(token).iss ?? '')) return null;
      const { payload } = await jwtVerify(token, key, { ...expected, currentDate: new Date(now) });
      // jose judges `iat` only together with a maximal age; a token from the future is nobody's.
      if (payload.iat !== undefined && payload.iat > Math.floor(now / 1_000) + leeway) return null;
      return payload;
    } catch (error) {
      if (isIssuersFault(error))
        throw new GatelodgeError('store-unavailable', 'the keys of the token issuer cannot be had', { cause: error });
      // A header that names an algorithm the key is not for is a TypeError: the sender's fault like every other.
      if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException) return null;
      throw error;
    }
  };
}

/** Not the token is bad, but the place where its keys should be. */
function isIssuersFault(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true;
  if (error instanceof errors.JOSEError) return error.code === 'ERR_JOSE_GENERIC';
  return error instanceof TypeError && error.message === 'fetch failed';
}

function keyOf(options: JwtOptions): JWTVerifyGetKey {
  if (options.secret !== undefined) {
    const key = createSecretKey(Buffer.from(options.secret, 'utf8'));
    return async () => key;
  }
  if (options.jwks_url !== undefined)
    return createRemoteJWKSet(new URL(options.jwks_url), { timeoutDuration: 1_500, cooldownDuration: 10_000 });
  const text = options.public_key?.trim() ?? '';
  if (text.startsWith('{')) {
    const parsed: unknown = JSON.parse(text);
    const keys =
      typeof parsed === 'object' && parsed !== null && 'keys' in parsed && Array.isArray(parsed.keys)
        ? parsed.keys
        : [parsed];
    return createLocalJWKSet({ keys });
  }
  const key = text.includes('BEGIN CERTIFICATE') ? new X509Certificate(text).publicKey : createPublicKey(text);
  return async () => key;
}
