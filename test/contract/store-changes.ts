import { beforeEach, describe, expect, it } from 'vitest';
import type { Change, Store } from '../../src/domain/store.ts';
import { moment } from '../support/moment.ts';
import type { StoreStage } from './store-contract.ts';
import { alice, keyOf, sessionOf, signingKeyOf } from './store-fixtures.ts';

const HOUR = 3_600_000;
const INTERVAL = 40;
const settle = () => moment(INTERVAL * 5);

/** What is told to a follower, as it comes. */
function listen(to: Store): (string | null)[] {
  const told: (string | null)[] = [];
  to.changes.follow((change: Change | null) => told.push(change && `${change.kind} ${change.id}`), INTERVAL);
  return told;
}

/** Who follows a store hears of everything, once and in time. */
export function describeChanges(stage: () => StoreStage): void {
  let store: Store;
  let other: Store;
  beforeEach(() => {
    ({ store, other } = stage());
  });

  describe('changes', () => {
    it('are told to their maker before the call resolves, once, and to others within the interval, once', async () => {
      const told = listen(store);
      const toldElsewhere = listen(other);
      const mine: string[] = [];
      async function changes(call: Promise<unknown>, ...expected: string[]) {
        await call;
        mine.push(...expected);
        expect(told).toEqual(mine);
      }
      await changes(store.users.insert('u1', alice, 1), 'user u1');
      await changes(store.users.update('u1', { passwordHash: 'h' }, 1), 'user u1');
      await changes(store.users.replacePasswordHash('u1', 'h', 'i', 1), 'user u1');
      await changes(store.users.setLocked('u1', true, 1), 'user u1');
      await changes(store.users.setLocked('file_admin', false, 1), 'user file_admin', 'login-attempts file_admin');
      for (const id of ['s1', 's2', 's3']) await store.sessions.insert(sessionOf(id, id === 's3' ? 'u1' : 'u2'));
      for (const id of ['k1', 'k2']) await store.apiKeys.insert(keyOf(id, id === 'k2' ? 'u1' : 'u2'));
      await changes(store.sessions.delete('s1'), 'session s1');
      await changes(store.sessions.deleteByUser('u2'), 'session s2');
      const rotation = { expected: keyOf('k1', 'u2').secretHash, next: Uint8Array.of(1), previousUntil: null, at: 1 };
      await changes(store.apiKeys.rotate('k1', rotation), 'api-key k1');
      await changes(store.apiKeys.delete('k1'), 'api-key k1');
      await changes(store.users.delete('u1'), 'user u1', 'session s3', 'api-key k2');
      await changes(
        store.signingKeys.rotate(signingKeyOf('a'), { retiredVerifiesUntil: 1, onlyIfNone: false }),
        'signing-key a',
      );
      await changes(
        store.signingKeys.rotate(signingKeyOf('b'), { retiredVerifiesUntil: 1, onlyIfNone: false }),
        'signing-key a',
        'signing-key b',
      );
      await settle();
      expect(told).toEqual(mine);
      expect(toldElsewhere).toEqual(mine);
    });

    it('are not told of what did not happen', async () => {
      await store.users.insert('u1', alice, 1);
      await store.sessions.insert(sessionOf('s1', 'u1', { expiresAt: 10 }));
      await settle();
      const later = await stage().open();
      const [told, toldElsewhere, toldLater] = [listen(store), listen(other), listen(later)];
      await store.users.update('u9', { name: 'x' }, 1);
      await store.users.update('u1', { username: 'alice' }, 1).catch(() => {});
      await store.users.insert('u2', alice, 1).catch(() => {});
      await store.users.replacePasswordHash('u1', 'no', 'x', 1);
      await store.users.delete('u9');
      await store.sessions.delete('s9');
      await store.sessions.deleteByUser('u9');
      await store.sessions.touch(new Map([['s1', 9_000]]));
      await store.sessions.deleteExpired(10);
      await store.apiKeys.delete('k9');
      await settle();
      expect(told).toEqual(['user u1']);
      // Whoever began to follow late hears what happened since its store was opened, and no more.
      expect(toldElsewhere).toEqual(['user u1', 'user u1']);
      expect(toldLater).toEqual(['user u1']);
    });

    it('stop when they are no longer followed', async () => {
      const told: unknown[] = [];
      const stop = store.changes.follow((change) => told.push(change), INTERVAL);
      stop();
      await store.users.setLocked('u1', true, 1);
      await other.users.setLocked('u1', true, 1);
      await settle();
      expect(told).toEqual([]);
    });

    it('reach all that follow one store', async () => {
      const both = [listen(store), listen(store)];
      await store.users.setLocked('own', true, 1);
      await other.users.setLocked('other', true, 1);
      await settle();
      expect(both).toEqual([
        ['user own', 'user other'],
        ['user own', 'user other'],
      ]);
    });

    it('that were trimmed before they were read are told as null', async () => {
      await other.users.setLocked('seen', true, 1);
      const told = listen(store);
      await settle();
      expect(told).toEqual(['user seen']);
      const late: (string | null)[] = [];
      const sleeper = await stage().open();
      await other.users.setLocked('missed', true, 1);
      stage().now += 2 * HOUR;
      await other.users.setLocked('latest', true, 1);
      sleeper.changes.follow((change) => late.push(change === null ? null : change.id), INTERVAL);
      await settle();
      expect(late).toEqual([null]);
      await other.users.setLocked('after', true, 1);
      await settle();
      expect(late).toEqual([null, 'after']);
    });

    it('that one made oneself leave no gap, however many they were', async () => {
      const told = listen(store);
      await store.users.setLocked('a', true, 1);
      for (let i = 0; i < 8; i++) {
        stage().now += HOUR / 4;
        await store.users.setLocked('b', true, 1);
        await settle();
      }
      await other.users.setLocked('c', true, 1);
      await settle();
      expect(told).toEqual(['user a', ...Array(8).fill('user b'), 'user c']);
    });

    it('that are too many at once are told as null', async () => {
      const told = listen(store);
      for (let i = 0; i < 1_200; i++) await other.sessions.insert(sessionOf(`s${i}`, 'u1'));
      await other.sessions.deleteByUser('u1');
      await settle();
      expect(told).toEqual([null]);
    });
  });
}
