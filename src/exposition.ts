import type { MetricsOf } from './adapters/metrics.ts';
import { createWorkerMetrics } from './cluster/worker-metrics.ts';
import type { Clock } from './domain/clock.ts';
import type { Snapshot } from './domain/snapshot.ts';
import type { Listening, Place } from './http/listener.ts';
import { version } from './version.ts';

/** prom-client is loaded where metrics are configured, and nowhere else. */
const load = () => import('./adapters/metrics.ts');

/** What this process is to tell of itself when somebody asks. */
export async function openMetrics(of: Omit<MetricsOf, 'version'>): Promise<() => Promise<Snapshot>> {
  const { createMetrics } = await load();
  return createMetrics({ ...of, version: await version() });
}

/** How long a count of sessions is good for, in ms: a million of them take SQLite, and whoever waits for it, 0.1 s. */
const COUNTED = 60_000;

/** @param count of sessions, at most once a minute however often it is asked for */
export function remembering(count: () => Promise<number>, clock: Clock): () => Promise<number> {
  let last: { readonly at: number; readonly value: number } | null = null;
  return async () => {
    const at = clock();
    if (last === null || at - last.at >= COUNTED) last = { at, value: await count() };
    return last.value;
  };
}

/** Serves one process's metrics. Rejects where it cannot listen. */
export async function exposeMetrics(place: Place, take: () => Promise<Snapshot>): Promise<Listening> {
  const { formatSnapshot, METRICS_TYPE } = await load();
  const { listenForMetrics } = await import('./http/metrics-listener.ts');
  return listenForMetrics(place, {
    contentType: METRICS_TYPE,
    text: async () => formatSnapshot(await take()),
  });
}

/** The metrics of all workers, and of the process that started them, as one. */
export async function metricsOfAll(
  own: () => Promise<Snapshot>,
  workers: Omit<Parameters<typeof createWorkerMetrics>[0], 'merge'>,
): Promise<() => Promise<Snapshot>> {
  const { mergeSnapshots } = await load();
  const ofWorkers = createWorkerMetrics({ ...workers, merge: mergeSnapshots });
  return async () => {
    const parts = await Promise.all([own(), ofWorkers()]);
    return mergeSnapshots(parts);
  };
}
