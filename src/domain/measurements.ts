import { type Decision, type Effect, REASONS, type Reason } from './decision.ts';

/** How a password came: the login page, `POST /auth`, or HTTP Basic. */
export const LOGIN_WAYS = ['form', 'token', 'basic'] as const;
export type LoginWay = (typeof LOGIN_WAYS)[number];
/** `failed`: nothing was found out, the queue was full or the store away. */
export const LOGIN_OUTCOMES = ['succeeded', 'refused', 'limited', 'failed'] as const;
export type LoginOutcome = (typeof LOGIN_OUTCOMES)[number];
export const CACHES = ['sessions', 'api_keys', 'remembered'] as const;
export type CacheName = (typeof CACHES)[number];

export interface CacheCounts {
  hits: number;
  misses: number;
}

/** Log lines that were to be sent on. */
export interface ShippedLines {
  sent: number;
  /** Given up: refused, or too many waited. */
  dropped: number;
}

/** How often each way a decision can end came up, for one rule: a number, `default` for the default, or `other`. */
export interface DecisionCount {
  readonly effect: Effect;
  readonly reason: Reason | 'none';
  readonly rule: string;
  readonly count: number;
}

/**
 * What one process counts while it works. Counting is adding to a number in an array; names are given when somebody looks.
 * It outlives the configuration, so that a reload makes no counter go back.
 */
export interface Measurements {
  /** @param duration in ms */
  countDecision(decision: Decision, duration: number): void;
  /** Those that came up at all. */
  decisions(): readonly DecisionCount[];
  readonly durations: {
    /** Decisions that took no longer than each of DURATION_BOUNDS and longer than the one before; the last are the rest. */
    readonly counts: Float64Array;
    /** Of all, in ms. */
    sum: number;
  };
  readonly logins: Readonly<Record<LoginWay, Record<LoginOutcome, number>>>;
  readonly caches: Readonly<Record<CacheName, CacheCounts>>;
  readonly hashing: { underWay: number; refused: number };
  readonly loki: ShippedLines;
  /** What is there at this moment; put in by whatever configuration is at work. */
  present: Present;
}

export interface Present {
  readonly entries: (cache: CacheName) => number;
  /** Passwords that are hashed at once. */
  readonly hashingPlaces: number;
}

/** Upper bounds in ms: a check from memory takes some 0.01, one that waits for a password 20 and more. */
export const DURATION_BOUNDS: readonly number[] = [
  0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500,
];
/** Rules beyond are counted together: so many numbers and reasons are as many time series as anybody wants to keep. */
export const COUNTED_RULES = 200;

const EFFECTS: readonly Effect[] = ['allow', 'challenge', 'deny', 'limited', 'unavailable'];
const OUTCOMES = [...REASONS, 'none'] as const;
/** The default, the counted rules, the others. */
const RULES = COUNTED_RULES + 2;

export function createMeasurements(): Measurements {
  const counts = new Float64Array(EFFECTS.length * OUTCOMES.length * RULES);
  const durations = { counts: new Float64Array(DURATION_BOUNDS.length + 1), sum: 0 };
  const effectIndex = numbered(EFFECTS, OUTCOMES.length * RULES);
  const outcomeIndex = numbered(OUTCOMES, RULES);
  const bounds = Float64Array.from(DURATION_BOUNDS);
  const add = (array: Float64Array, index: number) => {
    array[index] = (array[index] ?? 0) + 1;
  };
  return {
    countDecision(decision, duration) {
      const { effect, rule } = decision;
      const outcome = effect === 'allow' ? 'none' : decision.reason;
      const place = (effectIndex.get(effect) ?? 0) + (outcomeIndex.get(outcome) ?? 0);
      add(counts, place + (rule > COUNTED_RULES ? RULES - 1 : rule));
      let bucket = 0;
      while (bucket < bounds.length && duration > (bounds[bucket] ?? 0)) bucket += 1;
      add(durations.counts, bucket);
      durations.sum += duration;
    },
    decisions() {
      const found: DecisionCount[] = [];
      for (const effect of EFFECTS) {
        for (const reason of OUTCOMES) {
          const place = (effectIndex.get(effect) ?? 0) + (outcomeIndex.get(reason) ?? 0);
          for (let rule = 0; rule < RULES; rule += 1) {
            const count = counts[place + rule] ?? 0;
            if (count > 0) found.push({ effect, reason, rule: ruleLabel(rule), count });
          }
        }
      }
      return found;
    },
    durations,
    logins: { form: noLogins(), token: noLogins(), basic: noLogins() },
    caches: { sessions: noCounts(), api_keys: noCounts(), remembered: noCounts() },
    hashing: { underWay: 0, refused: 0 },
    loki: { sent: 0, dropped: 0 },
    present: { entries: () => 0, hashingPlaces: 1 },
  };
}

function ruleLabel(rule: number): string {
  if (rule === 0) return 'default';
  return rule > COUNTED_RULES ? 'other' : String(rule);
}

function numbered<T>(names: readonly T[], step: number): ReadonlyMap<T, number> {
  return new Map(names.map((name, index) => [name, index * step]));
}

function noLogins(): Record<LoginOutcome, number> {
  return { succeeded: 0, refused: 0, limited: 0, failed: 0 };
}

function noCounts(): CacheCounts {
  return { hits: 0, misses: 0 };
}
