import { expect, it } from 'vitest';
import { cookieValues } from '../../src/domain/cookie-header.ts';

it.each([
  ['', []],
  ['gatelodge=a', ['a']],
  ['x=1; gatelodge=a; y=2', ['a']],
  ['gatelodge=a;gatelodge=b;  gatelodge=c', ['a', 'b', 'c']],
  ['gatelodge=', ['']],
  ['gatelodge', []],
  ['gatelodge=a=b=c', ['a=b=c']],
  ['gatelodge=a  ; x=1', ['a']],
  ['gatelodge="a"', ['"a"']],
  ['Gatelodge=a; GATELODGE=b', []],
  ['xgatelodge=a; gatelodgex=b; gatelodge =c', []],
  ['__Host-gatelodge=a', []],
  ['x=gatelodge=a', []],
  [';;; ; gatelodge=a;;', ['a']],
])('%j', (header, values) => {
  expect(cookieValues(header, 'gatelodge')).toEqual(values);
});

it('takes time in proportion to the length', () => {
  const header = `${'a=b; '.repeat(12_000)}gatelodge=z`;
  const start = performance.now();
  for (let index = 0; index < 10; index += 1) expect(cookieValues(header, 'gatelodge')).toEqual(['z']);
  expect(performance.now() - start).toBeLessThan(2_000);
});
