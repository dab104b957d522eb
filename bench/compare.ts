import type { LoadClient, Sample } from './load-client.ts';
import { median, percentile } from './statistics.ts';

/** One of two servers that are held against each other. */
export interface Side {
  readonly client: LoadClient;
  /** CPU time used so far, in ms. */
  cpuTime(): number;
}

export interface Round {
  readonly answers: number;
  readonly seconds: number;
  /** In ms. */
  readonly cpu: number;
}

/** What one server did in all its rounds. */
export interface Totals {
  /** Answers a second. */
  readonly rate: number;
  /** CPU time an answer, in µs. */
  readonly cpu: number;
}

export interface Comparison {
  readonly first: Totals;
  readonly second: Totals;
  /** The first's share of the second's rate: the median over pairs of neighbouring rounds. */
  readonly rate: number;
  /** The second's CPU time an answer over the first's, likewise: below 1 where the first costs more. */
  readonly cpu: number;
  /** Of the first, at full load, in ms. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/**
 * Loads two servers in turn, A B B A A B …: what slows the machine for a while slows both, and the ratio of two neighbours keeps its truth.
 * @param duration of a round, in ms
 * @param rounds for each
 */
export async function compare(
  first: Side,
  second: Side,
  { rounds, duration }: { rounds: number; duration: number },
): Promise<Comparison> {
  const latencies: number[][] = [];
  const load = async (side: Side): Promise<Round> => {
    const { sample, round } = await watch(side, (client) => client.saturate(duration));
    if (side === first) latencies.push([...sample.latencies]);
    return round;
  };
  const pairs: [Round, Round][] = [];
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) {
      const one = await load(first);
      pairs.push([one, await load(second)]);
    } else {
      const other = await load(second);
      pairs.push([await load(first), other]);
    }
  }
  const all = latencies.flat();
  return {
    ...summarize(pairs),
    p50: percentile(all, 0.5),
    p99: percentile(all, 0.99),
    p999: percentile(all, 0.999),
  };
}

/** What a server did under one load. */
export async function measureLoad(side: Side, load: (client: LoadClient) => Promise<Sample>): Promise<Totals> {
  return totals([(await watch(side, load)).round]);
}

async function watch(
  side: Side,
  load: (client: LoadClient) => Promise<Sample>,
): Promise<{ sample: Sample; round: Round }> {
  const before = side.cpuTime();
  const sample = await load(side.client);
  return { sample, round: { answers: sample.answers, seconds: sample.seconds, cpu: side.cpuTime() - before } };
}

/** The arithmetic of `compare`. */
export function summarize(pairs: readonly (readonly [Round, Round])[]): Omit<Comparison, 'p50' | 'p99' | 'p999'> {
  return {
    first: totals(pairs.map(([one]) => one)),
    second: totals(pairs.map(([, other]) => other)),
    rate: median(pairs.map(([one, other]) => totals([one]).rate / totals([other]).rate)),
    cpu: median(pairs.map(([one, other]) => totals([other]).cpu / totals([one]).cpu)),
  };
}

function totals(rounds: readonly Round[]): Totals {
  const sum = (of: (round: Round) => number): number => rounds.reduce((known, round) => known + of(round), 0);
  const answers = sum(({ answers }) => answers);
  return { rate: answers / sum(({ seconds }) => seconds), cpu: (sum(({ cpu }) => cpu) * 1_000) / answers };
}
