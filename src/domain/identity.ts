import type { NetworkSet } from './network.ts';

/** Who a request comes from, as one plugin established it. Built once per credential and reused, never changed. */
export interface Identity {
  /** Stable id: a directory user's id, `<instance>:<name>` for a plugin's own users, `<instance>:<sub>` for foreign tokens. */
  readonly subject: string;
  readonly username: string;
  readonly name: string;
  readonly email: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** What the credential is restricted to; null where the credential carries no scopes at all (sessions, passwords). */
  readonly scopes: readonly string[] | null;
  /** Further facts, handed on only where `identity_headers` or a plugin names a header for them. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The directory user behind the identity, or null where it is nobody's directory entry. */
  readonly userId: string | null;
  /** Where the user's requests may come from; null: from anywhere. Only users of the directory have such networks. */
  readonly networks: NetworkSet | null;
  /** When the person last proved who they are, in ms since the epoch; null where the credential does not tell. */
  readonly authenticatedAt: number | null;
  /** Plugin instances that established it, in order. */
  readonly methods: readonly string[];
}

/** A claim by its name or, where there is none of that name, by dots into objects. Own members only. */
export function claimAt(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}
