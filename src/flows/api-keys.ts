import { API_KEY_PREFIX, type ApiKey, apiKeyName, isInForce } from '../domain/api-key.ts';
import type { Clock } from '../domain/clock.ts';
import { GatelodgeError } from '../domain/errors.ts';
import { beyondReach, type KeyManager, type KeyPower, managesKeysOf } from '../domain/key-reach.ts';
import { parseNetwork } from '../domain/network.ts';
import { mintSecret, secretMatches, splitSecret } from '../domain/secret.ts';
import type { ApiKeyStore } from '../domain/store.ts';
import type { User } from '../domain/user.ts';

/** A key's id as people have it: with or without the prefix, or from a whole key that has leaked. */
const NAMED = /^(?:glk_)?([A-Za-z0-9_-]{16})(?:\.[A-Za-z0-9_-]{43})?$/;
/** RFC 6749 section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/;
/** Scopes, roles or networks of one key. */
const MOST_NAMES = 100;
/** Keys of one user, beyond which programs make no more: one that has gone wild, or was stolen, must not fill the disk. */
const MOST_KEYS = 1_000;
/** Longest time that two secrets of one key are good, in ms. */
export const LONGEST_OVERLAP = 30 * 86_400_000;

export interface CreatedApiKey {
  /** `glk_<id>.<secret>`: shown once, in no other place. */
  readonly text: string;
  readonly key: ApiKey;
}

/** What a new key is to be; see ApiKey. */
export type ApiKeyRequest = Pick<ApiKey, 'name' | 'scopes' | 'expiresAt'> &
  Partial<Pick<ApiKey, 'roles' | 'networks' | 'notBefore'>>;

export interface ApiKeys {
  /**
   * @throws GatelodgeError `invalid-request` for what cannot be, such as roles that the user does not have; `forbidden` for
   *   a key that is worth more than the manager's own; `conflict` where a program has made too many; `store-unavailable`
   */
  create(user: User, request: ApiKeyRequest, manager: KeyManager): Promise<CreatedApiKey>;
  /** In the order they were made; `null` lists everybody's, expired ones too. */
  list(userId: string | null): Promise<readonly ApiKey[]>;
  /** By the whole key, which proves that who asks has it; null where there is none such. Also one that is not in force. */
  findPresented(text: string): Promise<ApiKey | null>;
  /**
   * A new secret for a key that stays the same otherwise. The old one is good for `overlap` ms more; one that was in its
   * overlap already ends at once. By `glk_<id>`, the bare id or the whole key.
   * @throws GatelodgeError `not-found`; `forbidden` as `create`; `conflict` where it has expired, or somebody else has just
   *   rotated it; `invalid-request` for an overlap that cannot be
   */
  rotate(text: string, overlap: number, manager: KeyManager): Promise<CreatedApiKey>;
  /** Named as for `rotate`. @throws GatelodgeError `not-found`, also for keys that are not the manager's to revoke */
  revoke(text: string, manager: KeyManager): Promise<ApiKey>;
}

/** Programs' long-lived credentials. The change feed tells caches of a revocation or rotation before these calls resolve. */
export function createApiKeys({ store, clock }: { readonly store: ApiKeyStore; readonly clock: Clock }): ApiKeys {
  /** Somebody else's key is no different from one that is not there. */
  async function find(text: string, manager: KeyManager): Promise<ApiKey> {
    const id = NAMED.exec(text)?.[1];
    const key = id === undefined ? null : await store.findById(id);
    if (key === null || !managesKeysOf(manager, key.userId)) throw notFound();
    return key;
  }

  async function countLive(userId: string, now: number): Promise<number> {
    return (await store.list(userId)).filter(({ expiresAt }) => expiresAt === null || now < expiresAt).length;
  }

  return {
    async create(user, request, manager) {
      // First, so that nobody learns what roles somebody else has.
      if (!managesKeysOf(manager, user.id)) throw forbidden('this key manages the keys of its own user alone');
      const now = clock();
      const { name, expiresAt, roles = null, notBefore = null } = request;
      const key: Omit<ApiKey, 'id' | 'secretHash'> = {
        ...{ previous: null, userId: user.id, name, expiresAt, notBefore },
        scopes: distinct(request.scopes),
        roles: roles === null ? null : distinct(roles),
        networks: distinct(request.networks ?? []),
        createdBy: manager.kind === 'key' ? apiKeyName(manager.key) : manager.id,
        ...{ createdAt: now, rotatedAt: null, lastUsedAt: null },
      };
      const wrong = whatIsWrong(key, user, now);
      if (wrong !== null) throw new GatelodgeError('invalid-request', wrong);
      requireReach(manager, key);
      if (manager.kind === 'key' && (await countLive(user.id, now)) >= MOST_KEYS)
        throw new GatelodgeError('conflict', `the user has ${MOST_KEYS} keys: revoke some first`);
      const { id, text, secretHash } = mintSecret(API_KEY_PREFIX);
      const whole: ApiKey = { id, secretHash, ...key };
      await store.insert(whole);
      return { text, key: whole };
    },

    list: (userId) => store.list(userId),

    async findPresented(text) {
      const parts = splitSecret(text, API_KEY_PREFIX);
      const key = parts === null ? null : await store.findById(parts.id);
      if (parts === null || key === null) return null;
      const { secretHash, previous } = key;
      if (secretMatches(parts.secret, secretHash)) return key;
      const isPrevious =
        previous !== null && clock() < previous.until && secretMatches(parts.secret, previous.secretHash);
      return isPrevious ? key : null;
    },

    async rotate(text, overlap, manager) {
      const now = clock();
      if (!(overlap >= 0 && overlap <= LONGEST_OVERLAP))
        throw new GatelodgeError('invalid-request', 'an overlap is 30 days at most');
      const key = await find(text, manager);
      // Whoever rotates a key holds it afterwards.
      requireReach(manager, key);
      if (key.expiresAt !== null && now >= key.expiresAt)
        throw new GatelodgeError('conflict', 'the key has expired: make another');
      const { text: next, secretHash } = mintSecret(API_KEY_PREFIX, key.id);
      const until = Math.min(now + overlap, key.expiresAt ?? Number.POSITIVE_INFINITY);
      const previousUntil = overlap === 0 ? null : until;
      if (!(await store.rotate(key.id, { expected: key.secretHash, next: secretHash, previousUntil, at: now })))
        throw new GatelodgeError('conflict', 'the key has just been rotated or revoked by somebody else');
      const previous = previousUntil === null ? null : { secretHash: key.secretHash, until: previousUntil };
      return { text: next, key: { ...key, secretHash, previous, rotatedAt: now } };
    },

    async revoke(text, manager) {
      const key = await find(text, manager);
      // Somebody else may have been quicker: only one of them revoked it.
      if (!(await store.delete(key.id))) throw notFound();
      return key;
    },
  };
}

/** null where nothing is. */
function whatIsWrong(key: Omit<ApiKey, 'id' | 'secretHash'>, user: User, now: number): string | null {
  const { name, scopes, roles, networks, notBefore, expiresAt } = key;
  if (!/^[^\p{C}]{1,128}$/u.test(name) || name.trim() === '') return 'a key needs a name of 1 to 128 letters';
  if ([scopes, roles ?? [], networks].some(({ length }) => length > MOST_NAMES))
    return `a key has ${MOST_NAMES} scopes, roles and networks at most`;
  if (!scopes.every((scope) => SCOPE.test(scope))) {
    return 'a scope is visible ASCII without quotes, backslashes and blanks';
  }
  if (!(roles ?? []).every((role) => user.roles.includes(role))) return 'a key has no role that its user does not have';
  if (!networks.every((network) => parseNetwork(network) !== null))
    return 'a network is an address or CIDR, such as 10.0.0.0/8';
  if (expiresAt !== null && expiresAt <= now) return 'the key would have expired already';
  if (expiresAt !== null && notBefore !== null && !isInForce({ notBefore, expiresAt }, notBefore))
    return 'the key would have expired before it begins';
  return null;
}

const BEYOND = {
  scopes: 'more scopes than your own key: name some of its own',
  roles: 'more roles than your own key: name some of its own',
  networks: 'more networks than your own key: name some within its own',
  expiresAt: 'a later end than your own key: name one that is not later',
} as const;

function requireReach(manager: KeyManager, wanted: KeyPower): void {
  const beyond = beyondReach(manager, wanted);
  if (beyond !== null) throw forbidden(`the key would have ${BEYOND[beyond]}`);
}

function distinct(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}

function forbidden(message: string): GatelodgeError {
  return new GatelodgeError('forbidden', message);
}

function notFound(): GatelodgeError {
  return new GatelodgeError('not-found', 'there is no such API key');
}
