import { expect, it } from 'vitest';
import { createRecentMap } from '../../src/domain/recent-map.ts';

it('holds at most so many, and never lets go of the half asked for last', () => {
  const map = createRecentMap<number>(100);
  for (let key = 0; key < 1_000; key += 1) {
    map.set(String(key), key);
    const lately = Array.from({ length: Math.min(key + 1, 49) }, (_, back) => map.get(String(key - back)));
    expect(lately).not.toContain(undefined);
    expect(map.size).toBeLessThanOrEqual(100);
  }
  expect(map.get('900')).toBeUndefined();
});

it('keeps what is asked for all the time', () => {
  const map = createRecentMap<string>(10);
  map.set('asked', 'still here');
  for (let key = 0; key < 1_000; key += 1) {
    map.set(String(key), 'new');
    expect(map.get('asked')).toBe('still here');
  }
});

it('forgets a key in whichever generation it is, and everything at once', () => {
  const map = createRecentMap<number>(4);
  for (const [value, key] of ['a', 'b', 'c'].entries()) map.set(key, value);
  map.delete('a');
  map.delete('c');
  expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([undefined, 1, undefined, 1]);
  map.clear();
  expect([map.get('b'), map.size]).toEqual([undefined, 0]);
});

it('has one value a key, the last', () => {
  const map = createRecentMap<number>(4);
  map.set('a', 1);
  map.set('b', 1);
  map.set('a', 2);
  expect([map.get('a'), map.size]).toEqual([2, 2]);
});
