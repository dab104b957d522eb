import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configurationSchema } from '../../src/config/schema.ts';
import { checkPolicy, compilePolicy, findApplicable } from '../../src/decision/policy.ts';
import { matchRule, type Rule } from '../../src/decision/rule.ts';
import type { AccessRequest } from '../../src/domain/access-request.ts';
import { readPath } from '../../src/domain/path.ts';
import { asked } from './asking.ts';
import { asking, matching } from './random-policy.ts';

const SEED = 20261122;

const rules = fc.array(matching, { minLength: 1, maxLength: 12 });
const request = asking.map(({ url, ...how }) => asked(url, how));

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
      expect(time(tenThousand, asked(url)), url).toBeLessThan(time(ten, asked(url)) * 20 + 20);
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
