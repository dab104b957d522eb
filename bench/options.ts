import { parseArgs } from 'node:util';

export interface Options {
  readonly rounds: number;
  /** Of a round, in ms. */
  readonly duration: number;
  /** Of a run at a fixed rate, in ms. */
  readonly paced: number;
  /** Bursts of logins. */
  readonly bursts: number;
  /** How often the start is timed. */
  readonly starts: number;
  /** Numbers of sessions that are held against one. */
  readonly sessions: readonly number[];
  readonly quick: boolean;
  /** Whether other programs are measured beside it. */
  readonly peers: boolean;
  /** Name of the only part to run. */
  readonly only: string | null;
  /** Name of the row to profile instead of measuring. */
  readonly profile: string | null;
  /** The program: built, unless GATELODGE_ENTRY names another. */
  readonly entry: string;
}

export const CONNECTIONS = 16;
/** Checks a second where the server is neither idle nor at its limit. */
export const MODERATE_RATE = 2_000;
export const RULE_COUNTS: readonly number[] = [100, 1_000, 10_000];

/** @throws TypeError for options that there are not */
export function readOptions(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      long: { type: 'boolean', default: false },
      peers: { type: 'boolean', default: false },
      only: { type: 'string' },
      profile: { type: 'string' },
    },
  });
  const sizes = values.quick
    ? { rounds: 4, duration: 500, paced: 1_000, bursts: 2, starts: 3, sessions: [1_000, 10_000] }
    : { rounds: 10, duration: 1_200, paced: 5_000, bursts: 6, starts: 10, sessions: [1_000, 100_000] };
  return {
    ...sizes,
    sessions: values.long ? [...sizes.sessions, 1_000_000] : sizes.sessions,
    quick: values.quick,
    peers: values.peers || values.only === 'peers',
    only: values.only ?? null,
    profile: values.profile ?? null,
    entry: env['GATELODGE_ENTRY'] ?? `${import.meta.dirname}/../dist/bin.js`,
  };
}
