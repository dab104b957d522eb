import type { ApiKey } from './api-key.ts';
import { isNetworkWithin } from './network.ts';
import { ADMINISTRATOR_ROLE } from './user.ts';

/**
 * Who makes, rotates or revokes API keys. An administrator, in person or by a command, may do anything. A program that
 * holds a key with the scope for it may never make or get hold of a key that is worth more than its own.
 */
export type KeyManager =
  /** `id` is the administrator's, null for a command. */
  | { readonly kind: 'administrator'; readonly id: string | null }
  /** `roles`: those that the key has at present. */
  | { readonly kind: 'key'; readonly key: ApiKey; readonly roles: readonly string[] };

/** What makes one key worth more than another. */
export type KeyPower = Pick<ApiKey, 'userId' | 'scopes' | 'roles' | 'networks' | 'expiresAt'>;

/** The command line: whoever can run it can read the database. */
export const COMMAND: KeyManager = Object.freeze({ kind: 'administrator', id: null });

/** Whether keys of this user are the manager's to see and to revoke: its own user's, or everybody's for the role `admin`. */
export function managesKeysOf(manager: KeyManager, userId: string): boolean {
  return managesEverybodysKeys(manager) || (manager.kind === 'key' && manager.key.userId === userId);
}

export function managesEverybodysKeys(manager: KeyManager): boolean {
  return manager.kind === 'administrator' || manager.roles.includes(ADMINISTRATOR_ROLE);
}

/**
 * In what a key would be worth more than the manager's own; null where it would not. It must be somebody's whose keys the
 * manager manages.
 */
export function beyondReach(manager: KeyManager, wanted: KeyPower): Exclude<keyof KeyPower, 'userId'> | null {
  if (manager.kind === 'administrator') return null;
  const { key } = manager;
  if (!wanted.scopes.every((scope) => key.scopes.includes(scope))) return 'scopes';
  if (!hasNoMoreRoles(manager, wanted)) return 'roles';
  // Where it may be used from, and until when, are what makes a stolen key worth less.
  if (!areWithin(wanted.networks, key.networks)) return 'networks';
  if (key.expiresAt !== null && (wanted.expiresAt === null || wanted.expiresAt > key.expiresAt)) return 'expiresAt';
  return null;
}

function hasNoMoreRoles(manager: Extract<KeyManager, { kind: 'key' }>, wanted: KeyPower): boolean {
  const { key, roles } = manager;
  if (wanted.userId !== key.userId) {
    // "All that the owner has" may become more than the manager has.
    return wanted.roles?.every((role) => roles.includes(role)) ?? false;
  }
  if (key.roles === null) return true;
  const own = key.roles;
  return wanted.roles?.every((role) => own.includes(role)) ?? false;
}

function areWithin(inner: readonly string[], outer: readonly string[]): boolean {
  if (outer.length === 0) return true;
  return inner.length > 0 && inner.every((network) => outer.some((one) => isNetworkWithin(network, one)));
}
