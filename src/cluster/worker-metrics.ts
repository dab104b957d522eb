import { countersOf, type MetricSnapshot, type Snapshot } from '../domain/snapshot.ts';
import type { Replies } from './questions.ts';

/**
 * The sum of what all workers tell of themselves. One that does not answer in time is left out and counted; only what it had
 * counted when it last answered stays in, as it does for one that has ended: a sum that goes back looks like a restart, and
 * Prometheus would count all of it again.
 * @param parts.lost how many have ended so far that nobody told to
 */
export function createWorkerMetrics(parts: {
  readonly ask: () => Promise<Replies>;
  readonly lost: () => number;
  readonly merge: (snapshots: readonly Snapshot[]) => Promise<Snapshot>;
}): () => Promise<Snapshot> {
  const lastTold = new Map<number, Snapshot>();
  let ended: Snapshot = [];
  let missed = 0;
  let underWay: Promise<Snapshot> | null = null;

  async function take(): Promise<Snapshot> {
    const { answered, late } = await parts.ask();
    for (const [worker, { snapshot = [] }] of answered) lastTold.set(worker, snapshot);
    for (const [worker, told] of lastTold) {
      if (answered.has(worker) || late.includes(worker)) continue;
      lastTold.delete(worker);
      ended = await parts.merge([ended, countersOf(told)]);
    }
    missed += late.length;
    const told = [...answered.values()].map(({ snapshot = [] }) => snapshot);
    const earlier = late.map((worker) => countersOf(lastTold.get(worker) ?? []));
    return parts.merge([...told, ...earlier, ended, ofWorkers(answered.size, late.length)]);
  }

  function ofWorkers(answered: number, late: number): Snapshot {
    return [
      metric('gatelodge_workers', 'gauge', 'Workers, by whether they answered this scrape in time.', [
        { value: answered, labels: { state: 'answered' } },
        { value: late, labels: { state: 'late' } },
      ]),
      metric('gatelodge_worker_answers_missed_total', 'counter', 'Answers of workers that a scrape went without.', [
        { value: missed, labels: {} },
      ]),
      metric('gatelodge_workers_lost_total', 'counter', 'Workers that ended by themselves and were replaced.', [
        { value: parts.lost(), labels: {} },
      ]),
    ];
  }

  // Two scrapes at once are answered alike.
  return () => {
    underWay ??= take().finally(() => {
      underWay = null;
    });
    return underWay;
  };
}

function metric(
  name: string,
  type: MetricSnapshot['type'],
  help: string,
  values: MetricSnapshot['values'],
): MetricSnapshot {
  return { name, type, help, values, aggregator: 'sum' };
}
