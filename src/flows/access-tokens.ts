import { hash, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type Claims, decryptJwt, encryptJwt, readJwtHeader, signJwt, verifyJwt } from '../adapters/jose.ts';
import type { AccessTokenNames } from '../domain/access-token.ts';
import type { Clock } from '../domain/clock.ts';
import { deriveKey } from '../domain/secret.ts';
import type { User } from '../domain/user.ts';
import type { SigningKeys } from './signing-keys.ts';

export interface IssuedAccessToken {
  readonly token: string;
  /** ms since the epoch, a whole second. */
  readonly expiresAt: number;
  /** Whole seconds. */
  readonly expiresIn: number;
}

/** Whose a good access token is. Its roles are those of the day it was issued, so the directory is asked for today's. */
export interface VerifiedAccessToken extends AccessTokenNames {
  readonly userId: string;
  /** Times in ms since the epoch. */
  readonly authenticatedAt: number;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** What an access token is issued for. Times in ms since the epoch. */
export interface AccessTokenRequest {
  readonly user: User;
  readonly now: number;
  readonly authenticatedAt: number;
  readonly familyId: string;
  /** It ends no later than this, nor sooner than after a second. */
  readonly until: number;
}

export interface AccessTokens {
  issueAccessToken(request: AccessTokenRequest): Promise<IssuedAccessToken>;
  /** False where the text can't be one of ours, told at once by its header: other issuers' tokens come with every request too. */
  issuedHere(token: string): boolean;
  /** null for everything that is not an access token of ours before its end. Whether it was revoked is for others to say. */
  verifyAccessToken(token: string): Promise<VerifiedAccessToken | null>;
}

export type AccessTokenFormat = 'jwt' | 'encrypted';

/** RFC 9068 section 2.1. The same in both formats, so that neither is taken for another kind of token. */
const TYPE = 'at+jwt';
/** `{"` in base64url, with which every header begins. */
const JSON_OBJECT = 'eyJ';
const LONGEST_HEADER = 512;
/** Far beyond any token of ours, and little enough to decode without a thought. */
const LONGEST_TOKEN = 16_384;
const REQUIRED_CLAIMS = ['sub', 'iat', 'jti', 'sid', 'auth_time'];

interface EncryptionKey {
  readonly kid: string;
  readonly key: Uint8Array;
}

/**
 * Access tokens with the claims of RFC 9068: signed, or encrypted under a key that every instance with the same secret has. Both formats are
 * accepted whichever is issued, so that a change of the format ends nobody's token.
 * @param options.secrets the first encrypts, the others are previous ones under which tokens are still read
 * @param options.lifetime in ms; tokens count in whole seconds
 */
export function createAccessTokens(options: {
  readonly keys: Pick<SigningKeys, 'current' | 'verificationKeys'>;
  readonly format?: AccessTokenFormat;
  readonly secrets: readonly [string, ...string[]];
  readonly issuer: string;
  readonly audience: string;
  readonly lifetime: number;
  readonly clock: Clock;
}): AccessTokens {
  const { keys, issuer, audience, clock, format = 'jwt' } = options;
  const lifetime = Math.max(1, Math.floor(options.lifetime / 1_000));
  const encryptionKey = encryptionKeyOf(options.secrets[0]);
  const encryptionKeys = new Map(options.secrets.map(encryptionKeyOf).map(({ kid, key }) => [kid, key]));
  // An issuer's tokens begin with the same few headers. One of another type than ours is somebody else's for good.
  const foreignHeaders = new LRUCache<string, true>({ max: 1_000 });

  function write(claims: Claims): Promise<string> {
    if (format === 'encrypted') return encryptJwt(claims, { typ: TYPE, kid: encryptionKey.kid }, encryptionKey.key);
    const { kid, algorithm, privateKey } = keys.current();
    return signJwt(claims, { algorithm, typ: TYPE, kid }, privateKey);
  }

  async function read(token: string): Promise<Claims | null> {
    const header = readJwtHeader(token);
    // The header is the attacker's until the token is proved, so it chooses among our own keys and nothing more: the key
    // has one algorithm (RFC 8725 section 3.1), the type is ours (3.11), and parameters that we never write (`jwk`, `jku`,
    // `x5u`, `crit`, `b64`, `zip`) are refused, not ignored.
    if (header === null || header.typ !== TYPE || header.kid === undefined) return null;
    const expected = { issuer, audience, requiredClaims: REQUIRED_CLAIMS, now: clock() };
    const members = Object.keys(header).length;
    if (header.alg === 'dir') {
      const key = encryptionKeys.get(header.kid);
      if (key === undefined || members !== 4 || !('enc' in header)) return null;
      return decryptJwt(token, key, expected);
    }
    const known = keys.verificationKeys().get(header.kid);
    if (known === undefined || members !== 3 || header.alg !== known.algorithm) return null;
    return verifyJwt(token, known.key, { algorithm: known.algorithm, ...expected });
  }

  return {
    issuedHere(token) {
      const end = token.indexOf('.');
      if (!token.startsWith(JSON_OBJECT) || end === -1 || token.length > LONGEST_TOKEN) return false;
      const header = token.slice(0, end);
      if (foreignHeaders.has(header)) return false;
      // By the header alone, whatever follows it: else somebody could have ours remembered as somebody else's.
      if (readJwtHeader(`${header}..`)?.typ === TYPE) return true;
      // A copy: a part of the token would keep the whole of it in memory.
      if (header.length <= LONGEST_HEADER) foreignHeaders.set(Buffer.from(header).toString(), true);
      return false;
    },

    async issueAccessToken({ user, now, authenticatedAt, familyId, until }) {
      const iat = Math.floor(now / 1_000);
      const exp = Math.max(iat + 1, Math.min(iat + lifetime, Math.floor(until / 1_000)));
      const token = await write({
        iss: issuer,
        aud: audience,
        sub: user.id,
        // RFC 9068 section 2.2 requires it. People get these tokens from gatelodge itself, on behalf of no other client.
        client_id: 'gatelodge',
        preferred_username: user.username,
        iat,
        exp,
        auth_time: Math.floor(authenticatedAt / 1_000),
        jti: randomBytes(16).toString('base64url'),
        sid: familyId,
        roles: [...user.roles],
        groups: [...user.groups],
      });
      return { token, expiresAt: exp * 1_000, expiresIn: exp - iat };
    },

    async verifyAccessToken(token) {
      if (token.length > LONGEST_TOKEN) return null;
      const claims = await read(token);
      if (claims === null) return null;
      return {
        tokenId: String(claims.jti),
        familyId: String(claims['sid']),
        userId: String(claims.sub),
        authenticatedAt: Number(claims['auth_time']) * 1_000,
        issuedAt: Number(claims.iat) * 1_000,
        expiresAt: Number(claims.exp) * 1_000,
      };
    },
  };
}

/**
 * 96 random bits of nonce a token: 2^32 tokens under one secret before a repeat is to be thought of (NIST SP 800-38D section 8.3).
 * The id tells keys of several secrets apart and nothing of the key.
 */
function encryptionKeyOf(secret: string): EncryptionKey {
  const key = deriveKey(secret, 'access-tokens');
  return { key, kid: hash('sha256', key, 'buffer').subarray(0, 9).toString('base64url') };
}
