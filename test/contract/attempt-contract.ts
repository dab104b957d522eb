import { beforeEach, describe, expect, it } from 'vitest';
import type { AttemptLimit, AttemptOutcome, AttemptStore, AttemptSubject } from '../../src/domain/login-attempts.ts';

const MINUTE = 60_000;

export interface AttemptStage {
  readonly store: AttemptStore;
  now: number;
}

/** What every AttemptStore does, wherever it counts. */
export function describeAttempts(name: string, open: () => AttemptStage | Promise<AttemptStage>): void {
  describe(name, () => {
    let stage: AttemptStage;
    beforeEach(async () => {
      stage = await open();
    });

    const limit = (fields: Partial<AttemptLimit> = {}): AttemptLimit => ({
      ...{ attempts: 3, window: 10 * MINUTE, lock: 5 * MINUTE, delayed: false },
      ...fields,
    });
    const account = (key: string, fields: Partial<AttemptLimit> = {}): AttemptSubject => ({
      ...{ kind: 'account', key, limit: limit(fields), asked: true },
    });
    const address = (key: string, asked = true): AttemptSubject => ({
      ...{ kind: 'address', key, limit: limit({ lock: null }), asked },
    });
    async function tryIt(outcome: AttemptOutcome, ...subjects: AttemptSubject[]) {
      const begun = await stage.store.begin(subjects);
      if (begun.kind === 'limited') throw new Error(`limited for ${begun.retryAfter} ms`);
      stage.now += begun.wait;
      return { wait: begun.wait, locked: await stage.store.end(subjects, outcome) };
    }
    async function wait(...subjects: AttemptSubject[]): Promise<number> {
      const begun = await stage.store.begin(subjects);
      if (begun.kind === 'limited') return begun.retryAfter;
      await stage.store.end(subjects, 'abandoned');
      return 0;
    }
    async function fail(times: number, ...subjects: AttemptSubject[]): Promise<void> {
      for (let i = 0; i < times; i += 1) await tryIt('failed', ...subjects);
    }

    it('locks after the allowed failures, for the lock and no longer, and says so once', async () => {
      const alice = account('alice');
      expect((await tryIt('failed', alice)).locked).toEqual([]);
      await fail(1, alice);
      expect((await tryIt('failed', alice)).locked).toEqual(['account']);
      expect(await wait(alice)).toBe(5 * MINUTE);
      expect(await wait(account('bob'))).toBe(0);
      stage.now += 5 * MINUTE - 1;
      expect(await wait(alice)).toBe(1);
      stage.now += 1;
      await fail(2, alice);
      expect(await wait(alice)).toBe(0);
    });

    it('holds nobody up for longer because the clock is set back', async () => {
      const alice = account('alice', { delayed: true });
      const place = address('192.0.2.1');
      await fail(1, alice, place);
      stage.now -= 60 * MINUTE;
      expect(await wait(alice, place)).toBe(0);
      const bob = account('bob');
      await fail(3, bob);
      stage.now -= 60 * MINUTE;
      expect(await wait(bob)).toBe(5 * MINUTE);
      stage.now += 5 * MINUTE;
      expect(await wait(bob)).toBe(0);
      await fail(2, bob);
      stage.now -= 60 * MINUTE;
      expect(await wait(bob)).toBe(0);
      stage.now += 10 * MINUTE;
      await fail(2, bob);
    });

    it('forgets failures with the window, and at a success', async () => {
      const alice = account('alice');
      await fail(2, alice);
      stage.now += 10 * MINUTE;
      await fail(2, alice);
      await tryIt('succeeded', alice);
      await fail(2, alice);
      expect(await wait(alice)).toBe(0);
    });

    it('counts neither successes nor what was never judged', async () => {
      for (let i = 0; i < 10; i += 1) await tryIt(i % 2 === 0 ? 'succeeded' : 'abandoned', account('alice'));
      expect(await wait(account('alice'))).toBe(0);
    });

    it('lets no more through at once than one after the other', async () => {
      const alice = [account('alice')];
      for (let i = 0; i < 3; i += 1) expect((await stage.store.begin(alice)).kind).toBe('begun');
      expect(await stage.store.begin(alice)).toEqual({ kind: 'limited', retryAfter: 1 });
      await stage.store.end(alice, 'abandoned');
      expect((await stage.store.begin(alice)).kind).toBe('begun');
      for (let i = 0; i < 3; i += 1) await stage.store.end(alice, 'failed');
      expect(await wait(...alice)).toBe(5 * MINUTE);
    });

    it('still counts what was under way when the window ended', async () => {
      const alice = [account('alice')];
      for (let i = 0; i < 3; i += 1) await stage.store.begin(alice);
      stage.now += 10 * MINUTE;
      expect((await stage.store.begin(alice)).kind).toBe('limited');
      for (let i = 0; i < 3; i += 1) await stage.store.end(alice, 'failed');
      expect(await wait(...alice)).toBe(5 * MINUTE);
    });

    it('holds an address to the window’s end, whatever succeeds from there', async () => {
      await fail(1, account('a'), address('192.0.2.1'));
      stage.now += MINUTE;
      await tryIt('succeeded', account('mine'), address('192.0.2.1'));
      await fail(2, account('b'), address('192.0.2.1'));
      expect(await wait(account('c'), address('192.0.2.1'))).toBe(9 * MINUTE);
      expect(await wait(account('c'), address('192.0.2.2'))).toBe(0);
      stage.now += 9 * MINUTE;
      expect(await wait(account('c'), address('192.0.2.1'))).toBe(0);
    });

    it('counts for all subjects or for none, and tells the longest wait', async () => {
      await fail(3, account('alice'), address('192.0.2.1'));
      expect(await wait(account('alice'), address('192.0.2.1'))).toBe(10 * MINUTE);
      for (let i = 0; i < 5; i += 1) await stage.store.begin([account('bob'), address('192.0.2.1')]);
      expect(await wait(account('bob'))).toBe(0);
      await fail(2, account('bob'));
      expect(await wait(account('bob'))).toBe(0);
    });

    it('counts for whom it does not ask', async () => {
      await fail(3, address('192.0.2.1', false));
      await fail(1, account('alice'), address('192.0.2.1', false));
      expect(await wait(account('alice'), address('192.0.2.1'))).toBeGreaterThan(0);
    });

    it('makes each further failure wait longer, up to two seconds', async () => {
      const alice = account('alice', { attempts: 100, delayed: true });
      const waits: number[] = [];
      for (let i = 0; i < 8; i += 1) waits.push((await tryIt('failed', alice)).wait);
      expect(waits).toEqual([0, 0, 0, 250, 500, 1_000, 2_000, 2_000]);
      stage.now += 2_000;
      expect((await tryIt('succeeded', alice)).wait).toBe(0);
      expect((await tryIt('failed', alice)).wait).toBe(0);
    });

    it('makes guesses sent at once wait for each other, or come again', async () => {
      const alice = [account('alice', { attempts: 100, delayed: true })];
      const begun = await Promise.all(Array.from({ length: 8 }, () => stage.store.begin(alice)));
      expect(begun.map((one) => (one.kind === 'begun' ? one.wait : -one.retryAfter))).toEqual([
        ...[0, 0, 0, 250, 750, 1_750],
        ...[-3_750, -3_750],
      ]);
    });

    it('forgets one name when asked to, and says whether it was locked', async () => {
      await fail(3, account('alice'), address('192.0.2.1'));
      await fail(2, account('bob'));
      expect(await stage.store.forget(account('alice'))).toBe(true);
      expect(await stage.store.forget(account('bob'))).toBe(false);
      expect(await stage.store.forget(account('nobody'))).toBe(false);
      expect(await wait(account('alice'))).toBe(0);
      expect(await wait(address('192.0.2.1'))).toBeGreaterThan(0);
      await fail(2, account('bob'));
      expect(await wait(account('bob'))).toBe(0);
    });
  });
}
