import type { MaybePromise } from '../domain/maybe-promise.ts';
import type { User } from '../domain/user.ts';

/** All users, those of the configuration file and those of the database, as one. Answers at once for whoever was asked for lately. */
export interface Directory {
  byId(id: string): MaybePromise<User | null>;
  byUsername(username: string): MaybePromise<User | null>;
  /** Puts a stronger hash of the same password in place, where the place can be written; otherwise the old one stays. */
  replacePasswordHash(user: User, next: string): Promise<void>;
}
