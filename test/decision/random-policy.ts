import fc from 'fast-check';

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
/** What a rule matches on. */
export const matching = fc
  .tuple(
    path,
    maybe('host', host),
    maybe('methods', fc.uniqueArray(fc.constantFrom('GET', 'HEAD', 'POST'), { minLength: 1 })),
    maybe('networks', fc.constantFrom(['10.0.0.0/8'], ['10.1.0.0/16', '::/0'])),
    maybe('headers', fc.constantFrom({ 'X-A': '1' }, { 'x-a': '1', 'X-B': '2' })),
    maybe('query', fc.constantFrom({ a: '1' }, { a: '2' }, { a: '1', b: '2' })),
  )
  .map((parts) => Object.assign({}, ...parts) as Record<string, unknown>);
/** What is asked: a URL as it came, and how. */
export const asking = fc
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
  .map(({ host: name, names, slash, query, ...how }) => ({
    url: `https://${name}/${names.join('/')}${slash && names.length > 0 ? '/' : ''}${query}`,
    ...how,
  }));

const some = (...names: string[]) => fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 2 });
/** What a rule requires. `plugins` are `one` and `two`. */
export const requiring = fc
  .tuple(
    maybe('authenticate', fc.constantFrom(true, false, 'optional')),
    maybe('plugins', some('one', 'two')),
    maybe('mode', fc.constantFrom('any', 'all')),
    maybe('users', some('alice', 'bob', 'nobody')),
    maybe('roles', some('admin', 'ops')),
    maybe('groups', some('staff')),
    maybe('scopes', some('read', 'write')),
    fc.oneof(
      { weight: 6, arbitrary: fc.constant({}) },
      fc.constantFrom({ permission: 'x' }, { mfa: true }, { deny: true }),
    ),
    maybe('max_age', fc.constantFrom('1ms', '10m', '1d')),
    maybe('rate_limit', fc.constantFrom({ requests: 1, per: '1h' }, { requests: 2, per: '1m', burst: 1 })),
  )
  .map((parts) => Object.assign({}, ...parts) as Record<string, unknown>);
