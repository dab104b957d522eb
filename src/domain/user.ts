/** A person or machine of the directory, from the configuration file or the database. */
export interface User {
  readonly id: string;
  readonly username: string;
  readonly name: string;
  readonly email: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly locked: boolean;
  /** argon2id or bcrypt, as the PHC or crypt string; null: no password logs this user in. */
  readonly passwordHash: string | null;
  readonly source: 'file' | 'database';
}

/** The role of those who may manage everything, on pages and by calls. `gatelodge init` gives it to the first user. */
export const ADMINISTRATOR_ROLE = 'admin';

/** What of a user can be set by a command or the API. */
export interface UserFields {
  readonly username: string;
  readonly name: string;
  readonly email: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly passwordHash: string | null;
}

/**
 * Names go into headers, logs, Basic credentials (no colon, RFC 7617 section 2) and comma lists, so they hold neither
 * control characters, nor colons, commas or slashes, nor blanks at either end. At most 128 characters.
 */
export function isUsername(text: string): boolean {
  return /^[^\p{C}\p{Z}:,/\\"'<>]+(?: [^\p{C}\p{Z}:,/\\"'<>]+)*$/u.test(text) && text.length <= 128;
}
