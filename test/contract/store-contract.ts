import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/domain/clock.ts';
import type { Store } from '../../src/domain/store.ts';
import { describeChanges } from './store-changes.ts';
import { alice } from './store-fixtures.ts';
import { describeJwthenticator } from './store-jwthenticator.ts';
import { describeRecords } from './store-records.ts';
import { describeTokens } from './store-tokens.ts';

/** An empty place for data, in which stores can be opened, each as another process would. */
export interface StoreHome {
  open(clock: Clock): Promise<Store>;
  remove(): Promise<void>;
}

/** What one test plays on: two stores on the same data, and the time for both. */
export interface StoreStage {
  readonly store: Store;
  readonly other: Store;
  now: number;
  /** One more on the same data; closed after the test. */
  open(): Promise<Store>;
}

/** What every store must do, whatever it is made of. */
export function describeStore(name: string, makeHome: () => Promise<StoreHome>): void {
  describe(name, () => {
    let home: StoreHome;
    let stage: StoreStage;
    let opened: Store[];

    beforeEach(async () => {
      home = await makeHome();
      opened = [];
      const open = async () => {
        const one = await home.open(() => stage.now);
        opened.push(one);
        return one;
      };
      stage = { store: await open(), other: await open(), now: 1_700_000_000_000, open };
    });

    afterEach(async () => {
      for (const one of opened) await one.close();
      await home.remove();
    });

    describeRecords(() => stage);
    describeChanges(() => stage);
    describeTokens(() => stage);
    describeJwthenticator(() => stage);

    describe('failures', () => {
      it('answers a ping while it is open; afterwards everything is store-unavailable', async () => {
        const { store, other } = stage;
        await store.ping();
        const told: unknown[] = [];
        store.changes.follow((change) => told.push(change), 10);
        await store.close();
        await store.close();
        for (const call of [
          () => store.ping(),
          () => store.users.findById('u1'),
          () => store.users.setLocked('u1', true, 1),
          () => store.sessions.findById('s1'),
        ]) {
          await expect(call()).rejects.toMatchObject({ name: 'GatelodgeError', code: 'store-unavailable' });
        }
        await other.users.setLocked('u1', true, 1);
        await new Promise((done) => setTimeout(done, 50));
        expect(told).toEqual([]);
      });

      it('keeps calls apart that are made at once', async () => {
        const { store, other } = stage;
        const results = await Promise.allSettled(
          Array.from({ length: 40 }, (_, i) =>
            (i % 2 ? store : other).users.insert(`u${i}`, { ...alice, username: `user${i % 30}` }, 1),
          ),
        );
        expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(30);
        expect(await store.users.list()).toHaveLength(30);
      });
    });
  });
}
