import { beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../src/domain/store.ts';
import type { StoreStage } from './store-contract.ts';
import { alice, refreshTokenOf } from './store-fixtures.ts';

/** Refresh tokens are spent once whoever asks, and what is revoked is told. */
export function describeTokens(stage: () => StoreStage): void {
  let store: Store;
  let other: Store;
  beforeEach(() => {
    ({ store, other } = stage());
  });
  const NOW = 5_000;
  const spending = (id: string) => ({ next: refreshTokenOf(id), answer: Uint8Array.of(1, 2, 3), now: NOW });

  describe('refresh tokens', () => {
    it('come out as they went in', async () => {
      await store.refreshTokens.insert(refreshTokenOf('t1'));
      expect(await other.refreshTokens.findById('t1')).toEqual(refreshTokenOf('t1'));
      expect(await store.refreshTokens.findById('t2')).toBeNull();
    });

    it('are spent by one of many, and the next one is the winner’s', async () => {
      await store.refreshTokens.insert(refreshTokenOf('t1'));
      const names = Array.from({ length: 40 }, (_, index) => `next-${index}`);
      const won = await Promise.all(
        names.map((name, index) => (index % 2 ? store : other).refreshTokens.spend('t1', spending(name))),
      );
      const [winner] = names.filter((_, index) => won[index]);
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await other.refreshTokens.findById('t1')).toMatchObject({ spentAt: NOW, successorId: winner });
      const stored = await Promise.all(names.map((name) => store.refreshTokens.findById(name)));
      expect(stored.filter((token) => token !== null).map((token) => token.id)).toEqual([winner]);
    });

    it('are not spent after their end, nor when there is none', async () => {
      await store.refreshTokens.insert(refreshTokenOf('t1', { expiresAt: NOW }));
      expect(await store.refreshTokens.spend('t1', spending('n1'))).toBe(false);
      expect(await store.refreshTokens.spend('t9', spending('n1'))).toBe(false);
      expect(await store.refreshTokens.findById('n1')).toBeNull();
    });

    it('give their answer away once, and not to who comes too late', async () => {
      await store.refreshTokens.insert(refreshTokenOf('t1'));
      expect(await store.refreshTokens.takeAnswer('t1', 0)).toBeNull();
      await store.refreshTokens.spend('t1', spending('n1'));
      expect(await other.refreshTokens.takeAnswer('t1', NOW + 1)).toBeNull();
      const taken = await Promise.all(
        Array.from({ length: 10 }, (_, index) => (index % 2 ? store : other).refreshTokens.takeAnswer('t1', NOW)),
      );
      expect(taken.filter((answer) => answer !== null)).toEqual([Uint8Array.of(1, 2, 3)]);
    });

    it('keep no answer that nobody can ask for any more', async () => {
      const names = Array.from({ length: 700 }, (_, index) => `t${index}`);
      for (const name of names) {
        await store.refreshTokens.insert(refreshTokenOf(name));
        await store.refreshTokens.spend(name, spending(`n-${name}`));
      }
      await store.refreshTokens.insert(refreshTokenOf('late'));
      await store.refreshTokens.spend('late', { ...spending('n-late'), now: NOW + 1 });
      let forgotten = 0;
      for (let some = 1; some > 0; forgotten += some) some = await other.refreshTokens.forgetAnswers(NOW + 1);
      expect(forgotten).toBe(names.length);
      expect(await Promise.all(names.map((name) => store.refreshTokens.takeAnswer(name, 0)))).toEqual(
        names.map(() => null),
      );
      expect(await store.refreshTokens.takeAnswer('late', 0)).toEqual(Uint8Array.of(1, 2, 3));
      // Spent they are all the same.
      expect(await store.refreshTokens.findById('t0')).toMatchObject({ spentAt: NOW, successorId: 'n-t0' });
    });

    it('end with their family, whose access tokens are revoked until the last of them has expired', async () => {
      const told: unknown[] = [];
      store.changes.follow((change) => told.push(change), 10);
      await store.refreshTokens.insert(refreshTokenOf('t1', { accessExpiresAt: 7_000 }));
      await store.refreshTokens.spend('t1', {
        ...spending('n1'),
        next: refreshTokenOf('n1', { accessExpiresAt: 9_000 }),
      });
      await store.refreshTokens.insert(refreshTokenOf('t2', { familyId: 'other' }));
      expect(await store.refreshTokens.revokeFamily('family', NOW)).toBe(true);
      expect(told).toEqual([{ kind: 'revocation', id: 'family' }]);
      expect(await store.refreshTokens.findById('t1')).toBeNull();
      expect(await store.refreshTokens.findById('n1')).toBeNull();
      expect(await store.refreshTokens.findById('t2')).not.toBeNull();
      expect(await other.revocations.listLive(8_999, '', 10)).toEqual(['family']);
      expect(await other.revocations.listLive(9_000, '', 10)).toEqual([]);
      expect(await store.refreshTokens.revokeFamily('family', NOW)).toBe(false);
    });

    it('end with all of a user’s, and with the user', async () => {
      await store.users.insert('usr_1', alice, 1_000);
      for (const id of ['t1', 't2', 't3']) {
        await store.refreshTokens.insert(refreshTokenOf(id, { familyId: `family of ${id}`, userId: 'usr_1' }));
      }
      await store.refreshTokens.insert(refreshTokenOf('t4', { familyId: 'bob’s', userId: 'usr_2' }));
      expect(await store.refreshTokens.revokeByUser('usr_1', NOW)).toBe(3);
      expect(await store.revocations.listLive(NOW, '', 10)).toEqual(['family of t1', 'family of t2', 'family of t3']);
      await store.refreshTokens.insert(refreshTokenOf('t5', { userId: 'usr_1' }));
      await store.users.delete('usr_1');
      expect(await store.refreshTokens.findById('t5')).toBeNull();
      expect(await store.refreshTokens.findById('t4')).not.toBeNull();
    });

    it('are counted by user', async () => {
      await store.refreshTokens.insert(refreshTokenOf('t1', { issuedAt: 1_000, accessExpiresAt: 4_000 }));
      const next = refreshTokenOf('t2', { issuedAt: 3_000, accessExpiresAt: 9_000, expiresAt: 50_000 });
      await store.refreshTokens.spend('t1', { ...spending('t2'), next });
      await store.refreshTokens.insert(refreshTokenOf('t3', { userId: 'usr_2', familyId: 'gone', expiresAt: NOW }));
      expect(await other.refreshTokens.statistics(NOW)).toEqual([
        {
          ...{ userId: 'usr_1', families: 1, accessTokens: 1, lastIssuedAt: 3_000 },
          ...{ accessExpiresAt: 9_000, refreshExpiresAt: 90_000 },
        },
      ]);
      expect(await store.refreshTokens.deleteExpired(NOW)).toBe(1);
      expect(await store.refreshTokens.findById('t3')).toBeNull();
    });
  });

  describe('revocations', () => {
    it('are listed page by page while they are alive, and told to other processes that catch up', async () => {
      const told: unknown[] = [];
      other.changes.follow((change) => told.push(change), 60_000);
      await other.changes.catchUp();
      for (const id of ['c', 'a', 'd', 'b']) await store.revocations.insert(id, id === 'd' ? NOW : NOW + 1);
      await store.revocations.insert('a', NOW + 1);
      expect(told).toEqual([]);
      await other.changes.catchUp();
      expect(told).toEqual(['c', 'a', 'd', 'b', 'a'].map((id) => ({ kind: 'revocation', id })));
      expect(await other.revocations.listLive(NOW, '', 2)).toEqual(['a', 'b']);
      expect(await other.revocations.listLive(NOW, 'b', 2)).toEqual(['c']);
      expect(await other.revocations.deleteExpired(NOW)).toBe(1);
    });
  });
}
