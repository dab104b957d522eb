/** What marks an API key for people and for secret scanners. */
export const API_KEY_PREFIX = 'glk_';

/** A program's long-lived credential, as it is stored: `glk_<id>.<secret>` without the secret. Times are ms since the epoch. */
export interface ApiKey {
  readonly id: string;
  readonly secretHash: Uint8Array;
  readonly userId: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: number;
  readonly expiresAt: number | null;
  /** Written back in batches; the newest value lives in memory. */
  lastUsedAt: number | null;
}

/** How people name a key: what `list` shows and `revoke` takes. */
export function apiKeyName(key: Pick<ApiKey, 'id'>): string {
  return API_KEY_PREFIX + key.id;
}
