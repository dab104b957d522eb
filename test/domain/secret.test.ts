import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  deriveKey,
  hashSecret,
  keyedHash,
  mintSecret,
  newId,
  secretMatches,
  splitSecret,
} from '../../src/domain/secret.ts';

describe('mintSecret', () => {
  it('is URL-safe, splits into what was minted, and is never the same', () => {
    const minted = Array.from({ length: 200 }, () => mintSecret('glk_'));
    for (const { text, id, secretHash } of minted) {
      expect(text).toMatch(/^glk_[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}$/);
      const parts = splitSecret(text, 'glk_');
      expect(parts?.id).toBe(id);
      expect(secretMatches(parts?.secret ?? '', secretHash)).toBe(true);
    }
    expect(new Set(minted.map(({ text }) => text)).size).toBe(200);
  });

  it('stores SHA-256 of the secret and nothing of the secret itself', () => {
    const { text, secretHash } = mintSecret();
    const secret = text.split('.')[1] ?? '';
    expect(Buffer.from(secretHash)).toEqual(createHash('sha256').update(secret).digest());
  });
});

describe('splitSecret', () => {
  const { text } = mintSecret('glk_');

  it.each([
    ['no prefix', text.slice(4)],
    ['another prefix', `glx_${text.slice(4)}`],
    ['a prefix in capitals', `GLK_${text.slice(4)}`],
    ['a character less', text.slice(0, -1)],
    ['a character more', `${text}A`],
    ['a line break behind', `${text}\n`],
    ['a blank before', ` ${text}`],
    ['no dot', text.replace('.', '_')],
    ['two dots', text.replace('.', '..')],
    ['padding', `${text.slice(0, -1)}=`],
    ['plain base64', `${text.slice(0, -1)}+`],
    ['NUL', `${text.slice(0, -1)}\0`],
    ['nothing', ''],
    ['the prefix alone', 'glk_'],
  ])('is null for %s', (_what, presented) => expect(splitSecret(presented, 'glk_')).toBeNull());
});

describe('secretMatches', () => {
  const { text, secretHash } = mintSecret();
  const secret = text.split('.')[1] ?? '';

  it('is true for the secret alone', () => {
    expect(secretMatches(secret, secretHash)).toBe(true);
    expect(secretMatches(secret.slice(0, -1), secretHash)).toBe(false);
    expect(secretMatches(`${secret}A`, secretHash)).toBe(false);
    expect(secretMatches('', secretHash)).toBe(false);
    expect(secretMatches(Buffer.from(secretHash).toString('base64url'), secretHash)).toBe(false);
  });

  it('is false, never an error, where the stored hash is broken', () => {
    expect(secretMatches(secret, new Uint8Array(0))).toBe(false);
    expect(secretMatches(secret, hashSecret(secret).subarray(0, 31))).toBe(false);
  });
});

describe('derived keys', () => {
  it('differ by secret and by purpose, and are the same for the same', () => {
    const key = deriveKey('secret', 'log');
    expect(key).toHaveLength(32);
    expect(deriveKey('secret', 'log')).toEqual(key);
    expect(deriveKey('secret', 'signing-keys')).not.toEqual(key);
    expect(deriveKey('Secret', 'log')).not.toEqual(key);
    expect(keyedHash(key, 'alice')).toBe(keyedHash(key, 'alice'));
    expect(keyedHash(key, 'alice')).not.toBe(keyedHash(deriveKey('secret', 'x'), 'alice'));
    expect(newId('usr_')).toMatch(/^usr_[A-Za-z0-9_-]{16}$/);
  });
});
