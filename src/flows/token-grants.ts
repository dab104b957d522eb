import { hkdfSync } from 'node:crypto';
import { seal, unseal } from '../adapters/seal.ts';
import type { AuditSink } from '../domain/audit.ts';
import type { Clock } from '../domain/clock.ts';
import type { LoginLimited } from '../domain/login-attempts.ts';
import type { RefreshToken } from '../domain/refresh-token.ts';
import { mintSecret, newId, secretMatches, splitSecret } from '../domain/secret.ts';
import type { RefreshTokenStore } from '../domain/store.ts';
import { mayComeFrom, networksOf, type User } from '../domain/user.ts';
import type { AccessTokens } from './access-tokens.ts';
import { activeUser, type Directory } from './directory.ts';
import type { TakeTry } from './login-tries.ts';

/** What a login or a refresh gives. Times in ms since the epoch. */
export interface TokenGrant {
  readonly accessToken: string;
  readonly expiresAt: number;
  /** Whole seconds. */
  readonly expiresIn: number;
  /** `glr_<id>.<secret>`. It is in no other place. */
  readonly refreshToken: string;
  readonly refreshExpiresAt: number;
}

export type RefreshResult =
  | { readonly kind: 'granted'; readonly grant: TokenGrant }
  /** Unknown, expired, revoked, or its user is locked or gone: all the same to whoever asks. */
  | { readonly kind: 'refused' }
  /** Somebody else spent it a moment ago, and knows the next one. Nothing is lost. */
  | { readonly kind: 'spent' }
  /** Too often; nothing was spent. */
  | LoginLimited;

export interface TokenGrants {
  /** For somebody who has just proved who they are: the first tokens of a family. */
  grant(user: User): Promise<TokenGrant>;
  /**
   * Spends a refresh token for the next (RFC 9700 section 4.14.2). Of any number of callers with one token, one wins. Its answer may
   * be lost on the way, so for ten seconds it is given once more, the same; after that, or once the next token has
   * been spent too, two parties have the token, and nobody knows which is the thief: the family ends.
   */
  refresh(text: string, address: string | null): Promise<RefreshResult>;
  /** The record of a refresh token that can still be spent, and whose it is; null where it is none. */
  find(text: string): Promise<{ readonly token: RefreshToken; readonly user: User } | null>;
  /** Ends the family of a refresh token, spent or not, with its access tokens; null where it is none. */
  revoke(text: string): Promise<RefreshToken | null>;
}

/** What marks a refresh token for people and for secret scanners. */
export const REFRESH_TOKEN_PREFIX = 'glr_';
/** How long the answer to a refresh may be asked for again, in ms. */
export const RETRY = 10_000;

/** @param options.refreshLifetime from the login to the family's end, in ms */
export function createTokenGrants(options: {
  readonly accessTokens: Pick<AccessTokens, 'issueAccessToken'>;
  readonly store: RefreshTokenStore;
  readonly directory: Pick<Directory, 'byId'>;
  readonly refreshLifetime: number;
  readonly clock: Clock;
  readonly audit: AuditSink;
  /** How often anybody may try. Default: no limit. */
  readonly takeTry?: TakeTry;
}): TokenGrants {
  const { accessTokens, store, directory, refreshLifetime, clock, audit, takeTry = () => null } = options;

  async function mint(
    user: User,
    family: Pick<RefreshToken, 'familyId' | 'authenticatedAt' | 'expiresAt'>,
    now: number,
  ): Promise<{ readonly grant: TokenGrant; readonly record: RefreshToken }> {
    const { familyId, authenticatedAt, expiresAt: until } = family;
    const { token, ...issued } = await accessTokens.issueAccessToken({ user, now, authenticatedAt, familyId, until });
    const { id, text, secretHash } = mintSecret(REFRESH_TOKEN_PREFIX);
    return {
      grant: { accessToken: token, ...issued, refreshToken: text, refreshExpiresAt: until },
      record: {
        ...{ id, secretHash, familyId, userId: user.id, issuedAt: now, authenticatedAt, expiresAt: until },
        ...{ accessExpiresAt: issued.expiresAt, spentAt: null, successorId: null },
      },
    };
  }

  /** The record of which the text is the whole credential, and not only the id. */
  async function presented(text: string): Promise<{ token: RefreshToken; secret: string } | null> {
    const parts = splitSecret(text, REFRESH_TOKEN_PREFIX);
    if (parts === null) return null;
    const token = await store.findById(parts.id);
    if (token === null || !secretMatches(parts.secret, token.secretHash) || clock() >= token.expiresAt) return null;
    return { token, secret: parts.secret };
  }

  async function again(
    token: RefreshToken,
    secret: string,
    user: User,
    address: string | null,
  ): Promise<RefreshResult> {
    const now = clock();
    const next = token.successorId === null ? null : await store.findById(token.successorId);
    if (token.spentAt === null || now - token.spentAt >= RETRY || next === null || next.spentAt !== null) {
      await store.revokeFamily(token.familyId, now);
      audit({ event: 'token.reused', user: user.username, address });
      return { kind: 'refused' };
    }
    const sealed = await store.takeAnswer(token.id, now - RETRY);
    if (sealed === null) return { kind: 'spent' };
    const plain = unseal(answerKey(secret), sealed, answerContext(token));
    // Nobody but `refresh` below has sealed it.
    return { kind: 'granted', grant: JSON.parse(Buffer.from(plain).toString()) as TokenGrant };
  }

  return {
    async grant(user) {
      const now = clock();
      const family = { familyId: newId('glf_'), authenticatedAt: now, expiresAt: now + refreshLifetime };
      const { grant, record } = await mint(user, family, now);
      await store.insert(record);
      return grant;
    },

    async refresh(text, address) {
      const tooMany = takeTry({ address });
      if (tooMany !== null) return tooMany;
      const found = await presented(text);
      const user = found === null ? null : await activeUser(directory, found.token.userId);
      if (found === null || user === null) return { kind: 'refused' };
      // Nor is anything spent or ended by whoever has it elsewhere than where its user may be.
      if (!mayComeFrom(networksOf(user), address)) {
        audit({ event: 'call.refused', user: user.username, address, detail: { reason: 'user-not-allowed' } });
        return { kind: 'refused' };
      }
      const tooManyOfUser = takeTry({ refreshing: user.id });
      if (tooManyOfUser !== null) return tooManyOfUser;
      const { token, secret } = found;
      if (token.spentAt !== null) return again(token, secret, user, address);
      const now = clock();
      const { grant, record } = await mint(user, token, now);
      const sealed = seal(answerKey(secret), Buffer.from(JSON.stringify(grant)), answerContext(token));
      if (await store.spend(token.id, { next: record, answer: sealed, now })) {
        audit({ event: 'token.refreshed', user: user.username, address });
        return { kind: 'granted', grant };
      }
      // Somebody was quicker, or the family has just ended.
      const present = await store.findById(token.id);
      return present === null || present.spentAt === null ? { kind: 'refused' } : again(present, secret, user, address);
    },

    async find(text) {
      const found = await presented(text);
      if (found === null || found.token.spentAt !== null) return null;
      const user = await activeUser(directory, found.token.userId);
      return user === null ? null : { token: found.token, user };
    },

    async revoke(text) {
      const found = await presented(text);
      if (found === null) return null;
      await store.revokeFamily(found.token.familyId, clock());
      return found.token;
    },
  };
}

/** Only who has the spent token can read what it was spent for: the database alone opens nothing. */
function answerKey(secret: string): Uint8Array {
  return Buffer.from(hkdfSync('sha256', secret, 'gatelodge', 'refresh-answer', 32));
}

/** Ties an answer to the token that was spent for it. */
function answerContext(token: RefreshToken): string {
  return `refresh-answer:${token.id}`;
}
