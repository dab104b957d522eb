import { createCipheriv, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { seal, unseal } from '../../src/adapters/seal.ts';

const key = randomBytes(32);
const plain = Buffer.from('{"kty":"EC","d":"very secret"}');

describe('seal', () => {
  it('opens under the same key and context', () => {
    expect(Buffer.from(unseal(key, seal(key, plain, 'signing-key:a'), 'signing-key:a'))).toEqual(plain);
    expect(unseal(key, seal(key, new Uint8Array(), ''), '')).toHaveLength(0);
  });

  it('hides what it holds and never looks the same twice', () => {
    const sealed = [seal(key, plain, 'c'), seal(key, plain, 'c')].map((bytes) => Buffer.from(bytes));
    expect(sealed[0]).not.toEqual(sealed[1]);
    expect(sealed[0]?.includes('secret')).toBe(false);
    expect(sealed[0]).toHaveLength(plain.length + 29);
  });

  it('opens for nothing else: key, context, any changed bit, any other length', () => {
    const sealed = Buffer.from(seal(key, plain, 'signing-key:a'));
    const bad: [Uint8Array, Uint8Array, string][] = [
      [randomBytes(32), sealed, 'signing-key:a'],
      [key.subarray(1), sealed, 'signing-key:a'],
      [key, sealed, 'signing-key:b'],
      [key, Buffer.concat([sealed, Buffer.from([0])]), 'signing-key:a'],
      [key, plain, 'signing-key:a'],
    ];
    for (let length = 0; length < sealed.length; length++) bad.push([key, sealed.subarray(0, length), 'signing-key:a']);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      bad.push([key, changed, 'signing-key:a']);
    }
    for (const [otherKey, bytes, context] of bad) {
      expect(() => unseal(otherKey, bytes, context)).toThrow(
        expect.objectContaining({ name: 'GatelodgeError', code: 'internal-error' }),
      );
    }
  });

  it('accepts no shortened tag', () => {
    // Version, nonce, ciphertext and a genuine tag of 12 bytes: GCM allows it, gatelodge does not.
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 12 }).setAAD(Buffer.from('c'));
    const sealed = Buffer.concat([Uint8Array.of(1), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    expect(() => unseal(key, sealed, 'c')).toThrow(expect.objectContaining({ code: 'internal-error' }));
  });
});
