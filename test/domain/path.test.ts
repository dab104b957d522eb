import { describe, expect, it } from 'vitest';
import { MAX_PATH, readPath, toRawPath } from '../../src/domain/path.ts';

function readings(raw: string) {
  const read = readPath(raw);
  if (typeof read === 'string') throw new Error(`${raw} is ${read}`);
  return read;
}

describe('the canonical path', () => {
  it.each([
    ['/', '/'],
    ['/a/b.c', '/a/b.c'],
    ['/a%20b', '/a b'],
    ['/%41%5a%61', '/AZa'],
    ['/caf%C3%A9', '/café'],
    ['/caf%c3%a9', '/café'],
    ['/a//b', '/a/b'],
    ['///a///b///', '/a/b/'],
    ['/a/./b', '/a/b'],
    ['/a/../b', '/b'],
    ['/a/..', '/'],
    ['/a/.', '/a/'],
    ['/../../a', '/a'],
    ['/a/%2e%2e/b', '/b'],
    ['/a/.%2E/b', '/b'],
    ['/a/...', '/a/...'],
    ['/.well-known/x', '/.well-known/x'],
    ['/a%2Fb', '/a%2Fb'],
    ['/a%2fb', '/a%2Fb'],
    ['/a%3Fb', '/a%3Fb'],
    ['/a%23b', '/a%23b'],
    ['/100%25', '/100%25'],
    ['/a;v=1/b', '/a;v=1/b'],
    ['/a\\b', '/a\\b'],
    ['/a%5cb', '/a\\b'],
    ['/a%26b=c+d', '/a&b=c+d'],
  ])('of %s is %s', (raw, canonical) => {
    expect(readings(raw).canonical).toBe(canonical);
  });

  it('is read from raw bytes as from their percent-encoding', () => {
    expect(readings(toRawPath('/café/日本'))).toEqual(readings(encodeURI('/café/日本')));
  });

  it('stands alone where a path can be read in one way', () => {
    for (const raw of [
      '/',
      '/api/v1/users/42',
      '/a-b_c~d.e',
      '/a%20b',
      '/caf%C3%A9',
      '/a:b@c!$&()*+,=',
      '/.well-known/acme',
    ]) {
      expect(readings(raw).others, raw).toEqual([]);
    }
  });
});

describe('other readings', () => {
  it.each([
    ['%2F is a slash', '/public%2Fadmin', '/public/admin'],
    ['%2F takes part in dot segments', '/public/..%2fadmin', '/admin'],
    ['a backslash is a slash', '/public\\..\\admin', '/admin'],
    ['an encoded backslash is a slash', '/public%5c..%5cadmin', '/admin'],
    ['parameters are dropped', '/admin;x=1/y', '/admin/y'],
    ['parameters are dropped from dot segments', '/public/..;/admin', '/admin'],
    ['parameters with an encoded slash are dropped whole', '/public;a%2fb/..%2fadmin/x', '/admin/x'],
    ['encoded parameters are dropped', '/admin%3Bx/y', '/admin/y'],
    ['slashes are not merged', '/a//b', '/a//b'],
    ['slashes count for dot segments', '/admin//../x', '/admin/x'],
    ['dot segments are not resolved', '/admin/../x', '/admin/../x'],
    ['encoded dot segments are not resolved', '/admin/%2e%2e/x', '/admin/../x'],
    ['plain dot segments alone are resolved', '/a/b/%2e%2e/../c', '/a/b/c'],
    ['the path is decoded twice', '/%2561dmin', '/admin'],
    ['the path is decoded twice, with dot segments', '/public/%252e%252e/admin', '/admin'],
    ['the path is decoded three times', '/%252561dmin', '/admin'],
    ['%3F begins the query', '/admin%3F/../public', '/admin'],
    ['%23 begins a fragment', '/admin%23/../public', '/admin'],
    ['dot segments are resolved before %3F begins the query', '/public/%3f/../../admin%3fx', '/admin'],
    ['dot segments are resolved before it is decoded again', '/public/%252e%252e/admin/%252e%252e/../x', '/admin/x'],
    ['a dot at the end of a name is nothing', '/admin./x', '/admin/x'],
    ['a blank at the end of a name is nothing', '/admin%20/x', '/admin/x'],
    ['blanks hide dot segments', '/public/..%20/admin', '/admin'],
    ['what follows two slashes is a host', '//public/admin', '/admin'],
    ['what follows a slash and a backslash is a host', '/\\public/admin', '/admin'],
  ])('%s: %s may be %s', (_what, raw, reading) => {
    expect(readings(raw).others).toContain(reading);
  });
});

describe('what is refused', () => {
  it.each([
    ['', 'malformed-request'],
    ['a', 'malformed-request'],
    ['*', 'malformed-request'],
    ['/a b', 'malformed-request'],
    ['/a\tb', 'malformed-request'],
    ['/a\0', 'malformed-request'],
    ['/a\x7f', 'malformed-request'],
    ['/a?b', 'malformed-request'],
    ['/a#b', 'malformed-request'],
    ['/%', 'malformed-request'],
    ['/%4', 'malformed-request'],
    ['/%zz', 'malformed-request'],
    ['/%u002e', 'malformed-request'],
    ['/%00', 'ambiguous-path'],
    ['/a%0a', 'ambiguous-path'],
    ['/%7f', 'ambiguous-path'],
    ['/%2500', 'ambiguous-path'],
    ['/%c0%ae%c0%ae/a', 'ambiguous-path'],
    ['/%e0%80%af', 'ambiguous-path'],
    ['/%ed%a0%80', 'ambiguous-path'],
    ['/%ff', 'ambiguous-path'],
    ['/\xff', 'ambiguous-path'],
    ['/%25252541', 'ambiguous-path'],
  ])('%j is %s', (raw, why) => {
    expect(readPath(raw)).toBe(why);
  });

  it('a path over 8 KiB, whatever is in it', () => {
    expect(readPath(`/${'a'.repeat(MAX_PATH - 1)}`)).toMatchObject({ others: [] });
    expect(readPath(`/${'a'.repeat(MAX_PATH)}`)).toBe('malformed-request');
    expect(readPath(`/${'%41'.repeat(MAX_PATH / 3 + 1)}`)).toBe('malformed-request');
  });

  it('a path with so many oddities that its readings would take long, in little time', () => {
    const odd = '/a;b//%2e%2e/%2f\\%5c%3b%3f%23%252e./'.repeat(200);
    const start = performance.now();
    expect(readPath(odd)).toBe('ambiguous-path');
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});
