import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { GatelodgeError } from '../domain/errors.ts';

/** First byte of what is sealed, so that another cipher can follow one day. */
const VERSION = 1;
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const START = 1 + NONCE_BYTES;

/**
 * Encrypts and authenticates (AES-256-GCM, NIST SP 800-38D): version byte, random nonce, ciphertext, tag.
 * @param key 32 bytes
 * @param context what it is and whose, such as `signing-key:<kid>`; only the same context opens it again, so that a sealed
 *   value moved to another record is worth nothing
 */
export function seal(key: Uint8Array, plain: Uint8Array, context: string): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(context));
  return Buffer.concat([Uint8Array.of(VERSION), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** What was sealed under the same key and context. Throws `internal-error` for anything else. */
export function unseal(key: Uint8Array, sealed: Uint8Array, context: string): Uint8Array {
  try {
    if (sealed[0] !== VERSION || sealed.length < START + TAG_BYTES) throw new RangeError('not a sealed value');
    const decipher = createDecipheriv(CIPHER, key, sealed.subarray(1, START), { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(context))
      .setAuthTag(sealed.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(START, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new GatelodgeError('internal-error', 'a sealed value is damaged or was sealed under another secret', {
      cause,
    });
  }
}
