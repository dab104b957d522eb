import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configurationSchema } from '../../src/config/schema.ts';
import { checkPolicy, compilePolicy, findApplicable } from '../../src/decision/policy.ts';
import { matchRule, type Rule } from '../../src/decision/rule.ts';
import type { AccessRequest } from '../../src/domain/access-request.ts';
import { readPath } from '../../src/domain/path.ts';
import { asked } from './asking.ts';

const SEED = 20261122;

const segment = fc.constantFrom('a', 'b', 'ab', 'a.b', 'c d', 'é');
const literal = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.boolean())
  .map(([names, slash]) => `/${names.join('/')}${slash && names.length > 0 ? '/' : ''}`);
const pattern = fc.oneof(
  fc.constantFrom(
    '^/a',
    '/a/.*',
    '^/(a|b)/.*',
    '^/a/b$',
    '.*',
    '^/a/[ab]+',
    '/a|/b',
    '(?i)/A',
    '/a/b?',
    '/ab*',
    '/a/\\Qb\\E',
    '^/a{0,1}/',
    '/a\\.b/',
    '.*b$',
    '',
    '/a/(b|c)',
    '^/x|^/a',
    '/a\\/b',
    '/c d/?',
    '[/]a',
    '/a/b*/',
    '^',
    '/a//b',
    '\\x2fa',
    '/é.*',
  ),
  literal,
);
const host = fc.constantFrom(
  'x.test',
  '*.x.test',
  'a.x.test',
  '*.a.x.test',
  'x.test:8443',
  '*.x.test:443',
  'y.test',
  '*.test',
);
const path = fc.oneof(
  fc.record({ path: literal }),
  fc.record({ path: pattern, regex: fc.constant(true) }).filter(({ path: text }) => text !== ''),
  fc.constant({}),
);
const maybe = <T>(name: string, value: fc.Arbitrary<T>) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    value.map((one) => ({ [name]: one })),
  );
const rule = fc
  .tuple(
    path,
    maybe('host', host),
    maybe('methods', fc.uniqueArray(fc.constantFrom('GET', 'HEAD', 'POST'), { minLength: 1 })),
    maybe('networks', fc.constantFrom(['10.0.0.0/8'], ['10.1.0.0/16', '::/0'])),
    maybe('headers', fc.constantFrom({ 'X-A': '1' }, { 'x-a': '1', 'X-B': '2' })),
    maybe('query', fc.constantFrom({ a: '1' }, { a: '2' })),
  )
  .map((parts) => Object.assign({}, ...parts) as Record<string, unknown>);
const rules = fc.array(rule, { minLength: 1, maxLength: 12 });

const request = fc
  .record({
    host: fc.constantFrom('x.test', 'a.x.test', 'b.a.x.test', 'y.test', 'z', 'x.test:8443', 'A.X.test.'),
    names: fc.array(
      fc.constantFrom('a', 'b', 'ab', 'a.b', 'A', 'c%20d', '%C3%A9', 'x', '', '..', 'a;b', 'a%2Fb', '%61'),
      { maxLength: 4 },
    ),
    slash: fc.boolean(),
    query: fc.constantFrom('', '?a=1', '?a=2', '?a=1&a=2'),
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', ''),
    address: fc.constantFrom('10.1.2.3', '10.2.2.2', '192.0.2.1', null),
    headers: fc.constantFrom([], ['x-a', '1'], ['X-A', '1', 'x-b', '2'], ['x-a', '1', 'x-a', '2']),
  })
  .map(({ host: name, names, slash, query, ...how }) =>
    asked(`https://${name}/${names.join('/')}${slash && names.length > 0 ? '/' : ''}${query}`, how),
  );

/** Every rule in turn, as the documentation says it. */
function scan(all: readonly Rule[], about: AccessRequest): string {
  const readings = readPath(about.rawPath);
  if (typeof readings === 'string') return `refused ${readings}`;
  const first = (reading: string) => {
    const found = all.find((one) => hostMatches(one, about) && matchRule(one, about, reading) !== 'no');
    return found === undefined ? null : { found, how: matchRule(found, about, reading) };
  };
  const canonical = first(readings.canonical);
  if (canonical?.how === 'undecidable') return 'refused malformed-request';
  if (readings.others.some((other) => first(other)?.found !== canonical?.found)) return 'refused ambiguous-path';
  return canonical === null ? 'default' : `rule ${canonical.found.number}`;
}

function hostMatches({ host: wanted }: Rule, about: AccessRequest): boolean {
  if (wanted === null) return true;
  return wanted.wildcard
    ? about.host.endsWith(`.${wanted.name}`) && about.host !== `.${wanted.name}`
    : about.host === wanted.name;
}

function outcome(policy: ReturnType<typeof compilePolicy>, about: AccessRequest): string {
  const applicable = findApplicable(policy, about);
  if (applicable.kind === 'rule') return `rule ${applicable.rule.number}`;
  return applicable.kind === 'refused' ? `refused ${applicable.reason}` : 'default';
}

describe('the index', () => {
  it('finds what a look at every rule finds', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(rules, fc.array(request, { minLength: 8, maxLength: 8 }), (paths, requests) => {
        const policy = compilePolicy(configurationSchema.parse({ paths }));
        for (const about of requests) {
          const expected = scan(policy.rules, about);
          seen.set(expected, (seen.get(expected) ?? 0) + 1);
          expect(outcome(policy, about), `${about.method} ${about.host} ${about.requestTarget}`).toBe(expected);
        }
      }),
      { numRuns: 1_500, seed: SEED },
    );
    // Otherwise the above says nothing.
    for (const kind of ['default', 'rule 1', 'rule 5', 'refused ambiguous-path', 'refused malformed-request']) {
      expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(100);
    }
  });

  it('finds it among ten thousand rules as fast as among ten', () => {
    const many = (count: number) =>
      compilePolicy(
        configurationSchema.parse({
          paths: Array.from({ length: count }, (_, index) => ({
            ...(index % 3 === 0 ? { host: `h${index}.test` } : {}),
            ...(index % 2 === 0 ? { path: `/p${index}/x` } : { path: `^/q${index}/.*$`, regex: true }),
          })),
        }),
      );
    const time = (policy: ReturnType<typeof compilePolicy>, about: AccessRequest) => {
      const rounds = Array.from({ length: 5 }, () => {
        const start = performance.now();
        for (let index = 0; index < 5_000; index += 1) findApplicable(policy, about);
        return performance.now() - start;
      });
      return Math.min(...rounds);
    };
    const [ten, tenThousand] = [many(10), many(10_000)];
    expect(outcome(tenThousand, asked('https://z.test/p9998/x/y'))).toBe('rule 9999');
    for (const url of ['https://z.test/p8/x', 'https://h9.test/q9/x', 'https://z.test/none']) {
      time(tenThousand, asked(url));
      expect(time(tenThousand, asked(url)), url).toBeLessThan(time(ten, asked(url)) * 5 + 5);
    }
  });
});

describe('a rule that is said to be unreachable', () => {
  it('never wins', () => {
    let unreachable = 0;
    fc.assert(
      fc.property(rules, fc.array(request, { minLength: 20, maxLength: 20 }), (paths, requests) => {
        const configuration = configurationSchema.parse({ paths });
        const said = checkPolicy(configuration).filter(({ code }) => code === 'unreachable-rule');
        unreachable += said.length;
        const policy = compilePolicy(configuration);
        for (const about of requests) {
          const applicable = findApplicable(policy, about);
          if (applicable.kind !== 'rule') continue;
          expect(
            said.map((finding) => finding.rule),
            `${about.method} ${about.host} ${about.requestTarget}`,
          ).not.toContain(applicable.rule.number);
        }
      }),
      { numRuns: 1_500, seed: SEED },
    );
    expect(unreachable).toBeGreaterThan(500);
  });
});
