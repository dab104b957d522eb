import { expect, it } from 'vitest';
import type { AttemptSubject } from '../../src/domain/login-attempts.ts';
import { createAttemptsInMemory } from '../../src/stores/attempts-in-memory.ts';
import { type AttemptStage, describeAttempts } from '../contract/attempt-contract.ts';

const START = 1_000_000;
describeAttempts('attempts in memory', () => {
  const stage: AttemptStage = { now: START, store: createAttemptsInMemory(() => stage.now) };
  return stage;
});

const limit = { attempts: 3, window: 600_000, lock: 600_000, delayed: true };
const account = (key: string): AttemptSubject => ({ kind: 'account', key, limit, asked: true });
const address = (key: string): AttemptSubject => ({
  kind: 'address',
  key,
  limit: { ...limit, lock: null, delayed: false },
  asked: true,
});

it('is bounded under spraying: thousands of names from thousands of addresses', async () => {
  const store = createAttemptsInMemory(() => START, 1_000);
  for (let i = 0; i < 20_000; i += 1) {
    const subjects = [account(`name ${i}`), address(`address ${i % 7_000}`)];
    if ((await store.begin(subjects)).kind === 'begun') await store.end(subjects, 'failed');
  }
  expect(store.size).toBeLessThanOrEqual(2 * 2 * 1_000);
  expect(store.size).toBeGreaterThan(1_000);
});

it('holds nothing of those who succeed', () => {
  const store = createAttemptsInMemory(() => START);
  for (let i = 0; i < 100; i += 1) {
    const subjects = [account(`name ${i}`), address(`address ${i}`)];
    store.begin(subjects);
    store.end(subjects, 'succeeded');
  }
  expect(store.size).toBe(0);
});

it('keeps a lock however many other names are tried', () => {
  const store = createAttemptsInMemory(() => START, 1_000);
  for (let i = 0; i < 3; i += 1) {
    store.begin([account('alice')]);
    store.end([account('alice')], 'failed');
  }
  for (let i = 0; i < 5_000; i += 1) {
    store.begin([account(`name ${i}`)]);
    store.end([account(`name ${i}`)], 'failed');
  }
  expect(store.begin([account('alice')])).toEqual({ kind: 'limited', retryAfter: 600_000 });
});
