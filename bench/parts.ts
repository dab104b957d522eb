import { loadavg } from 'node:os';
import { findProgram } from '../test/support/skip.ts';
import { countConnections } from './behind-nginx.ts';
import { measureLogins } from './logins.ts';
import { measureRow, measureRules, type RowResult, warmUp } from './measure.ts';
import { NGINX } from './nginx.ts';
import { type Options, RULE_COUNTS } from './options.ts';
import { measurePeer, PEERS } from './peers.ts';
import type { Results, RulesResult } from './results.ts';
import { ROWS, type Row } from './rows.ts';
import { ruleSet } from './rule-sets.ts';
import { measureSessions } from './sessions.ts';
import { type Stand, startStand } from './stand.ts';
import { measureStartUp } from './start-up.ts';
import { measureThroughNginx } from './through-nginx.ts';
import { measureWorkers } from './workers.ts';

/** What `--only` names. */
export const PARTS: readonly string[] = [
  ...ROWS.map(({ name }) => name),
  ...['rules', 'logins', 'nginx', 'connections', 'sessions', 'start-up', 'workers', 'peers'],
];

/** Measures one part; null where it is not wanted, or failed. */
type Attempt = <T>(part: string, measure: () => Promise<T>, label?: string) => Promise<T | null>;

/** Runs what the options ask for. A part that fails is named in the results, and the others go on. */
export async function runParts(options: Options, say: (line: string) => void): Promise<Results> {
  const [load = Number.NaN] = loadavg();
  const failed = new Set<string>();
  const attempt: Attempt = async (part, measure, label = part) => {
    if (options.only !== null && options.only !== part) return null;
    try {
      const result = await measure();
      if (result !== undefined) say(`${label}: ${JSON.stringify(result, brief)}`);
      return result;
    } catch (error) {
      failed.add(label);
      say(`${label} failed: ${error instanceof Error ? error.stack : String(error)}`);
      return null;
    }
  };
  const withStand = async <T>(use: (stand: Stand) => Promise<T>): Promise<T> => {
    const stand = await startStand(options.entry);
    return use(stand).finally(() => stand.stop());
  };
  const all = async <K, T>(
    part: string,
    keys: readonly K[],
    measure: (key: K) => Promise<T>,
  ): Promise<readonly T[]> => {
    const results: T[] = [];
    for (const key of keys) {
      const result = await attempt(part, () => measure(key), `${part} ${key}`);
      if (result !== null) results.push(result);
    }
    return results;
  };

  const nginx = NGINX !== null;
  const here = PEERS.filter(({ name }) => findProgram(name) !== null).map(({ name }) => name);
  return {
    rows: await measureRows(options, attempt),
    rules: await all('rules', RULE_COUNTS, (count) => compareRules(count, options)),
    logins: await attempt('logins', () => withStand((stand) => measureLogins(stand, options))),
    nginx: nginx ? await attempt('nginx', () => withStand((stand) => measureThroughNginx(stand, options))) : null,
    connections: await attempt('connections', () => countConnections(options.entry)),
    sessions: await all('sessions', options.sessions, (count) =>
      withStand((one) => measureSessions(count, one, options)),
    ),
    startUp: await attempt('start-up', () => measureStartUp(options)),
    workers: await attempt('workers', () => measureWorkers(options)),
    // A gatelodge of its own for each: memory counts from the same beginning.
    peers: await all('peers', options.peers ? here : [], (name) =>
      withStand((stand) => measurePeer(name, stand, options)),
    ),
    missing: options.peers ? PEERS.map(({ name }) => name).filter((name) => !here.includes(name)) : [],
    failed: [...failed],
    load,
  };
}

/** Rows ask one process, which has seen all of them before; but for those that need a gatelodge of their own. */
async function measureRows(options: Options, attempt: Attempt): Promise<readonly RowResult[]> {
  const rows = ROWS.filter(({ name }) => options.only === null || options.only === name);
  const results = new Map<string, RowResult>();
  const measureAll = async (some: readonly Row[], own: Row['own']) => {
    if (some.length === 0) return;
    await attempt(options.only ?? some[0]?.name ?? '', async () => {
      const stand = await startStand(options.entry, own);
      try {
        await warmUp(stand, 4 * options.duration);
        for (const row of some) {
          const result = await attempt(row.name, () => measureRow(row, stand, options));
          if (result !== null) results.set(row.name, result);
        }
      } finally {
        await stand.stop();
      }
    });
  };
  await measureAll(
    rows.filter(({ own }) => own === undefined),
    undefined,
  );
  for (const row of rows) if (row.own !== undefined) await measureAll([row], row.own);
  return rows.flatMap(({ name }) => results.get(name) ?? []);
}

async function compareRules(count: number, options: Options): Promise<RulesResult> {
  const [many, few] = [ruleSet(count), ruleSet(10)];
  const fewStand = await startStand(options.entry, { rules: few.rules });
  try {
    const manyStand = await startStand(options.entry, { rules: many.rules });
    const comparing = measureRules(many, manyStand, few, fewStand, options);
    return { count, comparison: await comparing.finally(() => manyStand.stop()) };
  } finally {
    await fewStand.stop();
  }
}

/** For the eye, as results come in. */
function brief(key: string, value: unknown): unknown {
  if (key === 'row') return undefined;
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value;
}
