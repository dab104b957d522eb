import { describe, expect, it } from 'vitest';
import { configurationSchema } from '../../src/config/schema.ts';
import { checkPolicy } from '../../src/decision/policy.ts';
import { type Asked, asked, decided, gateOf } from './asking.ts';

/** Rule 1 is the rule in question and public; everything else is denied by rule 2. */
async function matches(rule: Record<string, unknown>, url: string, how: Asked = {}): Promise<boolean | string> {
  const gate = gateOf({ paths: [{ ...rule, authenticate: false }, { deny: true }] });
  const outcome = await decided(gate, asked(url, how));
  return outcome === 'allow 1' ? true : outcome === 'deny deny-rule 2' ? false : outcome;
}

describe('a literal path', () => {
  it.each([
    ['/health', '/health', true],
    ['/health', '/health/', true],
    ['/health', '/health/live', true],
    ['/health', '/health?x=/admin', true],
    ['/health', '/healthz', false],
    ['/health', '/health-admin', false],
    ['/health', '/health.json', false],
    ['/health', '/health;x', 'deny ambiguous-path 0'],
    ['/health', '/healt', false],
    ['/health', '/Health', false],
    ['/health', '/x/health', false],
    ['/health', '/', false],
    ['/health/', '/health', false],
    ['/health/', '/health/', true],
    ['/health/', '/health/x', true],
    ['/', '/', true],
    ['/', '/anything/at/all', true],
    ['/a b', '/a%20b/c', true],
    ['/café', '/caf%C3%A9', true],
    ['/a.b', '/axb', false],
    ['/a*', '/a*', true],
    ['/a*', '/ab', false],
  ])('%s with %s: %s', async (path, url, expected) => expect(await matches({ path }, url)).toBe(expected));
});

describe('a regular expression', () => {
  it.each([
    ['/a/.*', '/a/b', true],
    ['/a/.*', '/x/a/b', false],
    ['a', '/a', false],
    ['^/a$', '/a', true],
    ['^/a$', '/a/b', false],
    ['^/a', '/ab', true],
    ['/a|/b', '/b/c', true],
    ['/a|/b', '/x/b', false],
    ['^/a|/b$', '/x/b', false],
    ['(?i)/admin', '/ADMIN', true],
    ['/admin', '/ADMIN', false],
    ['/a\\.b', '/a.b', true],
    ['/a\\.b', '/axb', false],
    ['^/x$', '/x?y', true],
    ['^/x.*y$', '/x?y', false],
    ['/caf.$', '/caf%C3%A9', true],
    ['/\\p{Han}+$', '/%E6%97%A5', true],
  ])('%s with %s: %s', async (path, url, expected) => expect(await matches({ path, regex: true }, url)).toBe(expected));

  it('does not take a line break for the end', async () => {
    expect(await matches({ path: '^/a$', regex: true }, '/a%0ab')).toBe('deny ambiguous-path 0');
  });
});

describe('a host', () => {
  it.each([
    ['app.example.com', 'https://app.example.com/', true],
    ['app.example.com', 'https://APP.Example.COM/', true],
    ['APP.example.com', 'https://app.example.com/', true],
    ['app.example.com', 'https://app.example.com./', true],
    ['app.example.com', 'https://app.example.com:8443/', true],
    ['app.example.com', 'https://x.app.example.com/', false],
    ['app.example.com', 'https://appxexample.com/', false],
    ['*.example.com', 'https://app.example.com/', true],
    ['*.example.com', 'https://a.b.c.example.com./', true],
    ['*.example.com', 'https://example.com/', false],
    ['*.example.com', 'https://evilexample.com/', false],
    ['*.example.com', 'https://app.example.com.evil.org/', false],
    ['app.example.com:443', 'https://app.example.com/', true],
    ['app.example.com:443', 'http://app.example.com/', false],
    ['app.example.com:80', 'http://app.example.com/', true],
    ['app.example.com:8443', 'https://app.example.com:8443/', true],
    ['app.example.com:8443', 'https://app.example.com/', false],
    ['*.example.com:8443', 'https://a.b.example.com:8443/', true],
    ['*.example.com:8443', 'https://a.b.example.com/', false],
    ['[::1]', 'https://[::1]/', true],
    ['[::1]:8443', 'https://[::1]:8443/', true],
    ['[::1]', 'https://[0:0:0:0:0:0:0:1]/', true],
    ['[2001:DB8::0:1]', 'https://[2001:db8::1]/', true],
    ['[::1]', 'https://[::2]/', false],
  ])('%s with %s: %s', async (host, url, expected) => expect(await matches({ host }, url)).toBe(expected));
});

describe('methods', () => {
  it.each([
    [['GET'], 'GET', true],
    [['GET'], 'HEAD', true],
    [['HEAD'], 'GET', false],
    [['GET'], 'get', false],
    [['GET'], 'GETX', false],
    [['GET', 'POST'], 'POST', true],
    [['GET', 'POST'], 'PUT', false],
    [['PROPFIND'], 'PROPFIND', true],
    [['GET'], '', 'deny malformed-request 1'],
  ])('%s with %j: %s', async (methods, method, expected) =>
    expect(await matches({ methods }, '/', { method })).toBe(expected),
  );

  it('make a request without a method refused only where the rule would match otherwise', async () => {
    expect(await matches({ methods: ['GET'], path: '/a' }, '/b', { method: '' })).toBe(false);
    expect(await matches({ methods: ['GET'], host: 'other.example.com' }, '/', { method: '' })).toBe(false);
    expect(await matches({ path: '/a' }, '/a', { method: '' })).toBe(true);
  });
});

describe('networks', () => {
  const networks = ['10.0.0.0/8', '2001:db8::/32'];
  it.each([
    ['10.1.2.3', true],
    ['::ffff:10.1.2.3', true],
    ['2001:db8::5', true],
    ['11.1.2.3', false],
    [null, 'deny malformed-request 1'],
  ])('with %s: %s', async (address, expected) => expect(await matches({ networks }, '/', { address })).toBe(expected));

  it('that are excluded by another condition do not need the address', async () => {
    expect(await matches({ networks, path: '/a' }, '/b', { address: null })).toBe(false);
    expect(await matches({ networks, query: { a: '1' } }, '/?b=1', { address: null })).toBe(false);
  });
});

describe('header fields and query parameters', () => {
  it.each([
    ['X-Kind: a', ['x-kind', 'a'], true],
    ['X-Kind: a', ['X-KIND', 'a'], true],
    ['X-Kind: a', ['x-kind', 'A'], false],
    ['X-Kind: a', ['x-kind', 'ab'], false],
    ['X-Kind: a', ['x_kind', 'a'], false],
    ['X-Kind: a', [], false],
    ['X-Kind: a', ['x-kind', 'b', 'x-kind', 'b'], false],
    ['X-Kind: a', ['x-kind', 'a', 'x-kind', 'a'], true],
    ['X-Kind: a', ['x-kind', 'b', 'x-kind', 'a'], 'deny malformed-request 1'],
    ['X-Kind: a', ['x-kind', 'a', 'x-kind', 'b'], 'deny malformed-request 1'],
  ])('%s with %j: %s', async (_text, headers, expected) => {
    expect(await matches({ headers: { 'X-Kind': 'a' } }, '/', { headers })).toBe(expected);
  });

  it.each([
    ['/?kind=a', true],
    ['/?x=1&kind=a', true],
    ['/?%6bind=%61', true],
    ['/?kind=a+b', false],
    ['/?kind=A', false],
    ['/?Kind=a', false],
    ['/?kind', false],
    ['/?xkind=a', false],
    ['/?kind=a&kind=a', true],
    ['/?kind=a&kind=b', 'deny malformed-request 1'],
    ['/?kind=b&kind=a', 'deny malformed-request 1'],
    ['/?kind=b&%6bind=a', 'deny malformed-request 1'],
    ['/', false],
  ])('kind=a with %s: %s', async (url, expected) =>
    expect(await matches({ query: { kind: 'a' } }, url)).toBe(expected),
  );

  it('reads raw bytes of the query as it reads their percent-encoding', async () => {
    const raw = Buffer.from('/?name=café', 'utf8').toString('latin1');
    expect(await matches({ query: { name: 'café' } }, raw)).toBe(true);
    expect(await matches({ query: { name: 'café' } }, '/?name=caf%C3%A9')).toBe(true);
  });
});

describe('the order of rules', () => {
  it('decides: the first that matches, whether it is a host’s, a literal’s or a pattern’s', async () => {
    const paths = [
      { path: '^/a/b.*', regex: true, deny: true },
      { path: '/a', authenticate: false },
      { host: 'app.example.com', path: '/a/c', deny: true },
      { host: '*.example.com', authenticate: false },
      { deny: true },
    ];
    const gate = gateOf({ paths });
    expect(await decided(gate, asked('/a/b'))).toBe('deny deny-rule 1');
    expect(await decided(gate, asked('/a/c'))).toBe('allow 2');
    expect(await decided(gate, asked('/x'))).toBe('allow 4');
    expect(await decided(gate, asked('https://example.com/x'))).toBe('deny deny-rule 5');
  });

  it('lets a request whose conditions cannot be told fall to no later rule', async () => {
    const gate = gateOf({
      paths: [
        { path: '/a', methods: ['POST'] },
        { path: '/', authenticate: false },
      ],
    });
    expect(await decided(gate, asked('/a', { method: '' }))).toBe('deny malformed-request 1');
    expect(await decided(gate, asked('/b', { method: '' }))).toBe('allow 2');
  });
});

describe('checkPolicy', () => {
  const findings = (paths: Record<string, unknown>[]) =>
    checkPolicy(configurationSchema.parse({ paths })).map(
      ({ rule, code, key }) => `${rule} ${code}${key ? ` ${key}` : ''}`,
    );

  it.each([
    [[{ path: '/a' }, { path: '/a/b' }], ['2 unreachable-rule']],
    [[{ path: '/a' }, { path: '/ab' }], []],
    [[{ path: '/a/' }, { path: '/a' }], []],
    [[{ path: '^/.*', regex: true }, { path: '/x' }], ['2 unreachable-rule']],
    [[{}, { host: 'a.example.com', path: '/x', methods: ['GET'] }], ['2 unreachable-rule']],
    [[{ host: '*.example.com' }, { host: 'a.b.example.com' }], ['2 unreachable-rule']],
    [[{ host: '*.example.com' }, { host: '*.b.example.com' }], ['2 unreachable-rule']],
    [[{ host: '*.example.com' }, { host: 'example.com' }], []],
    [[{ host: 'a.example.com:443' }, { host: 'a.example.com' }], []],
    [[{ host: 'a.example.com' }, { host: 'a.example.com:443' }], ['2 unreachable-rule']],
    [[{ methods: ['GET'] }, { methods: ['HEAD'] }], ['2 unreachable-rule']],
    [[{ methods: ['HEAD'] }, { methods: ['GET'] }], []],
    [[{ methods: ['GET'] }, {}], []],
    [[{ networks: ['10.0.0.0/8'] }, { path: '/a' }], []],
    [[{ path: '/a', headers: { 'X-A': '1' } }, { path: '/a/b' }], []],
    [[{ path: '/a', query: { b: '1' } }, { path: '/a' }], []],
    [[{ path: '^/api', regex: true }, { path: '/api/x' }], ['2 unreachable-rule']],
    [[{ path: '^/api', regex: true }, { path: '/apix' }], ['2 unreachable-rule']],
    [
      [
        { path: '^/api/.*$', regex: true },
        { path: '/api/x/.*', regex: true },
      ],
      ['2 unreachable-rule'],
    ],
    [
      [
        { path: '/api', regex: true },
        { path: '^/apix(a|b)', regex: true },
      ],
      [],
    ],
    [[{ path: '^/api/.*', regex: true }, { path: '/api' }], []],
    [[{ path: '/api' }, { path: '^/api', regex: true }], []],
    [[{ path: '^/api$', regex: true }, { path: '/api' }], []],
    [[{ path: '^/api', regex: true }, {}], []],
    [[{ path: '^/a/.*', regex: true }, { path: '/a/b' }, { path: '/a' }], ['2 unreachable-rule']],
    [[{ networks: ['10.0.0.0/8'] }, { networks: ['10.1.0.0/16', '10.2.3.4'] }], ['2 unreachable-rule']],
    [[{ networks: ['10.0.0.0/8'] }, { networks: ['10.1.0.0/16', '11.0.0.0/8'] }], []],
    [[{ networks: ['10.1.0.0/16'] }, { networks: ['10.0.0.0/8'] }], []],
    [[{ networks: ['10.0.0.0/8'] }, {}], []],
    [[{ headers: { 'X-A': '1' } }, { headers: { 'X-B': '2', 'x-a': '1' } }], ['2 unreachable-rule']],
    [[{ headers: { 'X-A': '1', 'X-B': '2' } }, { headers: { 'X-A': '1' } }], []],
    [[{ query: { a: '1' } }, { query: { a: '1', b: '2' } }], ['2 unreachable-rule']],
    [[{ query: { a: '1' } }, { query: { a: '2', b: '2' } }], []],
    [[{ headers: {}, query: {} }, { path: '/a' }], ['2 unreachable-rule']],
    [[{ path: '/a//b' }], ['1 invalid-value path']],
    [[{ path: '/a/../b' }], ['1 invalid-value path']],
    [[{ path: '/a;b' }], ['1 invalid-value path']],
    [[{ path: '/a\\b' }], ['1 invalid-value path']],
    [[{ path: '/a%20b' }], ['1 invalid-value path']],
    [[{ path: '/a b' }, { path: '/café' }, { path: '/日本' }, { path: '/a[1]{2}|^"<>`' }], []],
  ])('%j: %j', (paths, expected) => expect(findings(paths)).toEqual(expected));
});
