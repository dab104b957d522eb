import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * A badge is `<name>.<end>.<signature>`: who, until when (seconds since the epoch), and HMAC-SHA-256 over both.
 *
 * @typedef {object} Badge
 * @property {string} name
 * @property {number} endsAt in ms since the epoch
 * @property {string} label the badge without its signature: says which one it was, opens nothing
 */

/** One strict form, so that one badge has one spelling: a name without dots, ten digits, 32 bytes in base64url. */
const FORM = /^([A-Za-z0-9_-]{1,64})\.([1-9][0-9]{9})\.([A-Za-z0-9_-]{43})$/;

/**
 * Takes a presented badge apart and checks its signature. Whether it has ended is the caller's question: only a badge
 * that was really made here may be told that it is too late.
 *
 * @param {string} text
 * @param {string} secret
 * @returns {Badge | null} null where it was not signed with this secret
 */
export function readBadge(text, secret) {
  const [, name, end, signature] = FORM.exec(text) ?? [];
  if (name === undefined || end === undefined || signature === undefined) return null;
  const label = `${name}.${end}`;
  // Both texts have 43 characters; a comparison that stops at the first wrong one would give the signature away.
  if (!timingSafeEqual(Buffer.from(signature), Buffer.from(sign(label, secret)))) return null;
  return { name, endsAt: Number(end) * 1000, label };
}

/**
 * @param {string} name letters, digits, `_` and `-`
 * @param {number} endsAt in ms since the epoch
 * @param {string} secret
 * @returns {string}
 */
export function makeBadge(name, endsAt, secret) {
  const label = `${name}.${Math.floor(endsAt / 1000)}`;
  const badge = `${label}.${sign(label, secret)}`;
  if (!FORM.test(badge)) throw new RangeError('a badge needs a name of letters, digits, _ and -, and an end');
  return badge;
}

/**
 * @param {string} label
 * @param {string} secret
 */
function sign(label, secret) {
  return createHmac('sha256', secret).update(label).digest('base64url');
}
