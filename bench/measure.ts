import { setTimeout as wait } from 'node:timers/promises';
import { recordAnswer } from './answer.ts';
import { type Comparison, compare, type Side } from './compare.ts';
import { openLoadClient } from './load-client.ts';
import { CONNECTIONS, MODERATE_RATE, type Options } from './options.ts';
import { cpuTime, type MeasuredProcess, startBare } from './process.ts';
import { checkRequest } from './requests.ts';
import { ROWS, type Row } from './rows.ts';
import type { RuleSet } from './rule-sets.ts';
import type { Credentials, Stand } from './stand.ts';
import { percentile } from './statistics.ts';

export interface RowResult {
  readonly row: Row;
  readonly comparison: Comparison;
  /** At the moderate rate, in ms. */
  readonly p50: number;
  readonly p99: number;
}

async function sideOf(process: MeasuredProcess, requests: readonly Buffer[], status: number): Promise<Side> {
  const client = await openLoadClient({ port: process.port, requests, status, connections: CONNECTIONS });
  return { client, cpuTime: () => cpuTime(process.pid) };
}

/** Asks for everything once for a while, so that every row meets a service that has seen all kinds of checks, as in production. */
export async function warmUp(stand: Stand, duration: number): Promise<void> {
  for (const row of ROWS) {
    const { client } = await sideOf(stand.process, [row.request(stand.credentials)], row.status);
    await client.saturate(duration / ROWS.length);
    client.close();
  }
}

/** One row: gatelodge beside a bare server with the same answer. */
export async function measureRow(row: Row, stand: Stand, { rounds, duration, paced }: Options): Promise<RowResult> {
  const request = row.request(stand.credentials);
  const answer = await recordAnswer(stand.process.port, request);
  const bare = await startBare(answer);
  try {
    const copied = await recordAnswer(bare.port, request);
    if (JSON.stringify(copied) !== JSON.stringify(answer)) throw new Error('the bare server answers something else');
    const first = await sideOf(stand.process, [request], row.status);
    const second = await sideOf(bare, [request], row.status);
    for (const side of [first, second]) await side.client.saturate(duration);
    const comparison = await compare(first, second, { rounds, duration });
    const { latencies } = await first.client.pace(MODERATE_RATE, wait(paced));
    first.client.close();
    second.client.close();
    return { row, comparison, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
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
  { rounds, duration }: Options,
): Promise<Comparison> {
  const sides = [];
  for (const [set, { process, credentials }] of [[many, manyStand] as const, [few, fewStand] as const]) {
    const side = await sideOf(process, rulesRequests(set, credentials), 200);
    await side.client.saturate(2 * duration);
    sides.push(side);
  }
  const [first, second] = sides;
  if (first === undefined || second === undefined) throw new Error('two sides are compared');
  const comparison = await compare(first, second, { rounds, duration });
  first.client.close();
  second.client.close();
  return comparison;
}
