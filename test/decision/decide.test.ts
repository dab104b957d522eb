import { describe, expect, it } from 'vitest';
import { decide, decideCredential, ownPathOf } from '../../src/decision/decide.ts';
import {
  CREDENTIALS_REJECTED,
  NOT_RESPONSIBLE,
  SESSION_EXPIRED,
  USER_LOCKED,
} from '../../src/domain/authentication.ts';
import type { Identity } from '../../src/domain/identity.ts';
import { createRateLimits } from '../../src/domain/rate-limits.ts';
import { asked, decided, gateOf, good, plugin } from './asking.ts';

const NONE = plugin('none', NOT_RESPONSIBLE);

/** What comes of one rule for a request with this identity. */
async function withRule(rule: Record<string, unknown>, identity: Partial<Identity> = {}): Promise<string> {
  return decided(gateOf({ paths: [rule], plugins: [plugin('p', good(identity))] }), asked('/'));
}

describe('authenticate', () => {
  const results = [
    ['no credential', NOT_RESPONSIBLE],
    ['a good one', good()],
    ['a bad one', CREDENTIALS_REJECTED],
    ['an old cookie', SESSION_EXPIRED],
    ['a locked user', USER_LOCKED],
  ] as const;
  const expected: Record<string, readonly string[]> = {
    true: [
      'challenge no-credentials 1',
      'allow 1',
      'challenge credentials-rejected 1',
      'challenge session-expired 1',
      'challenge user-locked 1',
    ],
    optional: ['allow 1', 'allow 1', 'challenge credentials-rejected 1', 'allow 1', 'challenge user-locked 1'],
    false: ['allow 1', 'allow 1', 'allow 1', 'allow 1', 'allow 1'],
  };
  for (const mode of [true, 'optional', false] as const) {
    it.each(results.map(([what, result], index) => [what, expected[String(mode)]?.[index], result] as const))(
      `${mode}, %s: %s`,
      async (_what, outcome, result) => {
        expect(
          await decided(gateOf({ paths: [{ authenticate: mode }], plugins: [plugin('p', result)] }), asked('/')),
        ).toBe(outcome);
      },
    );
  }

  it('false looks at nothing and hands on nobody', async () => {
    const instance = plugin('p', good());
    const gate = gateOf({ paths: [{ authenticate: false }], plugins: [instance] });
    const twice = asked('/', {
      headers: ['authorization', 'Basic !', 'Authorization', 'x', 'x-api-key', '1', 'X-API-Key', '2'],
    });
    expect(await decide(gate, twice)).toEqual({ effect: 'allow', identity: null, rule: 1 });
    expect(instance.asked()).toBe(0);
  });

  it('optional hands on the identity of a good credential', async () => {
    const gate = gateOf({ paths: [{ authenticate: 'optional' }], plugins: [plugin('p', good())] });
    expect(await decide(gate, asked('/'))).toMatchObject({ effect: 'allow', identity: { username: 'alice' } });
  });

  it.each([
    [true, 'authorization'],
    [true, 'x-api-key'],
    ['optional', 'authorization'],
    ['optional', 'X-Api-Key'],
  ] as const)(
    '%s refuses two %s lines before any plugin is asked, whatever else is there',
    async (authenticate, name) => {
      const instance = plugin('p', good());
      const gate = gateOf({ paths: [{ authenticate }], plugins: [instance] });
      expect(await decided(gate, asked('/', { headers: [name, 'a', 'cookie', 'x=y', name.toUpperCase(), 'a'] }))).toBe(
        'deny malformed-request 1',
      );
      expect(instance.asked()).toBe(0);
    },
  );
});

describe('lines that a front server joined into one', () => {
  it.each([
    ['authorization', 'Basic eDp5,Basic eDp6', false],
    ['authorization', 'bearer a, Bearer b', false],
    ['authorization', 'Bearer a,', false],
    ['authorization', 'Digest a="b", c="d",basic eDp5', false],
    ['x-api-key', 'a,b', false],
    ['authorization', 'Digest username="a", realm="basic"', true],
    ['authorization', 'Bearer a.b-c_d~e+f/g==', true],
  ] as const)('%s: %s', async (name, value, allowed) => {
    const gate = gateOf({ paths: [{}], plugins: [plugin('p', good())] });
    expect(await decided(gate, asked('/', { headers: [name, value] }))).toBe(
      allowed ? 'allow 1' : 'deny malformed-request 1',
    );
  });
});

describe('users', () => {
  const issuer = plugin('issuer', good({ subject: 'issuer:alice', userId: null, methods: ['issuer'] }));
  const directory = plugin('session', NOT_RESPONSIBLE, { directory: true });

  it.each([
    // Somebody of the directory's name is not somebody of the directory.
    ['a foreign alice beside the directory', [directory, issuer], ['alice'], 'deny user-not-allowed 1'],
    ['named with the issuer', [directory, issuer], ['issuer:alice'], 'allow 1'],
    ['where nobody else can be meant', [issuer], ['alice'], 'allow 1'],
    ['another issuer’s', [directory, issuer], ['other:alice'], 'deny user-not-allowed 1'],
  ] as const)('%s', async (_, plugins, users, decision) => {
    expect(await decided(gateOf({ paths: [{ users }], plugins: [...plugins] }), asked('/'))).toBe(decision);
  });
});

describe('requirements', () => {
  it.each([
    [{ users: ['alice'] }, {}, 'allow 1'],
    [{ users: ['alice', 'bob'] }, { username: 'bob' }, 'allow 1'],
    [{ users: ['alice'] }, { username: 'Alice' }, 'deny user-not-allowed 1'],
    [
      { users: ['alice'] },
      { username: 'mallory', name: 'alice', subject: 'alice', email: 'alice' },
      'deny user-not-allowed 1',
    ],
    [{ roles: ['admin'] }, { roles: ['admin'] }, 'allow 1'],
    [{ roles: ['admin', 'ops'] }, { roles: ['x', 'ops'] }, 'allow 1'],
    [{ roles: ['admin'] }, { roles: [] }, 'deny role-missing 1'],
    [{ roles: ['admin'] }, { roles: ['Admin', 'admins', 'admi', ' admin', 'admin,ops'] }, 'deny role-missing 1'],
    [{ roles: ['admin'] }, { groups: ['admin'] }, 'deny role-missing 1'],
    [{ groups: ['staff'] }, { groups: ['staff'] }, 'allow 1'],
    [{ groups: ['staff'] }, { roles: ['staff'] }, 'deny role-missing 1'],
    [{ scopes: ['read'] }, { scopes: null }, 'allow 1'],
    [{ scopes: ['read'] }, { scopes: ['write', 'read'] }, 'allow 1'],
    [{ scopes: ['read'] }, { scopes: [] }, 'deny scope-missing 1'],
    [{ scopes: ['read'] }, { scopes: ['read:all', 'Read'] }, 'deny scope-missing 1'],
    [{ users: ['alice'], roles: ['admin'] }, { roles: [] }, 'deny role-missing 1'],
    [{ users: ['bob'], roles: ['admin'] }, { roles: ['admin'] }, 'deny user-not-allowed 1'],
    [{ permission: 'x' }, { roles: ['x'], scopes: ['x'] }, 'deny permission-missing 1'],
    [{ mfa: true }, {}, 'challenge mfa-required 1'],
    [{ mfa: false }, {}, 'allow 1'],
    [{ deny: true }, {}, 'deny deny-rule 1'],
  ] as [Record<string, unknown>, Partial<Identity>, string][])('%j with %j: %s', async (rule, identity, outcome) =>
    expect(await withRule(rule, identity)).toBe(outcome),
  );

  it('says who was refused', async () => {
    const gate = gateOf({ paths: [{ roles: ['x'] }], plugins: [plugin('p', good())] });
    expect(await decide(gate, asked('/'))).toMatchObject({ effect: 'deny', identity: { username: 'alice' } });
  });

  it.each([
    [0, 'allow 1'],
    [60_000, 'allow 1'],
    [60_001, 'challenge reauth-required 1'],
    [null, 'challenge reauth-required 1'],
    [Number.NEGATIVE_INFINITY, 'allow 1'],
  ])('max_age with a login %s ms ago: %s', async (ago, outcome) => {
    const now = 1_000_000_000;
    const authenticatedAt = ago === null ? null : now - ago;
    const gate = gateOf({
      paths: [{ max_age: '1m' }],
      plugins: [plugin('p', good({ authenticatedAt }))],
      clock: () => now,
    });
    expect(await decided(gate, asked('/'))).toBe(outcome);
  });
});

describe('plugins and mode', () => {
  const [session, token] = [
    plugin('session', good({ methods: ['session'] }), { login: true }),
    plugin('token', NOT_RESPONSIBLE, { challenge: 'Bearer' }),
  ];

  it('are those of the rule, else the default ones', async () => {
    const paths = [{ path: '/t', plugins: ['token'] }, { path: '/all', mode: 'all' }, { path: '/' }];
    const gate = gateOf({ paths, plugins: [session, token], auth: { default_plugins: ['session', 'token'] } });
    expect(await decided(gate, asked('/t'))).toBe('challenge no-credentials 1');
    expect(await decided(gate, asked('/all'))).toBe('challenge no-credentials 2');
    expect(await decided(gate, asked('/x'))).toBe('allow 3');
    const all = gateOf({ paths, plugins: [session, token], auth: { default_mode: 'all' } });
    expect(await decided(all, asked('/x'))).toBe('challenge no-credentials 3');
    expect(await decided(gateOf({ plugins: [session, token], auth: { default_plugins: ['token'] } }), asked('/'))).toBe(
      'challenge no-credentials 0',
    );
  });

  it('tell the schemes that the rule accepts, each once, and whether a login page helps', async () => {
    const key = plugin('apikey', NOT_RESPONSIBLE, { challenge: 'Bearer' });
    const basic = plugin('basic', NOT_RESPONSIBLE, { challenge: 'Basic realm="x"' });
    const page = plugin('session', NOT_RESPONSIBLE, { login: true });
    const paths = [{ path: '/a' }, { path: '/b', plugins: ['apikey', 'token'] }];
    const gate = gateOf({ paths, plugins: [page, token, key, basic] });
    expect(await decide(gate, asked('/a'))).toMatchObject({ challenges: ['Bearer', 'Basic realm="x"'], login: true });
    expect(await decide(gate, asked('/b'))).toMatchObject({ challenges: ['Bearer'], login: false });
  });

  it('that are not there are no configuration', () => {
    expect(() => gateOf({ paths: [{ plugins: ['nowhere'] }], plugins: [session] })).toThrow(RangeError);
  });
});

describe('what no rule matches', () => {
  it.each([
    ['authenticated', NOT_RESPONSIBLE, 'challenge no-credentials 0'],
    ['authenticated', good(), 'allow 0'],
    ['unauthenticated', NOT_RESPONSIBLE, 'allow 0'],
    ['unauthenticated', CREDENTIALS_REJECTED, 'allow 0'],
    ['deny', good(), 'deny no-rule 0'],
  ] as const)('%s: %o', async (behavior, result, outcome) => {
    const gate = gateOf({
      paths: [{ path: '/a' }],
      auth: { default_behavior: behavior },
      plugins: [plugin('p', result)],
    });
    expect(await decided(gate, asked('/b'))).toBe(outcome);
  });

  it.each([
    ['authenticated', NOT_RESPONSIBLE, 'challenge'],
    ['authenticated', good(), 'allow'],
    // Asked whether a credential is good, a gate that lets everybody in still tells.
    ['unauthenticated', CREDENTIALS_REJECTED, 'challenge'],
    ['unauthenticated', good(), 'allow'],
    ['deny', good(), 'deny'],
  ] as const)('%s: a check without a target, %o', async (behavior, result, effect) => {
    const gate = gateOf({ auth: { default_behavior: behavior }, plugins: [plugin('p', result)] });
    expect((await decideCredential(gate, asked('/'))).effect).toBe(effect);
  });
});

describe('own paths', () => {
  const login = plugin('session', NOT_RESPONSIBLE, { login: true });
  const oidc = plugin('corp', NOT_RESPONSIBLE, {
    paths: [{ path: '/corp/callback', methods: ['GET'], description: 'x', handle: () => new Response() }],
  });
  const gate = gateOf({ paths: [{ deny: true }], plugins: [login, oidc], publicUrl: 'https://auth.example.com/gate' });

  it.each([
    ['https://auth.example.com/gate/login?rd=x', 'allow 0'],
    ['https://auth.example.com/gate/logout', 'allow 0'],
    ['https://auth.example.com/gate/corp/callback?code=1', 'allow 0'],
    ['https://AUTH.example.com:443/gate/login', 'allow 0'],
    ['https://app.example.com/gate/login', 'deny deny-rule 1'],
    ['https://auth.example.com:8443/gate/login', 'deny deny-rule 1'],
    ['http://auth.example.com/gate/login', 'deny deny-rule 1'],
    ['https://auth.example.com/login', 'deny deny-rule 1'],
    ['https://auth.example.com/gate/login/', 'deny deny-rule 1'],
    ['https://auth.example.com/gate/login/../admin', 'deny deny-rule 1'],
    ['https://auth.example.com/gate/%6cogin', 'deny deny-rule 1'],
    ['https://auth.example.com//gate/login', 'deny deny-rule 1'],
    ['https://auth.example.com/gate/login;x', 'deny deny-rule 1'],
  ])('%s: %s', async (url, outcome) => expect(await decided(gate, asked(url))).toBe(outcome));

  it('are there only with their plugin, and say whose they are', () => {
    expect(ownPathOf(gate, asked('https://auth.example.com/gate/corp/callback'))?.plugin).toBe('corp');
    expect(ownPathOf(gateOf({ plugins: [NONE] }), asked('https://auth.example.com/login'))).toBeNull();
  });
});

describe('rate_limit', () => {
  it('counts users and, where nobody is known, addresses; only what would be allowed counts', async () => {
    let now = 0;
    const byHeader = plugin('p', ({ headers }) =>
      headers.get('u')
        ? good({ subject: headers.get('u') ?? '', roles: headers.get('u') === 'c' ? [] : ['r'] })
        : NOT_RESPONSIBLE,
    );
    const paths = [
      { path: '/u', roles: ['r'], rate_limit: { requests: 2, per: '1m' } },
      { path: '/a', authenticate: 'optional', rate_limit: { requests: 60, per: '1m', burst: 1 } },
    ];
    const gate = gateOf({ paths, plugins: [byHeader], clock: () => now });
    const ask = (url: string, user: string | null, address: string | null = '192.0.2.1') =>
      decided(gate, asked(url, { headers: user === null ? [] : ['u', user], address }));
    for (let index = 0; index < 5; index += 1) expect(await ask('/u', 'c')).toBe('deny role-missing 1');
    expect([await ask('/u', 'a'), await ask('/u', 'a'), await ask('/u', 'a'), await ask('/u', 'b')]).toEqual([
      'allow 1',
      'allow 1',
      'limited rate-limited 1',
      'allow 1',
    ]);
    expect([await ask('/a', null), await ask('/a', null), await ask('/a', null, '192.0.2.2')]).toEqual([
      'allow 2',
      'limited rate-limited 2',
      'allow 2',
    ]);
    expect([await ask('/a', null, null), await ask('/a', null, null)]).toEqual(['allow 2', 'limited rate-limited 2']);
    // Whoever has one IPv6 address has all of its /64.
    expect([await ask('/a', null, '2001:db8::1'), await ask('/a', null, '2001:db8::ffff:2')]).toEqual([
      'allow 2',
      'limited rate-limited 2',
    ]);
    expect(await ask('/a', null, '2001:db8:0:1::1')).toBe('allow 2');
    // A user cannot use up an address, nor the other way round.
    expect([await ask('/a', '192.0.2.1'), await ask('/a', 'address 192.0.2.1')]).toEqual(['allow 2', 'allow 2']);
    expect(await decide(gate, asked('/u', { headers: ['u', 'a'] }))).toMatchObject({ retryAfter: 30 });
    now = 30_000;
    expect(await ask('/u', 'a')).toBe('allow 1');
  });

  const byUser = plugin('p', ({ headers }) =>
    headers.get('u') ? good({ subject: headers.get('u') ?? '' }) : NOT_RESPONSIBLE,
  );
  const asUser = (url: string, user: string) => asked(url, { headers: ['u', user] });
  const once = { per: '1h', burst: 1 };

  it('is one for all rules that have none of their own, the default and a check without a target', async () => {
    const paths = [
      { path: '/a' },
      { path: '/b' },
      { path: '/own', rate_limit: { requests: 1, per: '1h' } },
      { path: '/spelt', rate_limits: { requests: once } },
      { path: '/free', rate_limit: false },
      { path: '/public', authenticate: false },
      { path: '/never', deny: true },
    ];
    const gate = gateOf({
      paths,
      plugins: [byUser],
      rateLimits: { requests: { per: '1h', burst: 2 } },
      clock: () => 0,
    });
    const ask = (url: string, user = 'a') => decided(gate, asUser(url, user));
    expect([await ask('/a'), await ask('/b'), await ask('/a'), await ask('/elsewhere')]).toEqual([
      'allow 1',
      'allow 2',
      'limited rate-limited 1',
      'limited rate-limited 0',
    ]);
    // Another rule's own limit is another one, and takes its place; none is none.
    expect([await ask('/own'), await ask('/own')]).toEqual(['allow 3', 'limited rate-limited 3']);
    expect([await ask('/spelt'), await ask('/spelt')]).toEqual(['allow 4', 'limited rate-limited 4']);
    for (let times = 0; times < 5; times += 1) expect(await ask('/free')).toBe('allow 5');
    expect(await ask('/never')).toBe('deny deny-rule 7');
    expect(await ask('/elsewhere', 'b')).toBe('allow 0');
    // A path that looks at no credential knows an address, whoever comes with one.
    expect([await ask('/public'), await ask('/public', 'b'), await ask('/public', 'c')]).toEqual([
      'allow 6',
      'allow 6',
      'limited rate-limited 6',
    ]);
    const bare = gateOf({ plugins: [byUser], rateLimits: { requests: once }, clock: () => 0 });
    expect((await decideCredential(bare, asUser('/', 'a'))).effect).toBe('allow');
    expect((await decideCredential(bare, asUser('/', 'a'))).effect).toBe('limited');
  });

  it('is the user’s, by however many credentials of however many plugins', async () => {
    const other = plugin('q', ({ headers }) =>
      headers.get('k') ? good({ subject: headers.get('k') ?? '', methods: ['q'] }) : NOT_RESPONSIBLE,
    );
    const gate = gateOf({
      plugins: [byUser, other],
      rateLimits: { requests: { per: '1h', burst: 2 } },
      clock: () => 0,
    });
    expect(await decided(gate, asUser('/', 'usr_1'))).toBe('allow 0');
    expect(await decided(gate, asked('/', { headers: ['k', 'usr_1'], address: '198.51.100.1' }))).toBe('allow 0');
    expect(await decided(gate, asUser('/', 'usr_1'))).toBe('limited rate-limited 0');
    expect(await decided(gate, asked('/', { headers: ['k', 'usr_1'] }))).toBe('limited rate-limited 0');
  });

  it('says what was used up, and when to come again', async () => {
    const limit = { requests: 2, per: '1s', burst: 4, block: '1500ms' };
    const gate = gateOf({ paths: [{ path: '/', rate_limit: limit }], plugins: [byUser], clock: () => 0 });
    for (let times = 0; times < 4; times += 1) expect(await decided(gate, asUser('/', 'a'))).toBe('allow 1');
    expect(await decide(gate, asUser('/', 'a'))).toEqual({
      effect: 'limited',
      reason: 'rate-limited',
      rule: 1,
      retryAfter: 2,
      quota: { policy: 'requests', limit: 4, window: 2 },
    });
  });

  it('goes on in the next configuration, also where a rule was put in before it; a new limit begins anew', async () => {
    const { get } = createRateLimits(() => 0);
    const limited = { path: '/a', rate_limit: { requests: 1, per: '1h' } };
    const build = (paths: Record<string, unknown>[]) => gateOf({ paths, plugins: [byUser], makeRateLimit: get });
    const first = build([limited]);
    expect(await decided(first, asUser('/a', 'a'))).toBe('allow 1');
    const next = build([{ path: '/b' }, { ...limited, roles: undefined }]);
    expect(await decided(next, asUser('/a', 'a'))).toBe('limited rate-limited 2');
    expect(await decided(first, asUser('/a', 'a'))).toBe('limited rate-limited 1');
    const wider = build([{ path: '/a', rate_limit: { requests: 2, per: '1h' } }]);
    expect(await decided(wider, asUser('/a', 'a'))).toBe('allow 1');
  });
});
