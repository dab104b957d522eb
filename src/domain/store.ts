import type { ApiKey } from './api-key.ts';
import type { JwthenticatorStore } from './jwthenticator.ts';
import type { RefreshToken, TokenStatistics } from './refresh-token.ts';
import type { Session } from './session.ts';
import type { SigningKey } from './signing-key.ts';
import type { User, UserFields } from './user.ts';

/**
 * What gatelodge keeps. Every store passes the same contract suite. A method either has done what it says when its
 * promise resolves, durably, or rejects with a GatelodgeError (`store-unavailable`, `already-exists`).
 */
export interface Store {
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly apiKeys: ApiKeyStore;
  readonly signingKeys: SigningKeyStore;
  readonly refreshTokens: RefreshTokenStore;
  readonly revocations: RevocationStore;
  readonly jwthenticator: JwthenticatorStore;
  readonly changes: ChangeFeed;
  /** Rejects with `store-unavailable` where a read does not come back. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The directory's database part. `source` of what it returns is `database`. */
export interface UserStore {
  findById(id: string): Promise<User | null>;
  findByUsername(username: string): Promise<User | null>;
  list(): Promise<readonly User[]>;
  /** Rejects with `already-exists` where the name is taken. */
  insert(id: string, fields: UserFields, now: number): Promise<User>;
  /** False where there is no such user. */
  update(id: string, fields: Partial<UserFields>, now: number): Promise<boolean>;
  /** Sets a new hash only where the present one is still `expected`: a rehash never undoes a password change. */
  replacePasswordHash(id: string, expected: string, next: string, now: number): Promise<boolean>;
  /** Also ends the user's sessions, tokens and API keys, in the same transaction. */
  delete(id: string): Promise<boolean>;
  /**
   * Locks are kept by user id apart from the user, so that users of the configuration file can be locked too. Unlocking is
   * told as `login-attempts` too, though nothing was locked: what was counted against the name is forgotten with it.
   */
  setLocked(id: string, locked: boolean, now: number): Promise<void>;
  isLocked(id: string): Promise<boolean>;
  /**
   * Ends the sessions, tokens and API keys of everybody who is neither in the database nor one of these: of those who were
   * taken out of the configuration file, where somebody else may get their name, and with it their id. Returns whose they were.
   */
  forgetStrangers(ofFile: ReadonlySet<string>, now: number): Promise<readonly string[]>;
  /** Tells of a change that was made elsewhere: of a user of the configuration file. */
  announce(id: string): Promise<void>;
}

export interface SessionStore {
  insert(session: Session): Promise<void>;
  findById(id: string): Promise<Session | null>;
  listByUser(userId: string | null): Promise<readonly Session[]>;
  /** How many are neither at their absolute nor at their idle end. */
  countLive(now: number): Promise<number>;
  /** False where it was gone already. */
  delete(id: string): Promise<boolean>;
  deleteByUser(userId: string): Promise<number>;
  /** Writes many `lastSeenAt` in one transaction; never moves one back. Emits no change. */
  touch(seen: ReadonlyMap<string, number>): Promise<void>;
  /** Removes what has reached its absolute or idle end. Emits no change. */
  deleteExpired(now: number): Promise<number>;
}

export interface ApiKeyStore {
  insert(key: ApiKey): Promise<void>;
  findById(id: string): Promise<ApiKey | null>;
  list(userId: string | null): Promise<readonly ApiKey[]>;
  delete(id: string): Promise<boolean>;
  /**
   * Puts another secret in the place of `expected`, and that one in the place of the one before. False where `expected` is
   * not the present one: of two rotations at once, one wins.
   */
  rotate(id: string, rotation: KeyRotation): Promise<boolean>;
  /** Removes what expired at this time or before it. Emits no change: nobody is let in by it any more. */
  deleteExpired(until: number): Promise<number>;
  /** As SessionStore.touch. */
  touch(used: ReadonlyMap<string, number>): Promise<void>;
}

export interface KeyRotation {
  readonly expected: Uint8Array;
  readonly next: Uint8Array;
  /** Until when the one that was replaced is good too, in ms since the epoch; null: it is not. */
  readonly previousUntil: number | null;
  readonly at: number;
}

export interface SigningKeyStore {
  list(): Promise<readonly SigningKey[]>;
  /**
   * Makes `key` the one that signs and retires the one before, atomically. With `onlyIfNone` nothing happens where one of
   * its purpose and algorithm signs already: two processes that start together agree on one key. True where the key was put in.
   */
  rotate(key: SigningKey, options: { retiredVerifiesUntil: number; onlyIfNone: boolean }): Promise<boolean>;
  /** Removes those that no longer verify anything. */
  deleteExpired(now: number): Promise<number>;
}

export interface RefreshTokenStore {
  /** The first of a family. */
  insert(token: RefreshToken): Promise<void>;
  findById(id: string): Promise<RefreshToken | null>;
  /**
   * Spends a token for the next one, atomically: of any number of callers one gets true, and `next` is stored for that one alone.
   * @param spending.answer what the winner is told, sealed, for a retry
   */
  spend(
    id: string,
    spending: { readonly next: RefreshToken; readonly answer: Uint8Array; readonly now: number },
  ): Promise<boolean>;
  /** The answer of a token spent at `spentSince` or later; to one caller, once. */
  takeAnswer(id: string, spentSince: number): Promise<Uint8Array | null>;
  /**
   * Removes answers of tokens that were spent before `spentBefore`, so many at once that nobody waits long; how many. Whoever
   * comes by an old token and the database would find the one that is good now in them.
   */
  forgetAnswers(spentBefore: number): Promise<number>;
  /** Ends the family and revokes its access tokens, in one transaction. False where there was none. */
  revokeFamily(familyId: string, now: number): Promise<boolean>;
  /** Ends all families of a user likewise; how many. */
  revokeByUser(userId: string, now: number): Promise<number>;
  statistics(now: number): Promise<readonly TokenStatistics[]>;
  /** Removes families that have ended. Emits no change. */
  deleteExpired(now: number): Promise<number>;
}

/** Access tokens that are refused before they expire, by their `jti` or by the `sid` of their family. */
export interface RevocationStore {
  /** @param until when the last token of that name expires, in ms since the epoch */
  insert(id: string, until: number): Promise<void>;
  /** At most `limit` ids after `after`, in their order: an empty page is the last. */
  listLive(now: number, after: string, limit: number): Promise<readonly string[]>;
  /** Emits no change: what has expired is refused anyway. */
  deleteExpired(now: number): Promise<number>;
}

export interface Change {
  readonly kind: 'user' | 'login-attempts' | 'session' | 'api-key' | 'signing-key' | 'revocation';
  readonly id: string;
}

/**
 * Tells what was changed, so that caches let go of it. Changes made through this store are told before the call that made
 * them resolves; those of other processes within `interval` milliseconds.
 */
export interface ChangeFeed {
  /** `null` means: too much was missed, let go of everything. Returns the function that stops it. */
  follow(listener: (change: Change | null) => void, interval: number): () => void;
  /** Tells at once what other processes have changed until now, instead of within the interval. */
  catchUp(): Promise<void>;
}
