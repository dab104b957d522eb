/** Password hashing off the event loop behind a bounded queue. */
export interface Passwords {
  /** A new argon2id PHC string. Rejects with `overloaded` beyond the queue. */
  hash(password: string): Promise<string>;
  /**
   * Whether the password is the hash's. Never throws for a bad hash: it costs a comparison and is false.
   * `null` (no such user, or one without a password) costs what a real one costs and is false.
   * Rejects with `overloaded` beyond the queue.
   */
  verify(hash: string | null, password: string): Promise<boolean>;
}

/** What can be told of a text in a password field without hashing anything. */
export type PasswordHashKind =
  | { readonly kind: 'argon2id' /** true where today's parameters differ */; readonly outdated: boolean }
  | { readonly kind: 'bcrypt' }
  | { readonly kind: 'plain' }
  /** Looks like a hash that cannot be used: another scheme, broken, or parameters that would exhaust memory or time. */
  | { readonly kind: 'unusable'; readonly why: string };
