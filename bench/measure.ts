import { setTimeout as wait } from 'node:timers/promises';
import { recordAnswer } from './answer.ts';
import { type Comparison, compare, type Side } from './compare.ts';
import { inTurn, openLoadClient } from './load-client.ts';
import { CONNECTIONS, MODERATE_RATE, type Options } from './options.ts';
import { type MeasuredProcess, startBare } from './process.ts';
import { checkRequest } from './requests.ts';
import { ROWS, type Row } from './rows.ts';
import type { RuleSet } from './rule-sets.ts';
import type { Credentials, Stand } from './stand.ts';
import { percentile } from './statistics.ts';
import { cpuTime } from './usage.ts';

export interface RowResult {
  readonly row: Row;
  readonly comparison: Comparison;
  /** At the moderate rate, in ms. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** What asks one process for each of the requests in turn. */
export async function sideOf(
  { port, pid }: MeasuredProcess,
  requests: readonly Buffer[],
  status: number,
  content = 0,
): Promise<Side> {
  const client = await openLoadClient({ port, next: inTurn(requests), status, content, connections: CONNECTIONS });
  return { client, cpuTime: () => cpuTime(pid) };
}

/** Loads each for a moment, holds one against the other, and closes both clients. */
export async function compareWarm(
  first: Side,
  second: Side,
  { rounds, duration }: Pick<Options, 'rounds' | 'duration'>,
): Promise<Comparison> {
  try {
    for (const side of [first, second]) await side.client.saturate(2 * duration);
    return await compare(first, second, { rounds, duration });
  } finally {
    first.client.close();
    second.client.close();
  }
}

/** Asks for everything once for a while, so that every row meets a service that has seen all kinds of checks, as in production. */
export async function warmUp(stand: Stand, duration: number): Promise<void> {
  const rows = ROWS.filter(({ own }) => own === undefined);
  for (const row of rows) {
    const { client } = await sideOf(stand.process, [row.request(stand.credentials)], row.status);
    await client.saturate(duration / rows.length);
    client.close();
  }
}

/** One row: gatelodge beside a bare server with the same answer. */
export async function measureRow(row: Row, stand: Stand, options: Options): Promise<RowResult> {
  const request = row.request(stand.credentials);
  const answer = await recordAnswer(stand.process.port, request);
  const bare = await startBare(answer);
  try {
    const copied = await recordAnswer(bare.port, request);
    if (JSON.stringify(copied) !== JSON.stringify(answer)) throw new Error('the bare server answers something else');
    const side = (process: MeasuredProcess): Promise<Side> => sideOf(process, [request], row.status);
    const comparison = await compareWarm(await side(stand.process), await side(bare), options);
    const { client } = await sideOf(stand.process, [request], row.status);
    const { latencies } = await client.pace(MODERATE_RATE, wait(options.paced));
    client.close();
    const [p50 = 0, p99 = 0, p999 = 0] = [0.5, 0.99, 0.999].map((share) => percentile(latencies, share));
    return { row, comparison, p50, p99, p999 };
  } finally {
    await bare.stop();
  }
}

/** Checks of a live session that go to all the rules of a set. */
export function rulesRequests({ targets }: RuleSet, { session }: Credentials): readonly Buffer[] {
  return targets.map(({ host, target }) => checkRequest({ host, target, client: 'browser', credential: session }));
}

/** Many rules beside few: both with a live session. */
export async function measureRules(
  many: RuleSet,
  manyStand: Stand,
  few: RuleSet,
  fewStand: Stand,
  options: Options,
): Promise<Comparison> {
  const side = (set: RuleSet, { process, credentials }: Stand): Promise<Side> =>
    sideOf(process, rulesRequests(set, credentials), 200);
  return compareWarm(await side(many, manyStand), await side(few, fewStand), options);
}
