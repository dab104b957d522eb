import { describe, expect, it } from 'vitest';
import { createSafeRedirect, readRedirect, redirectParameter } from '../../src/http/redirects.ts';

const safeRedirect = createSafeRedirect({
  publicUrl: 'https://auth.example.com/gate',
  allowedRedirects: ['https://*.example.com', 'https://other.test', 'http://dev.test:8080', 'https://*.deep.test:8443'],
});

describe('where login leads', () => {
  it.each([
    'https://app.example.com',
    'https://app.example.com/',
    'https://app.example.com/a/../b//c;d?x=1&y=%2f%2F&z=a+b#frag',
    'https://a.b.c.example.com/x',
    'https://app.example.com:443/x',
    'https://APP.Example.com/x',
    'HTTPS://app.example.com/x',
    'https://other.test/?next=https://evil.test/',
    'http://dev.test:8080/x',
    'https://x.deep.test:8443/',
    'https://auth.example.com/anything',
    'https://app.example.com/@evil.test',
    'https://app.example.com?user@evil.test',
    // A browser leaves a backslash in a query as it is, and so do we.
    'https://app.example.com/search?re=\\d+|[^a]',
    '/',
    '/gate/account',
    '/path?rd=//evil.test',
    '/a//b/../c',
    '/it\'s/"quoted"/<x>',
  ])('leads to %s exactly as it stands', (url) => {
    expect(safeRedirect(url)).toBe(url);
  });

  it.each([
    '',
    ' ',
    'evil.test',
    'evil.test/x',
    'app.example.com',
    '//evil.test',
    '//app.example.com',
    '///evil.test',
    '/\\evil.test',
    '\\/evil.test',
    '\\\\evil.test',
    '/a\\b',
    '/\t/evil.test',
    '/\n/evil.test',
    '/\r\nSet-Cookie: a=b',
    '\t//evil.test',
    ' https://app.example.com/',
    'https://app.example.com/ ',
    'https://app.example.com/a b',
    'https://app.exa\tmple.com/',
    'https://app.example.com\n.evil.test/',
    'https://app.example.com/\0',
    'https:evil.test',
    'https:/evil.test',
    'https:///evil.test',
    'https:\\\\app.example.com',
    'https:app.example.com',
    'https:/app.example.com',
    'https:///app.example.com',
    'https://app.example.com\\@evil.test',
    'https://evil.test\\.example.com',
    'https://evil.test#.example.com',
    'https://evil.test?.example.com',
    'https://evil.test/.example.com',
    'https://app.example.com@evil.test',
    'https://app.example.com:443@evil.test/',
    'https://user@app.example.com/',
    'https://user:pass@app.example.com/',
    'https://@app.example.com/',
    'https://evilexample.com/',
    'https://example.com.evil.test/',
    'https://app.example.com.evil.test/',
    // `*.example.com` is below example.com, not itself.
    'https://example.com/',
    'https://.example.com/',
    'https://..example.com/',
    'https://app.example.com./',
    'https://app.example.com:8443/',
    'https://app.example.com:/',
    'https://app.example.com:0443/',
    'https://app.example.com:80/',
    'http://app.example.com/',
    'http://app.example.com:443/',
    'http://auth.example.com/',
    'https://auth.example.com:8443/',
    'https://sub.other.test/',
    'http://dev.test/',
    'http://dev.test:80/',
    'https://x.deep.test/',
    'https://app%2eexample.com/',
    'https://evil.test%2f.example.com/',
    'https://evil.test%00.example.com/',
    'https://evil。example。com/',
    'https://evil。test/.example.com',
    'https://app.example。com/',
    'https://еvil.example.com/',
    'https://0x7f.1/',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)//https://app.example.com/',
    'java\nscript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    'ftp://app.example.com/',
    'blob:https://app.example.com/x',
    'view-source:https://app.example.com/',
    'https',
    'https://',
    '?x',
    '#x',
    // Round in circles.
    '/gate/login',
    '/gate/login?rd=/x',
    '/gate/logout',
    '/gate/login/',
    '/gate/x/../login',
    '/gate/x/%2e%2e/login',
    '/gate/log%69n',
    'https://auth.example.com/gate/login?rd=https://auth.example.com/gate/login',
    'https://AUTH.example.com:443/gate/logout',
    `https://app.example.com/${'a'.repeat(9_000)}`,
  ])('does not lead to %j', (url) => {
    expect(safeRedirect(url)).toBeNull();
  });

  it('percent-encodes what is not ASCII', () => {
    expect(safeRedirect('https://app.example.com/é/日?ü')).toBe('https://app.example.com/%C3%A9/%E6%97%A5?%C3%BC');
    expect(safeRedirect('/\ud800')).toBe('/%EF%BF%BD');
  });

  it('leads nowhere without a wish', () => {
    expect(safeRedirect(null)).toBeNull();
  });

  it('knows its own origin alone when nothing is allowed', () => {
    const own = createSafeRedirect({ publicUrl: 'http://127.0.0.1:9190', allowedRedirects: [] });
    expect(own('http://127.0.0.1:9190/x')).toBe('http://127.0.0.1:9190/x');
    expect(own('/x')).toBe('/x');
    expect(own('/login')).toBeNull();
    expect(own('http://127.0.0.1/x')).toBeNull();
    expect(own('http://127.0.0.1:9191/x')).toBeNull();
    expect(own('http://127.1:9190/x')).toBeNull();
  });
});

describe('the rd parameter of a raw target', () => {
  it.each([
    ['/login', null],
    ['/login?', null],
    ['/login?x=1', null],
    ['/login?xrd=/a', null],
    ['/login?rd=', ''],
    ['/login?rd=/a%3Fb=1&x=2', '/a?b=1'],
    ['/login?x=2&rd=%2Fa%2Bb', '/a+b'],
    ['/login?rd=%2Fa+b', '/a+b'],
    ['/login?rd=/first&rd=/second', '/first'],
    ['/login?rd=https%3A%2F%2Fapp.example.com%2F%3Fa%3D1%26b%3D%2525&x=1', 'https://app.example.com/?a=1&b=%25'],
    // Not percent-encoded: as it stands, to the end.
    ['/login?rd=https://app.example.com/p?a=1&b=%2F&rd=x#y', 'https://app.example.com/p?a=1&b=%2F&rd=x#y'],
    ['/login?x=1&rd=http://app.example.com/?a=1&b=2', 'http://app.example.com/?a=1&b=2'],
    // Bytes beyond ASCII need not be UTF-8.
    ['/login?rd=%2F%C3%A9%FF', '/%C3%A9%FF'],
    ['/login?rd=/100%25%zz%', '/100%%zz%'],
    ['/login?rd=%2F%0d%0aX', '/\r\nX'],
  ])('%j is %j', (target, value) => {
    expect(readRedirect(target)).toBe(value);
  });
});

describe('the parameter that is read', () => {
  it.each([
    'https://app.example.com/a?x=1&y=%2f+%zz&z=a;b,c',
    'https://app.example.com/"<>^{}|`\\?rd=https://app.example.com/&rd=2#f',
    'https://app.example.com/?',
  ])('leads back to %s', (url) => {
    expect(readRedirect(`/login?prompt=login&${redirectParameter(url)}`)).toBe(url);
  });

  it.each([
    ['a query in UTF-8', 'q=ä€😀', 'q=%C3%A4%E2%82%AC%F0%9F%98%80'],
    ['bytes that are no text', Buffer.from('q=\xe4\xff', 'latin1'), 'q=%E4%FF'],
  ])('leads back to %s, sent as it is', (_what, query, encoded) => {
    const url = `https://app.example.com/?${Buffer.from(query).toString('latin1')}`;
    const parameter = redirectParameter(url);
    expect(parameter).toMatch(/^rd=[\x21-\x7e]+$/);
    expect(safeRedirect(readRedirect(`/login?${parameter}`))).toBe(`https://app.example.com/?${encoded}`);
  });
});
