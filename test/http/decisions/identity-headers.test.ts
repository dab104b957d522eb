import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isIdentityHeaderName } from '../../../src/domain/identity-header.ts';
import { compileIdentityHeaders, encodeValue, renderIdentityHeaders } from '../../../src/http/identity-headers.ts';
import { makeIdentity } from '../../../src/plugins/plugin-api.ts';

const ALICE = makeIdentity({
  subject: 'usr_1',
  username: 'alice',
  name: 'Alice Ä.',
  email: 'alice@example.com',
  roles: ['admin', 'a,b', 'ö'],
  groups: ['staff', '100%'],
  methods: ['session', 'basic'],
  claims: { department: 'R&D', tags: ['x,y', 'z'], nested: { a: 'é' }, count: 3, none: null },
});

function rendered(configured: Parameters<typeof compileIdentityHeaders>[0], identity = ALICE as typeof ALICE | null) {
  const flat = renderIdentityHeaders(compileIdentityHeaders(configured), identity);
  return Object.fromEntries(
    Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index], flat[2 * index + 1]]),
  );
}

describe('presets', () => {
  it('x-auth', () => {
    expect(rendered('x-auth')).toEqual({
      'X-Auth-User': 'alice',
      'X-Auth-Subject': 'usr_1',
      'X-Auth-Name': 'Alice %C3%84.',
      'X-Auth-Email': 'alice@example.com',
      'X-Auth-Roles': 'admin,a%2Cb,%C3%B6',
      'X-Auth-Groups': 'staff,100%25',
      'X-Auth-Method': 'session+basic',
    });
  });

  it.each([
    [
      'remote',
      [
        'Remote-User',
        'Remote-Subject',
        'Remote-Name',
        'Remote-Email',
        'Remote-Roles',
        'Remote-Groups',
        'Remote-Method',
      ],
    ],
    [
      'x-forwarded',
      [
        'X-Forwarded-User',
        'X-Forwarded-Preferred-Username',
        'X-Forwarded-Email',
        'X-Forwarded-Roles',
        'X-Forwarded-Groups',
      ],
    ],
    [
      'python-auth-proxy',
      [
        'X-Auth-User',
        'X-Auth-Role',
        'X-Auth-User-ID',
        'X-Auth-User-Email',
        'X-Auth-User-Name',
        'X-Auth-User-Groups',
        'X-Auth-User-Roles',
        'X-Auth-User-Claims',
      ],
    ],
  ] as const)('%s: every header, empty for nobody', (preset, names) => {
    expect(Object.keys(rendered(preset))).toEqual(names);
    expect(Object.values(rendered(preset, null))).toEqual(names.map(() => ''));
  });

  it('with claims added, which are empty where unknown', () => {
    const added = {
      preset: 'remote' as const,
      'X-Dept': 'department',
      'X-Tags': 'tags',
      'X-Nested': 'nested',
      'X-Count': 'count',
      'X-None': 'none',
      'X-Gone': 'gone',
      'X-Proto': '__proto__',
      'X-Make': 'constructor',
    };
    expect(rendered(added)).toMatchObject({
      'Remote-User': 'alice',
      'X-Dept': 'R&D',
      'X-Tags': 'x%2Cy,z',
      'X-Nested': '{"a":"%C3%A9"}',
      'X-Count': '3',
      'X-None': '',
      'X-Gone': '',
      'X-Proto': '',
      'X-Make': '',
    });
    expect(rendered(added, null)).toMatchObject({ 'X-Dept': '', 'X-Proto': '' });
  });

  it('with claims that a plugin hands on, whatever they are called and wherever they stand', () => {
    const headers = compileIdentityHeaders('x-auth', [
      { 'X-Auth-Claim-Roles': 'roles', 'X-Auth-Claim-Realm': 'realm_access.name' },
    ]);
    const claims = { roles: ['of-the-token'], realm_access: { name: 'example' } };
    const rendered = renderIdentityHeaders(
      headers,
      makeIdentity({ subject: 'i:a', username: 'a', methods: ['i'], claims }),
    );
    expect(rendered[rendered.indexOf('X-Auth-Roles') + 1]).toBe('');
    expect(rendered[rendered.indexOf('X-Auth-Claim-Roles') + 1]).toBe('of-the-token');
    expect(rendered[rendered.indexOf('X-Auth-Claim-Realm') + 1]).toBe('example');
  });

  it('with a header renamed in another case is that header once', () => {
    const flat = renderIdentityHeaders(compileIdentityHeaders({ 'x-auth-user': 'email' }), ALICE);
    expect(flat.filter((one) => one.toLowerCase() === 'x-auth-user')).toHaveLength(1);
    expect(flat).toContain('alice@example.com');
  });
});

describe('encodeValue', () => {
  it.each([
    ['', ''],
    ['alice', 'alice'],
    ['Alice A.', 'Alice A.'],
    [' a ', '%20a%20'],
    ['  ', '%20%20'],
    ['a\r\nSet-Cookie: x=1', 'a%0D%0ASet-Cookie: x=1'],
    ['a\0b\x7f\t', 'a%00b%7F%09'],
    ['100%', '100%25'],
    ['%0d%0a', '%250d%250a'],
    ['日本', '%E6%97%A5%E6%9C%AC'],
    ['\ud83d\ude00', '%F0%9F%98%80'],
    ['a\ud800b', 'a%EF%BF%BDb'],
    ['\u00a0\u2028', '%C2%A0%E2%80%A8'],
  ])('%j: %j', (text, value) => expect(encodeValue(text)).toBe(value));

  it('is visible ASCII, whatever it is given, and can be undone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const value = encodeValue(text);
        expect(value).toMatch(/^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/);
        expect(decodeURIComponent(value)).toBe(text.toWellFormed());
      }),
      { numRuns: 3_000, seed: 20261122 },
    );
  });
});

describe('list members', () => {
  it('cannot be made of one member with a comma', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 }), { maxLength: 4 }), (roles) => {
        const value = rendered('x-auth', { ...ALICE, roles })['X-Auth-Roles'] ?? '';
        expect(value === '' ? [] : value.split(',').map(decodeURIComponent)).toEqual(roles);
      }),
      { numRuns: 1_000, seed: 20261122 },
    );
  });
});

describe('names of identity headers', () => {
  it.each(['X-Auth-User', 'Remote-User', 'x-user2'])('%s can be one', (name) =>
    expect(isIdentityHeaderName(name)).toBe(true),
  );
  it.each([
    '',
    'X Auth',
    'X_Auth_User',
    'X-Auth:',
    'X-Auth\r\n',
    'é',
    'Content-Length',
    'transfer-encoding',
    'Set-Cookie',
    'Connection',
    'Location',
    'X-Auth-Reason',
    'X-Auth-Page',
    'X-Original-URL',
    'X-Forwarded-For',
    'Host',
    'a'.repeat(65),
  ])('%j cannot', (name) => expect(isIdentityHeaderName(name)).toBe(false));
});
