import { describe, expect, it } from 'vitest';
import { load, problems } from './loading.ts';

/** The problems of one rule, without the rule's own place. */
async function rule(keys: string): Promise<string[]> {
  const found = await problems(`auth_plugins: {session: {}, basic: {}}\npaths:\n  - {path: /a, ${keys}}\n`);
  return found.map((problem) => problem.replace(/ 3:\d+ paths\[0\]\.?/, ' '));
}

describe('contradictory rules', () => {
  it.each([
    [
      'deny: true, authenticate: true, mode: any, rate_limit: {requests: 1, per: 1s}',
      ['authenticate', 'mode', 'rate_limit'],
    ],
    [
      'deny: true, users: [a], roles: [a], groups: [a], scopes: [a], max_age: 1m',
      ['users', 'roles', 'groups', 'scopes', 'max_age'],
    ],
    ['deny: true, plugins: [basic]', ['plugins']],
    [
      'authenticate: false, plugins: [basic], mode: any, users: [a], max_age: 1m',
      ['plugins', 'mode', 'users', 'max_age'],
    ],
    [
      'authenticate: optional, users: [a], roles: [a], groups: [a], scopes: [a], max_age: 1m',
      ['users', 'roles', 'groups', 'scopes', 'max_age'],
    ],
    ['plugins: []', ['plugins']],
  ])('{%s}', async (keys, expected) => {
    expect(await rule(keys)).toEqual(expected.map((key) => `contradictory-rule ${key}`));
  });

  it.each([
    'deny: true, methods: [POST], networks: [10.0.0.0/8]',
    'authenticate: false, rate_limit: {requests: 1, per: 1s}, mfa: false',
    'authenticate: optional, plugins: [basic, session], mode: any, rate_limit: {requests: 1, per: 1s}',
    'authenticate: true, roles: [a], max_age: 5m, mode: all, plugins: [basic, session]',
  ])('not {%s}', async (keys) => {
    expect(await rule(keys)).toEqual([]);
  });

  it('a regular expression without a path', async () => {
    expect(await problems('paths:\n  - {host: a.example, regex: true}\n')).toEqual([
      'contradictory-rule 2:30 paths[0].regex',
    ]);
  });
});

describe('rules', () => {
  it.each([
    ['methods: [get]', 'invalid-value methods[0]'],
    ['methods: ["GET "]', 'invalid-value methods[0]'],
    ['methods: [GETT]', 'invalid-value methods[0]'],
    ['methods: [GET, POTS]', 'invalid-value methods[1]'],
    ['methods: [propfind]', 'invalid-value methods[0]'],
    ['methods: ["*"]', 'invalid-value methods[0]'],
    ['methods: [ANY]', 'invalid-value methods[0]'],
    ['methods: [all]', 'invalid-value methods[0]'],
    ['headers: {X-A: a, X-B: b, x-a: c}', 'duplicate-key headers.x-a'],
    ['networks: [10.0.0.0/33]', 'invalid-value networks[0]'],
    ['networks: [example.com]', 'invalid-value networks[0]'],
    ['host: "a.example:0"', 'invalid-value host'],
    ['host: "a.example:65536"', 'invalid-value host'],
    ['host: "https://a.example"', 'invalid-value host'],
    ['host: "a.*.example"', 'invalid-value host'],
    ['headers: {"X Y": a}', 'invalid-value headers."X Y"'],
    ['max_age: 5', 'wrong-type max_age'],
    ['max_age: 5 minutes', 'invalid-value max_age'],
    ['max_age: 0s', 'invalid-value max_age'],
    ['rate_limit: {requests: 0, per: 1m}', 'invalid-value rate_limit.requests'],
    ['rate_limit: {requests: 1}', 'missing-key rate_limit.per'],
    ['roles: [""]', 'invalid-value roles[0]'],
    ['roles: []', 'invalid-value roles'],
    ['roles: admin', 'wrong-type roles'],
    ['plugins: [basic, basic]', 'duplicate-name plugins[1]'],
    ['plugins: [basik]', 'unknown-plugin plugins[0]'],
    ['mode: some', 'invalid-value mode'],
    ['permission: read', 'warning not-in-this-version permission'],
    ['mfa: true', 'warning not-in-this-version mfa'],
    ['path: /b', 'duplicate-key path'],
  ])('refuse {%s}', async (keys, expected) => {
    expect(await rule(keys)).toEqual([expected]);
  });

  it.each([
    'host: "*.example.com:8443"',
    'host: "[::1]:80"',
    'methods: [GET, PROPFIND, PURGE, LIST, BAN, FETCH, x-own]',
    'networks: ["::1", 10.0.0.0/8]',
  ])('take {%s}', async (keys) => {
    expect(await rule(keys)).toEqual([]);
  });

  it('say what is wrong with a pattern and not what it is: a part may have come from the environment', async () => {
    const text = 'paths: [{path: "$' + '{X}(", regex: true}, {path: "(?=x)", regex: true}]';
    const { problems: found } = await load(text, { env: { X: 'hunter2hunter2' } });
    expect(found.map(({ message }) => message)).toEqual([
      'no RE2 pattern: error parsing regexp: missing closing )',
      'no RE2 pattern: error parsing regexp: invalid or unsupported Perl syntax: `(?=`',
    ]);
  });

  it.each(['"(?=x)"', "'(a)\\1'", '"a{1001}"', '"("', '")|("', '"((a{100}){100}){100}"'])(
    'refuse the pattern %s',
    async (pattern) => {
      expect(await problems(`paths:\n  - {path: ${pattern}, regex: true}\n`)).toEqual([
        'invalid-pattern 2:12 paths[0].path',
      ]);
    },
  );

  it('tells where a literal path looks like a pattern', async () => {
    expect(await problems('paths:\n  - {path: "^/a"}\n')).toEqual(['invalid-value 2:12 paths[0].path']);
  });

  it.each([
    ['path: /admin/, roles: [admin]', ['warning doubtful-path path']],
    ['path: /admin/, deny: true', ['warning doubtful-path path']],
    ['path: "/admin/*", roles: [admin]', ['warning doubtful-path path']],
    ['path: "/public/*", authenticate: false', ['warning doubtful-path path']],
    ['path: /, roles: [admin]', []],
    ['path: /public/, authenticate: false', []],
    ['path: "^/admin/.*", regex: true, roles: [admin]', []],
  ])('tell of {%s} whether it leaves out what was probably meant', async (keys, expected) => {
    const found = await problems(`paths:\n  - {${keys}}\n`);
    expect(found.map((problem) => problem.replace(/ 2:\d+ paths\[0\]\.?/, ' '))).toEqual(expected);
  });

  it('take a path with a slash at its end where another rule has the path without it', async () => {
    const rules = 'paths:\n  - {path: /a/, roles: [admin]}\n  - {path: /a, roles: [user]}\n';
    expect(await problems(rules)).toEqual([]);
  });

  it('count against the instances that are configured, also those that are wrong', async () => {
    expect(await problems('auth_plugins: {jwt: {foo: 1}}\nauth: {default_plugins: [jwt, session]}\n')).toEqual([
      'missing-key 1:16 auth_plugins.jwt',
      'unknown-key 1:22 auth_plugins.jwt.foo',
      'unknown-plugin 2:31 auth.default_plugins[1]',
    ]);
    expect(await problems('auth: {default_plugins: [session, token, apikey]}\n')).toEqual([]);
  });
});
