import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern, literalPrefix, patternMatches } from '../../src/decision/pattern.ts';

const path = fc.stringMatching(/^\/[ab./|(){}[\]?*+^$\\-]{0,8}$/);

describe('literalPrefix', () => {
  it.each([
    ['^/api/v1/admin/.*$', '/api/v1/admin/'],
    ['/api/v1', '/api/'],
    ['/a/b?', '/a/'],
    ['/a/?b', '/'],
    ['/a/(b|c)', '/a/'],
    ['/a|/b', ''],
    ['/a[|]b/c', ''],
    ['/a\\|b/c', '/a|b/'],
    ['/a\\.b/c', '/a.b/'],
    ['/a.b/c', '/'],
    ['/a/{2}b', '/'],
    ['(?i)/a/b', ''],
    ['/a/\\Qb|c\\E', ''],
    ['\\x2fa/b', ''],
    ['.*', ''],
    ['', ''],
  ])('of %j is %j', (source, prefix) => expect(literalPrefix(source)).toBe(prefix));

  it('begins every path that the pattern matches', () => {
    let matched = 0;
    const source = fc.stringMatching(/^\^?(?:\/|[ab.]|\\\.|[ab][?*+]|\(a\|b\)|\|){0,7}$/);
    fc.assert(
      fc.property(source, fc.array(path, { minLength: 20, maxLength: 20 }), (text, paths) => {
        for (const one of paths) {
          if (!patternMatches(text, one)) continue;
          matched += 1;
          expect(one.startsWith(literalPrefix(text)), `${text} matches ${one}`).toBe(true);
        }
      }),
      { numRuns: 2_000, seed: 20261122 },
    );
    expect(matched).toBeGreaterThan(2_000);
  });
});

describe('compilePattern', () => {
  it('compares beginnings as the program would', () => {
    let matched = 0;
    const source = fc.stringMatching(/^\^?(?:\/|[ab-]|\\\.|\\\/|\.|_|~){0,6}(?:\.\*\$?|\$|\.\+)?$/);
    const asked = fc.stringMatching(/^\/[ab./_~-]{0,8}$/);
    fc.assert(
      fc.property(source, fc.array(asked, { minLength: 20, maxLength: 20 }), (text, paths) => {
        // In a group, nothing is a plain beginning.
        const [plain, program] = [compilePattern(text), compilePattern(`(?:${text})`)];
        for (const one of paths) {
          expect(plain.test(one), `${text} on ${one}`).toBe(program.test(one));
          if (plain.test(one)) matched += 1;
        }
      }),
      { numRuns: 2_000, seed: 20261122 },
    );
    expect(matched).toBeGreaterThan(2_000);
  });

  it.each([
    ['a look-ahead', '(?=a)'],
    ['a look-behind', '(?<=a)b'],
    ['a back-reference', '(a)\\1'],
    ['an open bracket', '[a'],
    ['an open group', '(a'],
    ['a way out of the anchor', 'a)|(b'],
    ['a way out of the anchor, nested', 'a)|(?:b'],
    ['a repeat bomb', '((a{1000}){1000}){1000}'],
    ['too many repeats', 'a{1001}'],
    ['a large program', '(?:a{500}){9}.{1000}'],
    ['a long source', `/${'a'.repeat(5_000)}`],
  ])('refuses %s', (_what, source) => {
    expect(() => compilePattern(source)).toThrow(expect.objectContaining({ code: 'configuration-invalid' }));
  });

  it('is anchored at the start, also of alternatives', () => {
    expect(compilePattern('a|b').test('xb')).toBe(false);
    expect(compilePattern('^a|^b').test('b')).toBe(true);
    expect(compilePattern('(?m)^b').test('a\nb')).toBe(false);
    expect(compilePattern('a$').test('a\n')).toBe(false);
  });

  it('takes time in proportion to the path, whatever the pattern', () => {
    const evil = compilePattern('^/(?:a+)+(?:a|aa)+$');
    const start = performance.now();
    expect(evil.test(`/${'a'.repeat(8_000)}!`)).toBe(false);
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
