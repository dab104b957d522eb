import type { Generated } from 'kysely';
import { GatelodgeError } from '../domain/errors.ts';
import type { SigningAlgorithm, SigningPurpose } from '../domain/signing-key.ts';
import type { Change } from '../domain/store.ts';

/** The tables as the queries see them. Times are ms since the epoch, lists are JSON texts. */
export interface Tables {
  users: {
    id: string;
    username: string;
    name: string;
    email: string;
    roles: string;
    groups: string;
    networks: string;
    password_hash: string | null;
    created_at: number;
    updated_at: number;
  };
  /** Apart from `users`, because users of the configuration file are locked here too. */
  user_locks: { user_id: string; locked_at: number };
  sessions: {
    id: string;
    secret_hash: Uint8Array;
    user_id: string;
    created_at: number;
    authenticated_at: number;
    expires_at: number;
    idle: number | null;
    last_seen_at: number;
  };
  api_keys: {
    id: string;
    secret_hash: Uint8Array;
    user_id: string;
    name: string;
    scopes: string;
    created_at: number;
    expires_at: number | null;
    last_used_at: number | null;
    previous_secret_hash: Uint8Array | null;
    previous_until: number | null;
    /** null: all that the owner has. */
    roles: string | null;
    networks: string;
    created_by: string | null;
    not_before: number | null;
    rotated_at: number | null;
  };
  signing_keys: {
    kid: string;
    purpose: SigningPurpose;
    algorithm: SigningAlgorithm;
    public_jwk: string;
    sealed_private_jwk: Uint8Array;
    created_at: number;
    retired_at: number | null;
    verifies_until: number | null;
  };
  refresh_tokens: {
    id: string;
    secret_hash: Uint8Array;
    family_id: string;
    user_id: string;
    issued_at: number;
    authenticated_at: number;
    expires_at: number;
    access_expires_at: number;
    spent_at: number | null;
    successor_id: string | null;
    /** What whoever spent it was told, sealed under the token itself; null once it was told again. */
    answer: Uint8Array | null;
  };
  revocations: { id: string; expires_at: number };
  jwthenticator_keys: {
    id: string;
    key_hash: Uint8Array;
    identifier: string;
    created_at: number;
    expires_at: number;
  };
  jwthenticator_refresh_tokens: {
    id: string;
    token_hash: Uint8Array;
    key_id: string;
    created_at: number;
    expires_at: number;
  };
  jwthenticator_sealed: { name: string; sealed: Uint8Array };
  /** What every process reads to let go of what it remembers. Ids have no holes but those that trimming makes at the start. */
  changes: {
    id: Generated<number>;
    kind: Change['kind'];
    entity_id: string;
    /** The store that made the change: it has told its own listeners already. */
    origin: string;
    changed_at: number;
  };
}

/**
 * A list column's names. A list that cannot be read is a failure, never an empty list: an API key without scopes or a user
 * without groups may be allowed more than one with them.
 */
export function parseList(text: string): readonly string[] {
  const value = parseJson(text);
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value;
  throw unreadable();
}

/** An object column. */
export function parseObject(text: string): Readonly<Record<string, unknown>> {
  const value = parseJson(text);
  // Every JSON object that is no array is a record of unknown values.
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw unreadable();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable();
  }
}

function unreadable(): GatelodgeError {
  return new GatelodgeError('store-unavailable', 'a record in the database cannot be read');
}
