import fc from 'fast-check';
import { expect, it } from 'vitest';
import { WireHeaderFields } from '../../../src/http/header-fields.ts';
import { readAutoTarget } from '../../../src/http/profiles/auto.ts';
import { readForwardedTarget } from '../../../src/http/profiles/forwarded.ts';
import { readNginxTarget } from '../../../src/http/profiles/nginx.ts';
import { isTarget, type Target } from '../../../src/http/target.ts';

/** Fields as the front server sets them and as a client may add them: any number of each, in any order, of two places. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  'x-original-url': ['https://a/secret', 'https://a/public', 'https://b/public', ''],
  'X-Original-URI': ['/secret', '/public', ''],
  'x-original-method': ['GET', 'POST', ''],
  'X-Forwarded-Uri': ['/secret', '/public', ''],
  'x-forwarded-method': ['GET', 'POST', ''],
  'X-Forwarded-Host': ['a', 'b', 'A.', 'a:443', ''],
  'x-forwarded-proto': ['https', 'http', ''],
};
const ORIGINAL = ['x-original-url', 'X-Original-URI', 'x-original-method'];
const FOREIGN = ['X-Forwarded-Uri', 'x-forwarded-method'];

const field = fc
  .constantFrom(...Object.keys(VALUES))
  .chain((name) => fc.constantFrom(...(VALUES[name] ?? [])).map((value) => [name, value] as const));
const fields = fc.array(field, { maxLength: 7 });

type Told = readonly (readonly [string, string])[];
const told = (all: Told, name: string) => all.filter(([one]) => one === name).map(([, value]) => value);
const present = (all: Told, names: readonly string[]) =>
  names.filter((name) => told(all, name).some((value) => value !== ''));

/** Whether every field that speaks of the target speaks of this one, and says it once. */
function unanimous(target: Target, all: Told): boolean {
  const { host, scheme, method, requestTarget } = target;
  const agrees: Readonly<Record<string, (value: string) => boolean>> = {
    'x-original-url': (value) => value === `${scheme}://${host}${requestTarget}`,
    'X-Original-URI': (value) => value === requestTarget,
    'x-original-method': (value) => value === method,
    'X-Forwarded-Uri': (value) => value === requestTarget,
    'x-forwarded-method': (value) => value === method,
    'X-Forwarded-Host': (value) => value.toLowerCase().replace(/\.$|:443$/, '') === host,
    'x-forwarded-proto': (value) => value === scheme,
  };
  return all.every(([name, value]) => value === '' || agrees[name]?.(value) === true);
}

it('is one that all fields agree on and that no foreign family speaks of', () => {
  const believed = { nginx: 0, forwarded: 0, auto: 0 };
  fc.assert(
    fc.property(fields, (all) => {
      const wire = new WireHeaderFields(all.flat());
      const nginx = readNginxTarget(wire);
      if (isTarget(nginx)) {
        believed.nginx += 1;
        expect(unanimous(nginx, all)).toBe(true);
        expect(present(all, FOREIGN)).toEqual([]);
      }
      const forwarded = readForwardedTarget(wire);
      if (isTarget(forwarded)) {
        believed.forwarded += 1;
        expect(unanimous(forwarded, all)).toBe(true);
        expect(present(all, ORIGINAL)).toEqual([]);
      }
      const { target: auto } = readAutoTarget(wire);
      if (isTarget(auto)) {
        believed.auto += 1;
        expect(unanimous(auto, all)).toBe(true);
      }
      for (const [reading, names] of [
        [nginx, ORIGINAL],
        [forwarded, FOREIGN],
      ] as const) {
        if (isTarget(reading)) for (const name of names) expect(told(all, name).length, name).toBeLessThan(2);
      }
    }),
    { numRuns: 40_000, seed: 20261122 },
  );
  // Otherwise the above says nothing.
  expect(Math.min(...Object.values(believed))).toBeGreaterThan(50);
});
