import { AggregatorRegistry, collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { CACHES, DURATION_BOUNDS, LOGIN_OUTCOMES, LOGIN_WAYS, type Measurements } from '../domain/measurements.ts';
import type { MetricSnapshot, MetricValue, Snapshot } from '../domain/snapshot.ts';

/** What the Prometheus text format is sent as. */
export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

type Values = readonly MetricValue[] | Promise<readonly MetricValue[]>;

export interface MetricsOf {
  readonly version: string;
  /** What this process counts; absent where it decides nothing itself. */
  readonly measurements?: Measurements;
  /** Sessions that are live, in the store; absent where another process of the service says it. */
  readonly countSessions?: () => Promise<number>;
  /** Reloads of the configuration, by how they ended; absent likewise. */
  readonly reloads?: Readonly<Record<'done' | 'refused', number>>;
}

/**
 * One process's metrics, its own and Node.js's, as they are at the moment of asking.
 * @returns takes them down; it does not reject: what cannot be found out has no value
 */
export function createMetrics({ version, measurements, countSessions, reloads }: MetricsOf): () => Promise<Snapshot> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const add = (
    name: string,
    type: MetricSnapshot['type'],
    help: string,
    values: () => Values,
    aggregator: MetricSnapshot['aggregator'] = 'sum',
  ) => {
    const get = async () => ({ name, type, help, aggregator, values: await values() });
    // All that a registry asks of a metric; its own classes cannot be filled from numbers that were counted elsewhere.
    registry.registerMetric({ name, get } as unknown as Metric);
  };
  const info = [{ value: 1, labels: { version, node: process.versions.node } }];
  add('gatelodge_build_info', 'gauge', 'Always 1; the labels tell what is running.', () => info, 'first');
  if (measurements !== undefined) addMeasurements(add, measurements);
  if (countSessions !== undefined) {
    add('gatelodge_sessions_live', 'gauge', 'Sessions in the store that are neither ended nor expired.', () =>
      countSessions().then(
        (value) => [{ value, labels: {} }],
        () => [],
      ),
    );
  }
  if (reloads !== undefined) {
    add('gatelodge_reloads_total', 'counter', 'Reloads of the configuration, by outcome.', () =>
      Object.entries(reloads).map(([outcome, value]) => ({ value, labels: { outcome } })),
    );
  }
  return async () => {
    // Whose names it was given above, and Node.js's: it knows no other types and aggregators.
    const snapshot = (await registry.getMetricsAsJSON()) as unknown as Snapshot;
    // Of several processes the service's start is the first one's, which prom-client would leave out.
    return snapshot.map((metric) =>
      metric.name === 'process_start_time_seconds' ? { ...metric, aggregator: 'min' } : metric,
    );
  };
}

type Add = (name: string, type: MetricSnapshot['type'], help: string, values: () => Values) => void;

function addMeasurements(add: Add, measurements: Measurements): void {
  const { durations, logins, caches, hashing } = measurements;
  add('gatelodge_decisions_total', 'counter', 'Decisions, by effect, reason and number of the rule.', () =>
    measurements
      .decisions()
      .map(({ count, effect, reason, rule }) => ({ value: count, labels: { effect, reason, rule } })),
  );
  add('gatelodge_decision_duration_seconds', 'histogram', 'Time from a check to its answer.', () =>
    histogram('gatelodge_decision_duration_seconds', durations),
  );
  add('gatelodge_logins_total', 'counter', 'Passwords that were tried, by way and outcome.', () =>
    LOGIN_WAYS.flatMap((way) =>
      LOGIN_OUTCOMES.map((outcome) => ({ value: logins[way][outcome], labels: { way, outcome } })),
    ),
  );
  add('gatelodge_password_hashing', 'gauge', 'Passwords being hashed (working) and in the queue (waiting).', () => {
    const working = Math.min(hashing.underWay, measurements.present.hashingPlaces);
    return [
      { value: working, labels: { state: 'working' } },
      { value: hashing.underWay - working, labels: { state: 'waiting' } },
    ];
  });
  add('gatelodge_password_hashing_refused_total', 'counter', 'Passwords refused because the queue was full.', () => [
    { value: hashing.refused, labels: {} },
  ]);
  add('gatelodge_loki_lines_total', 'counter', 'Log lines for Loki, by whether they were sent or dropped.', () =>
    (['sent', 'dropped'] as const).map((outcome) => ({ value: measurements.loki[outcome], labels: { outcome } })),
  );
  const ofCaches = (value: (cache: (typeof CACHES)[number]) => number) => () =>
    CACHES.map((cache) => ({ value: value(cache), labels: { cache } }));
  add(
    'gatelodge_cache_entries',
    'gauge',
    'What is remembered.',
    ofCaches((cache) => measurements.present.entries(cache)),
  );
  add(
    'gatelodge_cache_hits_total',
    'counter',
    'Credentials that were remembered.',
    ofCaches((cache) => caches[cache].hits),
  );
  add(
    'gatelodge_cache_misses_total',
    'counter',
    'Credentials that were not.',
    ofCaches((cache) => caches[cache].misses),
  );
}

/** Cumulative, in seconds, as the text format wants it. */
function histogram(name: string, { counts, sum }: Measurements['durations']): MetricValue[] {
  let total = 0;
  const buckets = [...DURATION_BOUNDS, Number.POSITIVE_INFINITY].map((bound, index) => {
    total += counts[index] ?? 0;
    const le = Number.isFinite(bound) ? String(bound / 1_000) : '+Inf';
    return { metricName: `${name}_bucket`, value: total, labels: { le } };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, value: sum / 1_000, labels: {} },
    { metricName: `${name}_count`, value: total, labels: {} },
  ];
}

/** Several processes' metrics as one: sums, but for what has no sum. */
export async function mergeSnapshots(snapshots: readonly Snapshot[]): Promise<Snapshot> {
  const merged = AggregatorRegistry.aggregate([...snapshots]);
  // What it was made from, added up.
  return (await merged.getMetricsAsJSON()) as unknown as Snapshot;
}

/** The text that Prometheus reads. */
export function formatSnapshot(snapshot: Snapshot): Promise<string> {
  const registry = new Registry();
  for (const metric of snapshot) {
    // As above: it is asked for its values and nothing else.
    registry.registerMetric({ name: metric.name, get: async () => metric } as unknown as Metric);
  }
  return registry.metrics();
}
