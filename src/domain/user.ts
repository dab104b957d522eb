import { type NetworkSet, networkSet } from './network.ts';

/** A person or machine of the directory, from the configuration file or the database. */
export interface User {
  readonly id: string;
  readonly username: string;
  readonly name: string;
  readonly email: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** Where requests of this user may come from, as addresses and CIDR networks; empty: from anywhere. */
  readonly networks: readonly string[];
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
  readonly networks: readonly string[];
  readonly passwordHash: string | null;
}

/**
 * Names go into headers, logs, Basic credentials (no colon, RFC 7617 section 2) and comma lists, so they hold neither
 * control characters, nor colons, commas or slashes, nor blanks at either end. At most 128 characters.
 */
export function isUsername(text: string): boolean {
  return /^[^\p{C}\p{Z}:,/\\"'<>]+(?: [^\p{C}\p{Z}:,/\\"'<>]+)*$/u.test(text) && text.length <= 128;
}

/** A user's record is made once and remembered, and so is this. */
const compiled = new WeakMap<User, NetworkSet>();

/** The networks that a user's requests may come from; null: any. @throws RangeError where one is no network */
export function networksOf(user: User): NetworkSet | null {
  if (user.networks.length === 0) return null;
  let networks = compiled.get(user);
  if (networks === undefined) {
    networks = networkSet(user.networks);
    compiled.set(user, networks);
  }
  return networks;
}

/** Whether a request from this address may be the user's. An address that cannot be told is none of theirs. */
export function mayComeFrom(networks: NetworkSet | null, address: string | null): boolean {
  return networks === null || (address !== null && networks.contains(address));
}
