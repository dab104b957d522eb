import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { readJwtHeader, signJwt, verifyJwt } from '../adapters/jose.ts';
import type { Clock } from '../domain/clock.ts';
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
export interface VerifiedAccessToken {
  readonly userId: string;
  /** Times in ms since the epoch. */
  readonly authenticatedAt: number;
  readonly expiresAt: number;
}

export interface AccessTokens {
  /** A token for somebody who has just proved who they are. `now` in ms since the epoch. */
  issueAccessToken(user: User, now: number): Promise<IssuedAccessToken>;
  /** False where the text can't be one of ours, told at once by its header: other issuers' tokens come with every request too. */
  issuedHere(token: string): boolean;
  /** null for everything that is not a live access token of ours. */
  verifyAccessToken(token: string): Promise<VerifiedAccessToken | null>;
}

const TYPE = 'at+jwt';
/** `{"` in base64url, with which every header begins. */
const JSON_OBJECT = 'eyJ';
const LONGEST_HEADER = 512;
/** Far beyond any token of ours, and little enough to decode without a thought. */
const LONGEST_TOKEN = 16_384;

/**
 * Access tokens as RFC 9068 has them.
 * @param options.lifetime in ms; tokens count in whole seconds
 */
export function createAccessTokens(options: {
  readonly keys: Pick<SigningKeys, 'current' | 'verificationKeys'>;
  readonly issuer: string;
  readonly audience: string;
  readonly lifetime: number;
  readonly clock: Clock;
}): AccessTokens {
  const { keys, issuer, audience, clock } = options;
  const expiresIn = Math.max(1, Math.floor(options.lifetime / 1_000));
  // An issuer's tokens begin with the same few headers. One of another type than ours is somebody else's for good.
  const foreignHeaders = new LRUCache<string, true>({ max: 1_000 });

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

    async issueAccessToken(user, now) {
      const { kid, algorithm, privateKey } = keys.current();
      const iat = Math.floor(now / 1_000);
      const exp = iat + expiresIn;
      const claims = {
        iss: issuer,
        aud: audience,
        sub: user.id,
        // RFC 9068 section 2.2 requires it. People get these tokens from gatelodge itself, on behalf of no other client.
        client_id: 'gatelodge',
        preferred_username: user.username,
        iat,
        exp,
        auth_time: iat,
        jti: randomBytes(16).toString('base64url'),
        roles: [...user.roles],
        groups: [...user.groups],
      };
      const token = await signJwt(claims, { algorithm, typ: TYPE, kid }, privateKey);
      return { token, expiresAt: exp * 1_000, expiresIn };
    },

    async verifyAccessToken(token) {
      if (token.length > LONGEST_TOKEN) return null;
      const header = readJwtHeader(token);
      // The header is the attacker's until the signature is checked, so it chooses among our own keys and nothing more:
      // the key has one algorithm (RFC 8725 section 3.1), the type is ours (3.11), and parameters that we never write
      // (`jwk`, `jku`, `x5u`, `crit`, `b64`) are refused, not ignored.
      if (header === null || header.typ !== TYPE || header.kid === undefined) return null;
      if (Object.keys(header).length !== 3) return null;
      const known = keys.verificationKeys().get(header.kid);
      if (known === undefined || header.alg !== known.algorithm) return null;
      const requiredClaims = ['sub', 'iat', 'jti', 'auth_time'];
      const expected = { algorithm: known.algorithm, issuer, audience, requiredClaims, now: clock() };
      const claims = await verifyJwt(token, known.key, expected);
      if (claims === null) return null;
      return {
        userId: String(claims.sub),
        authenticatedAt: Number(claims['auth_time']) * 1_000,
        expiresAt: Number(claims.exp) * 1_000,
      };
    },
  };
}
