import { createHmac, hash, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * One form for every credential that a store remembers: `<id>.<secret>`. The id finds the record, the secret proves the
 * holder; the store has SHA-256 of the secret alone, so a stolen database opens nothing. 256 random bits need no slow hash.
 */
export interface MintedSecret {
  readonly id: string;
  /** What the holder gets: `<prefix><id>.<secret>`, URL-safe characters only. */
  readonly text: string;
  readonly secretHash: Uint8Array;
}

const ID_BYTES = 12;
const SECRET_BYTES = 32;
/** Characters in base64url. */
const ID_LENGTH = 16;
const SECRET_LENGTH = 43;
const URL_SAFE = /^[A-Za-z0-9_-]+$/;

/**
 * A new credential, or a new secret of one whose id stays. `prefix` marks its kind for people and for secret scanners (`glk_`).
 */
export function mintSecret(prefix = '', id = randomBytes(ID_BYTES).toString('base64url')): MintedSecret {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { id, text: `${prefix}${id}.${secret}`, secretHash: hashSecret(secret) };
}

/** Takes a presented credential apart; null where it has not the exact form, so that nothing else is ever looked up. */
export function splitSecret(text: string, prefix = ''): { id: string; secret: string } | null {
  const dot = prefix.length + ID_LENGTH;
  if (text.length !== dot + 1 + SECRET_LENGTH || text.charCodeAt(dot) !== 0x2e || !text.startsWith(prefix)) return null;
  const id = text.slice(prefix.length, dot);
  const secret = text.slice(dot + 1);
  return URL_SAFE.test(id) && URL_SAFE.test(secret) ? { id, secret } : null;
}

export function hashSecret(secret: string): Uint8Array {
  return hash('sha256', secret, 'buffer');
}

/** Constant-time comparison of a presented secret with the stored SHA-256. */
export function secretMatches(secret: string, secretHash: Uint8Array): boolean {
  const presented = hashSecret(secret);
  return presented.length === secretHash.length && timingSafeEqual(presented, secretHash);
}

/** Whether the secret is the record's. Remembers, in memory alone, the one that was, and compares with that in constant time. */
export function proves(
  secret: string,
  live: { readonly record: { readonly secretHash: Uint8Array }; proven: string | null },
): boolean {
  if (live.proven !== null && sameSecret(secret, live.proven)) return true;
  if (!secretMatches(secret, live.record.secretHash)) return false;
  // A copy: a part of the header line would keep the whole line in memory for as long as the session lives.
  live.proven = Buffer.from(secret, 'latin1').toString('latin1');
  return true;
}

/** In constant time for texts of one length, as secrets are. */
function sameSecret(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at += 1) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}

/** An independent key for one purpose, derived from the service's secret (HKDF-SHA-256, RFC 5869). */
export function deriveKey(secret: string, purpose: string, length = 32): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'gatelodge', purpose, length));
}

/** A keyed hash under which something can be remembered or logged without being told. */
export function keyedHash(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

/** A new stable id such as `usr_…`: 96 random bits. */
export function newId(prefix: string): string {
  return prefix + randomBytes(ID_BYTES).toString('base64url');
}
