/** A key that clients of the JWThenticator mount authenticate with. They choose its text; the store has a keyed hash of it. */
export interface JwthenticatorKey {
  readonly id: string;
  readonly keyHash: Uint8Array;
  /** Canonical UUID of who registered it first. Whoever authenticates names one of their own. */
  readonly identifier: string;
  /** Times in ms since the epoch. */
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** Gets new JWTs again and again until it expires; the end of its key is not its own. */
export interface JwthenticatorRefreshToken {
  readonly id: string;
  readonly tokenHash: Uint8Array;
  /** The key that it was issued for, which may be gone. */
  readonly keyId: string;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** What the mount keeps. Nothing of it is remembered anywhere else, so it emits no changes: each call asks the store. */
export interface JwthenticatorStore {
  /** Puts a key in or, where its hash is there, moves its end to the later one of both. Atomic. Resolves to what is there then. */
  register(key: JwthenticatorKey): Promise<JwthenticatorKey>;
  findKey(keyHash: Uint8Array): Promise<JwthenticatorKey | null>;
  /** In the order they were made. */
  listKeys(): Promise<readonly JwthenticatorKey[]>;
  /** False where there is no such key, and then its refresh tokens stay. */
  deleteKey(id: string, options: { readonly keepRefreshTokens: boolean }): Promise<boolean>;
  /** Atomic with looking for its key: false where that one is gone, so that none outruns the revocation of both. */
  insertRefreshToken(token: JwthenticatorRefreshToken): Promise<boolean>;
  findRefreshToken(tokenHash: Uint8Array): Promise<JwthenticatorRefreshToken | null>;
  listRefreshTokens(): Promise<readonly JwthenticatorRefreshToken[]>;
  deleteRefreshToken(id: string): Promise<boolean>;
  /** Removes refresh tokens at their end. Expired keys stay: they still count as registered. */
  deleteExpired(now: number): Promise<number>;
  findSealed(name: string): Promise<Uint8Array | null>;
  /** Keeps the first value of a name, atomically, and resolves to the one that is kept. */
  keepSealed(name: string, sealed: Uint8Array): Promise<Uint8Array>;
  /** Puts `next` in the place of exactly `present`. False where something else is there. */
  replaceSealed(name: string, present: Uint8Array, next: Uint8Array): Promise<boolean>;
}
