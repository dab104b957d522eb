import { expect, it } from 'vitest';
import type { Decision } from '../../src/domain/decision.ts';
import { COUNTED_RULES, createMeasurements, DURATION_BOUNDS } from '../../src/domain/measurements.ts';

const allow = (rule: number): Decision => ({ effect: 'allow', identity: null, rule });
const denied = (rule: number): Decision => ({ effect: 'deny', reason: 'role-missing', rule, identity: null });

it('counts decisions by effect, reason and rule, and rules beyond the last together', () => {
  const measurements = createMeasurements();
  for (const rule of [0, 0, 1, COUNTED_RULES, COUNTED_RULES + 1, 9_999]) measurements.countDecision(allow(rule), 1);
  measurements.countDecision(denied(1), 1);
  const unavailable: Decision = { effect: 'unavailable', reason: 'internal-error', rule: 9_999 };
  measurements.countDecision(unavailable, 1);
  expect(measurements.decisions()).toEqual([
    { effect: 'allow', reason: 'none', rule: 'default', count: 2 },
    { effect: 'allow', reason: 'none', rule: '1', count: 1 },
    { effect: 'allow', reason: 'none', rule: '200', count: 1 },
    { effect: 'allow', reason: 'none', rule: 'other', count: 2 },
    { effect: 'deny', reason: 'role-missing', rule: '1', count: 1 },
    { effect: 'unavailable', reason: 'internal-error', rule: 'other', count: 1 },
  ]);
});

it('sorts durations into the first bound that they do not exceed', () => {
  const { countDecision, durations } = createMeasurements();
  for (const duration of [0, 0.025, 0.026, 2_500, 2_501]) countDecision(allow(1), duration);
  const counts = [...durations.counts];
  expect([counts[0], counts[1], counts[DURATION_BOUNDS.length - 1], counts.at(-1)]).toEqual([2, 1, 1, 1]);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(5);
  expect(durations.sum).toBeCloseTo(5_001.051);
});
