import { API_KEY_PREFIX, type ApiKey } from '../domain/api-key.ts';
import type { Clock } from '../domain/clock.ts';
import { GatelodgeError } from '../domain/errors.ts';
import { mintSecret } from '../domain/secret.ts';
import type { ApiKeyStore } from '../domain/store.ts';
import type { User } from '../domain/user.ts';

/** A key's id as people have it: with or without the prefix, or from a whole key that has leaked. */
const NAMED = /^(?:glk_)?([A-Za-z0-9_-]{16})(?:\.[A-Za-z0-9_-]{43})?$/;
/** RFC 6749 section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/;

export interface CreatedApiKey {
  /** `glk_<id>.<secret>`: shown once, in no other place. */
  readonly text: string;
  readonly key: ApiKey;
}

export interface ApiKeys {
  /**
   * @param request.expiresAt in ms since the epoch; null for a key that does not expire
   * @throws GatelodgeError `invalid-request` for a name, a scope or an end that cannot be, `store-unavailable`
   */
  create(
    user: User,
    request: { readonly name: string; readonly scopes: readonly string[]; readonly expiresAt: number | null },
  ): Promise<CreatedApiKey>;
  /** In the order they were made; `null` lists everybody's, expired ones too. */
  list(userId: string | null): Promise<readonly ApiKey[]>;
  /** By `glk_<id>`, the bare id or the whole key. @throws GatelodgeError `not-found` */
  revoke(text: string): Promise<ApiKey>;
}

/** Programs' long-lived credentials. The change feed tells caches of a revocation before `revoke` resolves. */
export function createApiKeys({ store, clock }: { readonly store: ApiKeyStore; readonly clock: Clock }): ApiKeys {
  return {
    async create(user, { name, scopes, expiresAt }) {
      const now = clock();
      if (!/^[^\p{C}]{1,128}$/u.test(name) || name.trim() === '')
        throw invalid('a key needs a name of 1 to 128 letters');
      if (!scopes.every((scope) => SCOPE.test(scope))) {
        throw invalid('a scope is visible ASCII without quotes, backslashes and blanks');
      }
      if (expiresAt !== null && expiresAt <= now) throw invalid('the key would have expired already');
      const { id, text, secretHash } = mintSecret(API_KEY_PREFIX);
      const key: ApiKey = {
        ...{ id, secretHash, userId: user.id, name, scopes: [...new Set(scopes)] },
        ...{ createdAt: now, expiresAt, lastUsedAt: null },
      };
      await store.insert(key);
      return { text, key };
    },
    list: (userId) => store.list(userId),
    async revoke(text) {
      const id = NAMED.exec(text)?.[1];
      const key = id === undefined ? null : await store.findById(id);
      // Somebody else may have been quicker: only one of them revoked it.
      if (key === null || !(await store.delete(key.id)))
        throw new GatelodgeError('not-found', 'there is no such API key');
      return key;
    },
  };
}

function invalid(message: string): GatelodgeError {
  return new GatelodgeError('invalid-request', message);
}
