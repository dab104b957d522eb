import type { Identity } from './identity.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { User } from './user.ts';

/** A session or API key in memory, with the identity last made for it: as long as its user is the same object, that holds. */
export interface Live<T> {
  readonly record: T;
  user: User | null;
  identity: Identity | null;
  /** The secret that was last found to be the record's: comparing with it costs a tenth of hashing again. */
  proven: string | null;
}

/** What plugins look credentials up in. Nothing is written on the way of a check: when it was used is noted and written later. */
export interface LiveRecords<T> {
  find(id: string): MaybePromise<Live<T> | null>;
  /** The record as it is remembered, with the newest time of use; asks nobody. */
  get(id: string): T | undefined;
  /** Remembers a record that has just been stored. */
  set(id: string, record: T): void;
  /** Notes that it was used. */
  used(record: T): void;
  forget(id: string | null): void;
  /** Writes what was noted. */
  flush(): Promise<void>;
  readonly size: number;
}
