import { describe, expect, it } from 'vitest';
import { WireHeaderFields } from '../../src/http/header-fields.ts';

const RAW = ['Host', 'a', 'X-API-Key', 'one', 'Cookie', 'b=1', 'x-api-key', 'two', 'HOST', 'c', 'X-Api-Kex', 'three'];

describe('header fields from the wire', () => {
  it('count the same whatever was asked for before', () => {
    for (const before of [[], ['x-api-key'], ['host'], ['x-api-key', 'host'], ['x-api-key', 'missing'], ['cookie']]) {
      const fields = new WireHeaderFields(RAW);
      for (const name of before) fields.get(name);
      const counts = ['x-api-key', 'host', 'cookie', 'missing'].map((name) => fields.count(name));
      expect(counts, before.join()).toEqual([2, 2, 1, 0]);
      expect(fields.count('x-api-key')).toBe(2);
    }
  });

  it('are found in any case, the first of several', () => {
    const fields = new WireHeaderFields(RAW);
    expect([fields.get('x-api-key'), fields.get('host'), fields.get('missing')]).toEqual(['one', 'a', undefined]);
    expect(fields.all('x-api-key')).toEqual(['one', 'two']);
  });
});
