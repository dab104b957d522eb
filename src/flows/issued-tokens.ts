import { isInForce, rolesOfKey } from '../domain/api-key.ts';
import type { Clock } from '../domain/clock.ts';
import { errorCodeOf } from '../domain/errors.ts';
import { COMMAND } from '../domain/key-reach.ts';
import type { RevocationStore } from '../domain/store.ts';
import type { User } from '../domain/user.ts';
import type { AccessTokens, VerifiedAccessToken } from './access-tokens.ts';
import type { ApiKeys } from './api-keys.ts';
import { activeUser, type Directory } from './directory.ts';
import type { Revocations } from './revocations.ts';
import type { TokenGrants } from './token-grants.ts';

export type TokenKind = 'access-token' | 'refresh-token' | 'api-key';

export interface RevokedToken {
  readonly kind: TokenKind;
  readonly userId: string;
}

/** What is known of a token that would be accepted now. Times in ms since the epoch. */
export interface LiveToken {
  readonly kind: TokenKind;
  readonly user: User;
  readonly issuedAt: number;
  readonly expiresAt: number | null;
  /** null where it carries none. */
  readonly scopes: readonly string[] | null;
  readonly roles: readonly string[];
  /** `jti` of an access token. */
  readonly tokenId: string | null;
}

/** Whatever gatelodge issues for programs, by its text: only who has the whole token learns of it, or ends it. */
export interface IssuedTokens {
  /** Ends it, a refresh token with its whole family; null where it is none. Holds in every process when this resolves. */
  revoke(text: string): Promise<RevokedToken | null>;
  /** null for everything that would be refused. */
  introspect(text: string): Promise<LiveToken | null>;
}

export function createIssuedTokens(parts: {
  readonly accessTokens: Pick<AccessTokens, 'issuedHere' | 'verifyAccessToken'>;
  readonly grants: Pick<TokenGrants, 'find' | 'revoke'>;
  readonly apiKeys: Pick<ApiKeys, 'findPresented' | 'revoke'>;
  readonly revocations: Pick<Revocations, 'isRevoked'>;
  readonly store: Pick<RevocationStore, 'insert'>;
  readonly directory: Pick<Directory, 'byId'>;
  readonly clock: Clock;
}): IssuedTokens {
  const { accessTokens, grants, apiKeys, revocations, store, directory, clock } = parts;

  const accessToken = async (text: string): Promise<VerifiedAccessToken | null> =>
    accessTokens.issuedHere(text) ? await accessTokens.verifyAccessToken(text) : null;

  return {
    async revoke(text) {
      const access = await accessToken(text);
      if (access !== null) {
        await store.insert(access.tokenId, access.expiresAt);
        return { kind: 'access-token', userId: access.userId };
      }
      const refresh = await grants.revoke(text);
      if (refresh !== null) return { kind: 'refresh-token', userId: refresh.userId };
      const key = await apiKeys.findPresented(text);
      if (key === null) return null;
      // Who has the whole key may end it (RFC 7009). Where somebody was quicker, it is revoked all the same.
      const ended = await apiKeys.revoke(text, COMMAND).catch((error: unknown) => {
        if (errorCodeOf(error) === 'not-found') return null;
        throw error;
      });
      if (ended === null) return null;
      return { kind: 'api-key', userId: key.userId };
    },

    async introspect(text) {
      const access = await accessToken(text);
      if (access !== null) {
        const user = (await revocations.isRevoked(access)) ? null : await activeUser(directory, access.userId);
        const { tokenId, issuedAt, expiresAt } = access;
        return user && { kind: 'access-token', user, issuedAt, expiresAt, scopes: null, roles: user.roles, tokenId };
      }
      const refresh = await grants.find(text);
      if (refresh !== null) {
        const { user, token } = refresh;
        const { issuedAt, expiresAt } = token;
        return { kind: 'refresh-token', user, issuedAt, expiresAt, scopes: null, roles: user.roles, tokenId: null };
      }
      const key = await apiKeys.findPresented(text);
      const owner = key === null || !isInForce(key, clock()) ? null : await activeUser(directory, key.userId);
      if (key === null || owner === null) return null;
      const { createdAt: issuedAt, expiresAt, scopes } = key;
      return {
        kind: 'api-key',
        user: owner,
        issuedAt,
        expiresAt,
        scopes,
        roles: rolesOfKey(key, owner.roles),
        tokenId: null,
      };
    },
  };
}
