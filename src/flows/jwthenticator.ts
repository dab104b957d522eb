import { randomBytes } from 'node:crypto';
import type { AuditSink } from '../domain/audit.ts';
import type { Clock } from '../domain/clock.ts';
import type { JwthenticatorStore } from '../domain/jwthenticator.ts';
import type { CountGuess } from '../domain/login-attempts.ts';
import { newId } from '../domain/secret.ts';
import type { JwthenticatorHashes } from './jwthenticator-secrets.ts';
import type { JwthenticatorTokens } from './jwthenticator-tokens.ts';

/** How commands name keys and refresh tokens. */
export const KEY_PREFIX = 'jak_';
export const REFRESH_TOKEN_PREFIX = 'jrt_';
/** As many as JWThenticator's refresh tokens have: 128 hexadecimal digits. */
const REFRESH_TOKEN_BYTES = 64;

export interface JwthenticatorGrant {
  readonly kind: 'granted';
  readonly jwt: string;
  /** null where the one that was presented goes on. */
  readonly refreshToken: string | null;
}
export type JwthenticatorResult =
  | JwthenticatorGrant
  | { readonly kind: 'refused' }
  /** `retryAfter` in whole seconds. */
  | { readonly kind: 'limited'; readonly retryAfter: number };

/** JWThenticator's calls. `address` is the client's, null where it cannot be told; `identifier` a canonical UUID that says who the JWT is for and proves nothing. */
export interface Jwthenticator {
  /** @throws GatelodgeError `store-unavailable`, as the others */
  authenticate(key: string, identifier: string, address: string | null): Promise<JwthenticatorResult>;
  /** A refresh token is good until it expires, however often and for however many at once. */
  refresh(refreshToken: string, identifier: string, address: string | null): Promise<JwthenticatorResult>;
  isGood(jwt: string): Promise<boolean>;
  /** Again for the same key: it lasts longer. */
  registerKey(key: string, identifier: string, address: string | null): Promise<void>;
  /** An expired key is still registered. */
  isKeyRegistered(key: string): Promise<boolean>;
  jwks: JwthenticatorTokens['jwks'];
}

type RefusalReason = 'unknown-key' | 'expired-key' | 'unknown-refresh-token' | 'expired-refresh-token';

/** @param options.keyLifetime in ms, as `refreshLifetime` */
export function createJwthenticator(options: {
  readonly store: JwthenticatorStore;
  readonly hashes: JwthenticatorHashes;
  readonly tokens: JwthenticatorTokens;
  readonly keyLifetime: number;
  readonly refreshLifetime: number;
  readonly clock: Clock;
  readonly audit: AuditSink;
  readonly countGuess: CountGuess;
}): Jwthenticator {
  const { store, hashes, tokens, clock, audit, countGuess } = options;

  /** Never by identifier: whole fleets send the same one, and whoever guesses would lock them out. */
  async function refuse(
    reason: RefusalReason,
    credential: string,
    address: string | null,
    detail: Readonly<Record<string, string>> = {},
  ): Promise<JwthenticatorResult> {
    const retryAfter = await countGuess(credential, address);
    const limited = retryAfter > 0;
    audit({ event: 'jwthenticator.refused', address, detail: { reason, limited, ...detail } });
    return limited ? { kind: 'limited', retryAfter } : { kind: 'refused' };
  }

  return {
    async authenticate(text, identifier, address) {
      const now = clock();
      const key = await store.findKey(hashes.ofKey(text));
      if (key === null) return refuse('unknown-key', text, address);
      if (key.expiresAt <= now) return refuse('expired-key', text, address, { key: key.id });
      const jwt = await tokens.issue(identifier);
      const refreshToken = randomBytes(REFRESH_TOKEN_BYTES).toString('hex');
      const id = newId(REFRESH_TOKEN_PREFIX);
      const inserted = await store.insertRefreshToken({
        ...{ id, tokenHash: hashes.ofRefreshToken(refreshToken), keyId: key.id },
        ...{ createdAt: now, expiresAt: now + options.refreshLifetime },
      });
      // Revoked since it was looked up.
      if (!inserted) return refuse('unknown-key', text, address);
      audit({ event: 'jwthenticator.authenticated', address, detail: { key: key.id, refresh_token: id } });
      return { kind: 'granted', jwt, refreshToken };
    },

    async refresh(text, identifier, address) {
      const found = await store.findRefreshToken(hashes.ofRefreshToken(text));
      if (found === null) return refuse('unknown-refresh-token', text, address);
      const detail = { key: found.keyId, refresh_token: found.id };
      if (found.expiresAt <= clock()) return refuse('expired-refresh-token', text, address, detail);
      const jwt = await tokens.issue(identifier);
      audit({ event: 'jwthenticator.refreshed', address, detail });
      return { kind: 'granted', jwt, refreshToken: null };
    },

    isGood: tokens.isGood,

    async registerKey(text, identifier, address) {
      const createdAt = clock();
      const id = newId(KEY_PREFIX);
      const times = { createdAt, expiresAt: createdAt + options.keyLifetime };
      const kept = await store.register({ id, keyHash: hashes.ofKey(text), identifier, ...times });
      const extended = kept.id !== id;
      audit({ event: 'jwthenticator.key-registered', address, detail: { key: kept.id, extended } });
    },

    isKeyRegistered: async (text) => (await store.findKey(hashes.ofKey(text))) !== null,
    jwks: tokens.jwks,
  };
}
