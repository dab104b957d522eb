import type { RuleConfiguration } from '../config/schema.ts';
import type { Access, Gate } from '../decision/access.ts';
import type { Authentication } from '../decision/authenticate.ts';
import { type Authenticator, decide, ownPathOf } from '../decision/decide.ts';
import type { AccessRequest } from '../domain/access-request.ts';
import type { Decision, Effect, Reason } from '../domain/decision.ts';
import { readPath } from '../domain/path.ts';

/** Which rule decides a request, and why. The names are those of `gatelodge explain --json`. */
export interface Explanation {
  readonly decision: Effect;
  /** null where the request is allowed. */
  readonly reason: Reason | null;
  /** What a program gets from every front server but nginx, which has 401 and 403 alone. */
  readonly status: number;
  /** From 1, in the order of the configuration; null where no rule decided. */
  readonly rule: number | null;
  readonly pattern: string | null;
  /** null where it was refused before anything could be required. */
  readonly required: boolean | 'optional' | null;
  readonly plugins: readonly string[];
  readonly mode: 'any' | 'all' | null;
  /** What the rules see; null where the path cannot be read. */
  readonly path: string | null;
  /** A page or call of gatelodge itself, which no rule is asked about. */
  readonly plugin_path: string | null;
  readonly plugin: string | null;
  readonly description: string | null;
  readonly default_behavior: 'authenticated' | 'unauthenticated' | 'deny';
  /** Whom the request was taken to come from. */
  readonly identity: {
    readonly username: string;
    readonly roles: readonly string[];
    readonly groups: readonly string[];
    readonly scopes: readonly string[] | null;
  } | null;
  /** Every key that the rule has or defaults to; durations are texts. */
  readonly full_rule: Readonly<Record<string, unknown>> | null;
}

const STATUS: Readonly<Record<Effect, number>> = {
  allow: 200,
  challenge: 401,
  deny: 403,
  limited: 429,
  unavailable: 503,
};

/**
 * Decides a request by the code that decides live, about somebody who is assumed instead of proved.
 * @param assumed what the rule's plugins would find; nobody can be found where the rule has no plugin to ask
 */
export async function explain(gate: Gate, request: AccessRequest, assumed: Authentication): Promise<Explanation> {
  const authenticator: Authenticator = (access) => (access.plugins.length === 0 ? { kind: 'nobody' } : assumed);
  const decision = await decide(gate, request, authenticator);
  const own = ownPathOf(gate, request);
  const readings = readPath(request.rawPath);
  const access = own === null ? accessOf(gate, decision) : null;
  const rule = own === null && decision.rule > 0 ? decision.rule : null;
  const full = rule === null ? null : (gate.policy.rules[rule - 1]?.required ?? null);
  return {
    decision: decision.effect,
    reason: decision.effect === 'allow' ? null : decision.reason,
    status: STATUS[decision.effect],
    rule,
    pattern: full?.path ?? null,
    required: own !== null || full?.deny === true ? false : (access?.authenticate ?? null),
    plugins: access?.plugins.map(({ name }) => name) ?? [],
    mode: access?.mode ?? null,
    path: typeof readings === 'string' ? null : readings.canonical,
    plugin_path: own?.path ?? null,
    plugin: own?.plugin ?? null,
    description: own?.description ?? null,
    default_behavior: defaultBehavior(gate),
    identity: assumed.kind === 'identified' ? named(assumed.identity) : null,
    full_rule: full === null ? null : written(full),
  };
}

/** What was asked of the request: by a rule, by the default, or nothing where it was refused before. */
function accessOf(gate: Gate, decision: Decision): Access | null {
  if (decision.rule > 0) return gate.accesses[decision.rule - 1] ?? null;
  return decision.effect === 'deny' || gate.whenNoRule === 'deny' ? null : gate.whenNoRule;
}

function defaultBehavior({ whenNoRule }: Gate): Explanation['default_behavior'] {
  if (whenNoRule === 'deny') return 'deny';
  return whenNoRule.authenticate === false ? 'unauthenticated' : 'authenticated';
}

function named({ username, roles, groups, scopes }: NonNullable<Explanation['identity']>): Explanation['identity'] {
  return { username, roles, groups, scopes };
}

function written(rule: RuleConfiguration): Readonly<Record<string, unknown>> {
  const { max_age: maxAge, rate_limit: limit, rate_limits: limits, ...rest } = rule;
  return {
    ...rest,
    ...(maxAge === undefined ? {} : { max_age: durationText(maxAge) }),
    ...(limit === undefined ? {} : { rate_limit: limit === false ? limit : writtenLimit(limit) }),
    ...(limits === undefined ? {} : { rate_limits: { requests: writtenLimit(limits.requests) } }),
  };
}

function writtenLimit(limit: Exclude<RuleConfiguration['rate_limit'], false | undefined>): Record<string, unknown> {
  const { per, block, ...rest } = limit;
  return {
    ...rest,
    per: durationText(per),
    ...(block === undefined ? {} : { block: block === 0 ? 0 : durationText(block) }),
  };
}

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** `90s`, `15m`: as the configuration has it, in the largest unit that fits. */
function durationText(milliseconds: number): string {
  const [unit, size] = UNITS.find(([, length]) => milliseconds % length === 0) ?? ['ms', 1];
  return `${milliseconds / size}${unit}`;
}
