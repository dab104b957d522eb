import { beforeEach, describe, expect, it } from 'vitest';
import type {
  JwthenticatorKey,
  JwthenticatorRefreshToken,
  JwthenticatorStore,
} from '../../src/domain/jwthenticator.ts';
import type { StoreStage } from './store-contract.ts';

const IDENTIFIER = '00000000-0000-0000-0000-000000000000';
const keyOf = (id: string, fields: Partial<JwthenticatorKey> = {}): JwthenticatorKey => ({
  ...{ id, keyHash: Uint8Array.of(0, 1, 255), identifier: IDENTIFIER, createdAt: 1_000, expiresAt: 9_000 },
  ...fields,
});
const tokenOf = (id: string, fields: Partial<JwthenticatorRefreshToken> = {}): JwthenticatorRefreshToken => ({
  ...{ id, tokenHash: Buffer.from(id), keyId: 'k1', createdAt: 1_000, expiresAt: 9_000 },
  ...fields,
});

/** What the JWThenticator mount keeps; see JwthenticatorStore. */
export function describeJwthenticator(stage: () => StoreStage): void {
  describe('JWThenticator’s keys', () => {
    let store: JwthenticatorStore;
    let other: JwthenticatorStore;
    beforeEach(() => {
      store = stage().store.jwthenticator;
      other = stage().other.jwthenticator;
    });

    it('are found by their hash, here and elsewhere', async () => {
      const key = keyOf('k1');
      expect(await store.register(key)).toEqual(key);
      expect(await other.findKey(Uint8Array.of(0, 1, 255))).toEqual(key);
      for (const bytes of [[0, 1], [], [0, 1, 254]]) expect(await other.findKey(Uint8Array.from(bytes))).toBeNull();
    });

    it('last until the later end, whoever registers them again', async () => {
      await store.register(keyOf('k1'));
      expect(await other.register(keyOf('k2', { expiresAt: 20_000, identifier: 'x' }))).toEqual(
        keyOf('k1', { expiresAt: 20_000 }),
      );
      expect(await store.register(keyOf('k3', { expiresAt: 10_000 }))).toEqual(keyOf('k1', { expiresAt: 20_000 }));
      expect(await store.listKeys()).toEqual([keyOf('k1', { expiresAt: 20_000 })]);
    });

    it('are one where many register them at once', async () => {
      const registered = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          (i % 2 ? store : other).register(keyOf(`k${i}`, { expiresAt: 9_000 + i })),
        ),
      );
      expect(new Set(registered.map(({ id }) => id)).size).toBe(1);
      expect(await store.listKeys()).toMatchObject([{ expiresAt: 9_019 }]);
    });

    it('have refresh tokens, which end by themselves while keys stay', async () => {
      await store.register(keyOf('k1'));
      expect(await store.insertRefreshToken(tokenOf('t1', { expiresAt: 5_000 }))).toBe(true);
      expect(await store.insertRefreshToken(tokenOf('t2'))).toBe(true);
      expect(await other.findRefreshToken(Buffer.from('t1'))).toEqual({
        ...tokenOf('t1', { expiresAt: 5_000 }),
        tokenHash: new Uint8Array(Buffer.from('t1')),
      });
      expect(await store.deleteExpired(5_000)).toBe(1);
      expect(await other.findRefreshToken(Buffer.from('t1'))).toBeNull();
      expect(await store.deleteExpired(1e9)).toBe(1);
      expect(await other.listKeys()).toHaveLength(1);
    });

    it('take their refresh tokens with them, or leave them', async () => {
      for (const [keepRefreshTokens, left] of [
        [true, 1],
        [false, 0],
      ] as const) {
        await store.register(keyOf('k1'));
        await store.register(keyOf('k2', { keyHash: Uint8Array.of(2) }));
        await store.insertRefreshToken(tokenOf('t1'));
        await store.insertRefreshToken(tokenOf('t2', { keyId: 'k2' }));
        expect(await other.deleteKey('k1', { keepRefreshTokens })).toBe(true);
        expect(await store.deleteKey('k1', { keepRefreshTokens: false })).toBe(false);
        expect((await store.listRefreshTokens()).filter(({ keyId }) => keyId === 'k1')).toHaveLength(left);
        expect((await store.listRefreshTokens()).filter(({ keyId }) => keyId === 'k2')).toHaveLength(1);
        // For the next round.
        for (const { id } of await store.listRefreshTokens()) expect(await store.deleteRefreshToken(id)).toBe(true);
        await store.deleteKey('k2', { keepRefreshTokens: true });
      }
      expect(await store.deleteRefreshToken('t1')).toBe(false);
    });

    it('that are gone get no refresh token any more, however close it comes', async () => {
      expect(await store.insertRefreshToken(tokenOf('t0'))).toBe(false);
      for (let round = 0; round < 10; round += 1) {
        await store.register(keyOf('k1'));
        await Promise.all([
          ...[1, 2, 3].map((i) => other.insertRefreshToken(tokenOf(`t${i}`))),
          store.deleteKey('k1', { keepRefreshTokens: false }),
          ...[4, 5, 6].map((i) => other.insertRefreshToken(tokenOf(`t${i}`))),
        ]);
        expect(await store.listRefreshTokens()).toEqual([]);
      }
    });

    it('have one sealed value of a name, the first', async () => {
      expect(await store.findSealed('a')).toBeNull();
      const kept = await Promise.all(
        Array.from({ length: 10 }, (_, i) => (i % 2 ? store : other).keepSealed('a', Uint8Array.of(i))),
      );
      expect(new Set(kept.map((value) => value[0])).size).toBe(1);
      expect(await other.findSealed('a')).toEqual(kept[0]);
      expect(await store.keepSealed('b', Uint8Array.of(99))).toEqual(Uint8Array.of(99));
      expect(await store.replaceSealed('b', Uint8Array.of(1), Uint8Array.of(2))).toBe(false);
      expect(await store.replaceSealed('c', Uint8Array.of(99), Uint8Array.of(2))).toBe(false);
      expect(await other.replaceSealed('b', Uint8Array.of(99), Uint8Array.of(2))).toBe(true);
      expect(await store.findSealed('b')).toEqual(Uint8Array.of(2));
      expect(await store.findSealed('a')).toEqual(kept[0]);
    });
  });
}
