/** What marks an API key for people and for secret scanners. */
export const API_KEY_PREFIX = 'glk_';

/** A program's long-lived credential, as it is stored: `glk_<id>.<secret>` without the secret. Times are ms since the epoch. */
export interface ApiKey {
  readonly id: string;
  readonly secretHash: Uint8Array;
  /** The secret before the last rotation, which is good until then too; null where there is none. */
  readonly previous: { readonly secretHash: Uint8Array; readonly until: number } | null;
  readonly userId: string;
  readonly name: string;
  readonly scopes: readonly string[];
  /** Which of its owner's roles it has, as long as the owner has them; null: all that the owner has at the time. */
  readonly roles: readonly string[] | null;
  /** Where it may be used from, as addresses and CIDR networks; empty: from anywhere. */
  readonly networks: readonly string[];
  readonly createdAt: number;
  /** The id of the user or key (`glk_…`) that made it; null: a command. */
  readonly createdBy: string | null;
  readonly notBefore: number | null;
  readonly expiresAt: number | null;
  readonly rotatedAt: number | null;
  /** Written back in batches; the newest value lives in memory. */
  lastUsedAt: number | null;
}

/** How people name a key: what `list` shows and `revoke` takes. */
export function apiKeyName(key: Pick<ApiKey, 'id'>): string {
  return API_KEY_PREFIX + key.id;
}

/** Whether it may be used at this time: from `notBefore` until just before `expiresAt`. */
export function isInForce({ notBefore, expiresAt }: Pick<ApiKey, 'notBefore' | 'expiresAt'>, now: number): boolean {
  return (notBefore === null || now >= notBefore) && (expiresAt === null || now < expiresAt);
}

/** The roles that a key has of an owner who has these at present. */
export function rolesOfKey({ roles }: Pick<ApiKey, 'roles'>, ownersRoles: readonly string[]): readonly string[] {
  return roles === null ? ownersRoles : ownersRoles.filter((role) => roles.includes(role));
}
