import { expect, test } from 'vitest';
import { summarize } from '../../bench/compare.ts';
import { readOptions } from '../../bench/options.ts';
import { costs } from '../../bench/profile.ts';
import { ruleSet } from '../../bench/rule-sets.ts';
import { median, percentile } from '../../bench/statistics.ts';

test('median and percentile', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentile(hundred, 0.5)).toBe(50);
  expect(percentile(hundred, 0.99)).toBe(99);
  expect(percentile([10, 9], 0.99)).toBe(10);
  expect(percentile([], 0.5)).toBeNaN();
});

test('rates and ratios of two servers, with an outlier that a mean would follow', () => {
  const round = (answers: number, cpu: number, seconds = 2) => ({ answers, cpu, seconds });
  const result = summarize([
    [round(800, 40), round(1_000, 40)],
    [round(900, 45), round(1_000, 40)],
    [round(10, 40, 20), round(1_000, 40)],
  ]);
  // 400, 450 and 0.5 a second beside 500; 50, 50 and 4000 µs beside 40.
  expect(result.rate).toBeCloseTo(0.8);
  expect(result.cpu).toBeCloseTo(0.8);
  expect(result.first.rate).toBeCloseTo(1_710 / 24);
  expect(result.first.cpu).toBeCloseTo(125_000 / 1_710);
  expect(result.second).toEqual({ rate: 500, cpu: 40 });
});

test('the profile counts what lies in the measured time, and recursion once', () => {
  const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 0 });
  const decide = frame('decide', 'file:///any/where/dist/decision/decide.js');
  const profile = {
    startTime: 1_000,
    nodes: [
      { id: 1, callFrame: frame('(root)'), children: [2] },
      { id: 2, callFrame: decide, children: [3] },
      { id: 3, callFrame: decide, children: [4] },
      { id: 4, callFrame: frame('hash', 'node:crypto') },
    ],
    samples: [2, 3, 4, 2, 4],
    timeDeltas: [100, 10, 20, 30, 100],
  };
  const found = costs(profile, { from: 1_101, to: 1_200, answers: 10 });
  expect(found).toEqual([
    { place: 'decide dist/decision/decide.js:1', self: 4, total: 6 },
    { place: 'hash node:crypto:1', self: 2, total: 2 },
  ]);
});

test('rule sets: five kinds in equal parts, the same in every run, ten asked about', () => {
  const { rules, targets } = ruleSet(1_000);
  expect(rules).toHaveLength(1_000);
  expect(new Set(rules).size).toBe(1_000);
  expect(rules.filter((rule) => rule.includes('regex: true'))).toHaveLength(400);
  expect(ruleSet(1_000).targets).toEqual(targets);
  // Ten different ones, two of each kind, from all over the set.
  const asked = targets.map(({ host, target }) => host + target);
  expect(new Set(asked).size).toBe(10);
  expect(asked.filter((one) => one.includes('/items/'))).toEqual([
    expect.stringContaining('/t00020/'),
    expect.stringContaining('/t00120/'),
  ]);
});

test('options', () => {
  expect(readOptions(['--quick', '--only', 'rules'], {})).toMatchObject({ quick: true, only: 'rules', profile: null });
  expect(readOptions([], {})).toMatchObject({ peers: false, sessions: [1_000, 100_000] });
  expect(readOptions(['--long'], {}).sessions).toEqual([1_000, 100_000, 1_000_000]);
  expect(readOptions(['--only', 'peers'], {}).peers).toBe(true);
  expect(readOptions([], { GATELODGE_ENTRY: 'elsewhere.js' }).entry).toBe('elsewhere.js');
  expect(() => readOptions(['--fast'], {})).toThrow(TypeError);
});
