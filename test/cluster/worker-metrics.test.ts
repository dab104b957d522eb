import { expect, it } from 'vitest';
import { mergeSnapshots } from '../../src/adapters/metrics.ts';
import { createQuestions } from '../../src/cluster/questions.ts';
import { createWorkerMetrics } from '../../src/cluster/worker-metrics.ts';
import type { Snapshot } from '../../src/domain/snapshot.ts';

const snapshot = (decisions: number, entries: number): Snapshot => [
  metric('decisions_total', 'counter', decisions),
  metric('entries', 'gauge', entries),
];
function metric(name: string, type: 'counter' | 'gauge', value: number): Snapshot[number] {
  return { name, type, help: name, aggregator: 'sum', values: [{ value, labels: {} }] };
}

/** Workers of which each has counted so much; null: it does not answer. */
function stage(counted: Map<number, [decisions: number, entries: number] | null>) {
  const questions = createQuestions((worker, { id }) => {
    const told = counted.get(worker);
    if (told == null) return;
    queueMicrotask(() => questions.answered(worker, { kind: 'done', id, well: true, snapshot: snapshot(...told) }));
  });
  const take = createWorkerMetrics({
    ask: () => questions.ask([...counted.keys()], 'measure', 30),
    lost: () => 0,
    merge: mergeSnapshots,
  });
  return async () => {
    const all = await take();
    const value = (name: string, state?: string) =>
      all.find((one) => one.name === name)?.values.find(({ labels }) => labels['state'] === state)?.value;
    return {
      decisions: value('decisions_total'),
      entries: value('entries'),
      answered: value('gatelodge_workers', 'answered'),
      late: value('gatelodge_workers', 'late'),
      missed: value('gatelodge_worker_answers_missed_total'),
    };
  };
}

it('adds up what the workers tell', async () => {
  const scrape = stage(
    new Map([
      [1, [10, 1]],
      [2, [20, 2]],
    ]),
  );
  expect(await scrape()).toEqual({ decisions: 30, entries: 3, answered: 2, late: 0, missed: 0 });
});

it('leaves one out that does not answer, but for what it had counted, so that no sum goes back', async () => {
  const counted = new Map<number, [number, number] | null>([
    [1, [10, 1]],
    [2, [20, 2]],
  ]);
  const scrape = stage(counted);
  await scrape();
  counted.set(1, [11, 1]).set(2, null);
  expect(await scrape()).toEqual({ decisions: 31, entries: 1, answered: 1, late: 1, missed: 1 });
  expect(await scrape()).toMatchObject({ decisions: 31, late: 1, missed: 2 });
  counted.set(2, [25, 2]);
  expect(await scrape()).toEqual({ decisions: 36, entries: 3, answered: 2, late: 0, missed: 2 });
});

it('keeps what those have counted that have ended', async () => {
  const counted = new Map<number, [number, number] | null>([
    [1, [10, 1]],
    [2, [20, 2]],
  ]);
  const scrape = stage(counted);
  await scrape();
  counted.delete(1);
  counted.set(3, [1, 5]);
  expect(await scrape()).toMatchObject({ decisions: 31, entries: 7, answered: 2, late: 0 });
  counted.delete(2);
  expect(await scrape()).toMatchObject({ decisions: 31, entries: 5, answered: 1 });
  expect(await scrape()).toMatchObject({ decisions: 31 });
});

it('answers two scrapes at once alike', async () => {
  const scrape = stage(new Map([[1, null]]));
  const [one, other] = await Promise.all([scrape(), scrape()]);
  expect([one.missed, other.missed]).toEqual([1, 1]);
});

it('does not wait for a worker that ends meanwhile', async () => {
  const questions = createQuestions(() => {});
  const asked = questions.ask([1], 'reload', 60_000);
  questions.ended(1);
  expect(await asked).toEqual({ answered: new Map(), late: [] });
  expect(await questions.ask([], 'reload', 60_000)).toEqual({ answered: new Map(), late: [] });
});
