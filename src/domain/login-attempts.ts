import type { MaybePromise } from './maybe-promise.ts';
import type { Quota } from './rate-limit.ts';
import type { User } from './user.ts';

/** What is counted for whom. `account`: a name; `device`: a name from a browser that has logged in with it; `address`: a place. */
export type AttemptSubjectKind = 'account' | 'device' | 'address';

/** How much is let pass. Times in ms. */
export interface AttemptLimit {
  /** Failures in a window. */
  readonly attempts: number;
  readonly window: number;
  /** How long nothing is let pass then; null: until the window's end. */
  readonly lock: number | null;
  /** Whether attempts after the first failures have to wait, longer each time. */
  readonly delayed: boolean;
}

export interface AttemptSubject {
  readonly kind: AttemptSubjectKind;
  /** Of bounded length; it names nobody. */
  readonly key: string;
  readonly limit: AttemptLimit;
  /** False: failures count, but an attempt is not held up. */
  readonly asked: boolean;
}

export type AttemptOutcome = 'failed' | 'succeeded' | 'abandoned';

/** `wait`: ms until the attempt may be made, which is counted already. `retryAfter`: ms until it is worth asking again. */
export type AttemptBegun =
  | { readonly kind: 'begun'; readonly wait: number }
  | { readonly kind: 'limited'; readonly retryAfter: number };

/**
 * Where failures are counted. Each call is one atomic step, so that processes can share one: in memory, by messages to the
 * process that holds it, or as a script in Redis. Rejects with `store-unavailable` where it cannot be asked; nothing is tried then.
 */
export interface AttemptStore {
  /** Counts an attempt under way for all subjects or, where one of those asked is at its limit, for none. */
  begin(subjects: readonly AttemptSubject[]): MaybePromise<AttemptBegun>;
  /** Ends an attempt that was begun. A success clears what an account or device failed, never what an address did. Returns the kinds that this failure has locked. */
  end(subjects: readonly AttemptSubject[], outcome: AttemptOutcome): MaybePromise<readonly AttemptSubjectKind[]>;
  /** Forgets failures and locks. True where there was a lock. */
  forget(subject: Pick<AttemptSubject, 'kind' | 'key'>): MaybePromise<boolean>;
}

/** One password or code that is being tried. Exactly one of its methods is called, once. */
export interface LoginAttempt {
  readonly kind: 'attempt';
  failed(): Promise<void>;
  /** Gives the attempt back and forgets the account's failures. */
  succeeded(): Promise<void>;
  /** Gives the attempt back: nothing was found out. */
  abandoned(): Promise<void>;
}
export interface LoginLimited {
  readonly kind: 'limited';
  /** Whole seconds, at least 1. */
  readonly retryAfter: number;
  /** What was used up, where it was tries of any kind; absent for failures, whose limits are told to nobody. */
  readonly quota?: Quota;
}

/** Who tries, and from where. */
export interface LoginTrial {
  /** As typed, of any length. Names outside the directory have their owner in front: `<instance>:<name>`. */
  readonly account: string;
  /** The client's, null where it cannot be told: then the account alone counts. */
  readonly address: string | null;
  /** The browser's id, where it has logged in with this name before. */
  readonly device?: string | null;
}

/** Asked before anything is hashed; resolves when the attempt may be made. */
export type BeginLogin = (trial: LoginTrial) => Promise<LoginAttempt | LoginLimited>;

export type LoginResult = { readonly kind: 'ok'; readonly user: User } | { readonly kind: 'refused' } | LoginLimited;

/**
 * A key or token that was no good. Counts against the address, the same one once; returns the seconds to wait where the
 * address has guessed too much, else 0. Good ones are never held up: nobody guesses 256 bits, and neighbours share addresses.
 */
export type CountGuess = (credential: string, address: string | null) => MaybePromise<number>;
