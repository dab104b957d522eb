import { describe, expect, it } from 'vitest';
import { jwtOptions } from '../../src/config/plugin-options.ts';
import type { AuthenticationPlugin } from '../../src/domain/authentication.ts';
import { createJwtPlugin } from '../../src/plugins/jwt.ts';
import { asked } from '../decision/asking.ts';
import { EC, ecdsa, forge, hmac, jwk, OTHER_RSA, pem, RSA, rsa } from './forged-jwt.ts';
import { says } from './plugin-stand.ts';

const NOW = Date.UTC(2026, 0, 1);
const SECONDS = NOW / 1_000;
const SECRET = 'a secret of more than thirty-two bytes, for tests';
const CLAIMS = {
  sub: 'alice',
  iss: 'https://issuer',
  aud: 'app',
  iat: SECONDS - 10,
  exp: SECONDS + 300,
  scope: 'read write',
};

let now = NOW;
const context = { instance: 'mobile', clock: () => now, log: () => {} };
const make = (options: Record<string, unknown> = {}): AuthenticationPlugin =>
  createJwtPlugin(jwtOptions.parse({ secret: SECRET, audience: 'app', issuer: 'https://issuer', ...options }), context);
const HS = { alg: 'HS256', typ: 'JWT' };
const signed = (claims: Record<string, unknown> = {}, header: Record<string, unknown> = HS) =>
  forge(header, { ...CLAIMS, ...claims }, hmac(SECRET));
const without = (name: string) => Object.fromEntries(Object.entries(CLAIMS).filter(([key]) => key !== name));
const bearer = (plugin: AuthenticationPlugin, token: string) => says(plugin, ['authorization', `Bearer ${token}`]);
const identityOf = async (plugin: AuthenticationPlugin, token: string) => {
  const result = await plugin.authenticate(asked('/', { headers: ['authorization', `Bearer ${token}`] }));
  return result.kind === 'authenticated' ? result.identity : result;
};

it('takes a good token, whose subject is nobody of the directory', async () => {
  expect(
    await identityOf(make(), signed({ roles: ['admin'], groups: ['staff'], name: 'A', email: 'a@b' })),
  ).toMatchObject({
    subject: 'mobile:alice',
    username: 'alice',
    name: 'A',
    email: 'a@b',
    userId: null,
    methods: ['mobile'],
    // Roles count only where `claims` maps them.
    roles: [],
    groups: [],
    scopes: ['read', 'write'],
    // When it was issued is no login.
    authenticatedAt: null,
  });
  expect(await identityOf(make(), forge(HS, without('scope'), hmac(SECRET)))).toMatchObject({ scopes: [] });
});

describe('a shared secret: refused is', () => {
  const input = signed().split('.').slice(0, 2).join('.');
  const rest = signed().split('.').slice(1).join('.');
  const none = (alg: string, signature = '') => forge({ ...HS, alg }, CLAIMS, () => signature);
  it.each([
    ['alg none', none('none')],
    ['alg None', none('None')],
    ['alg NONE with a signature', forge({ alg: 'NONE' }, CLAIMS, hmac(SECRET))],
    ['no alg', forge({ typ: 'JWT' }, CLAIMS, hmac(SECRET))],
    ['an empty alg', none('')],
    ['another HMAC', forge({ alg: 'HS512' }, CLAIMS, hmac(SECRET, 512))],
    ['an alg in lower case', forge({ alg: 'hs256' }, CLAIMS, hmac(SECRET))],
    ['RS256 without its key', forge({ alg: 'RS256' }, CLAIMS, rsa(RSA.privateKey))],
    ['no signature', `${input}.`],
    ['no signature and no dot', input],
    ['a changed signature', `${signed().slice(0, -2)}${signed().endsWith('AA') ? 'BB' : 'AA'}`],
    ['an empty secret', forge(HS, CLAIMS, hmac(''))],
    ['another secret', forge(HS, CLAIMS, hmac(`${SECRET}x`))],
    [
      'another payload',
      `${input.split('.')[0]}.${Buffer.from(JSON.stringify({ ...CLAIMS, sub: 'root' })).toString('base64url')}.${signed().split('.')[2]}`,
    ],
    ['an unknown critical header', signed({}, { ...HS, crit: ['x'], x: 1 })],
    ['a critical header that is not there', signed({}, { ...HS, crit: ['exp'] })],
    ['an empty crit', signed({}, { ...HS, crit: [] })],
    ['b64 false', signed({}, { ...HS, crit: ['b64'], b64: false })],
    ['a JWE’s five parts', `${signed()}.x.y`],
    ['four parts', `${signed()}.x`],
    ['a header that is no JSON', `${Buffer.from('{').toString('base64url')}.${rest}`],
    ['a header that is a list', `${Buffer.from('[]').toString('base64url')}.${rest}`],
    ['a payload that is a text', forge(HS, '"alice"', hmac(SECRET))],
    ['a payload that is a list', forge(HS, [CLAIMS], hmac(SECRET))],
    ['a payload that is null', forge(HS, 'null', hmac(SECRET))],
    ['a token in a token', forge({ ...HS, cty: 'JWT' }, signed(), hmac(SECRET))],
    ['two joined tokens', `${signed()}, ${signed()}`],
    ['a token longer than any', signed({ junk: 'x'.repeat(20_000) })],
    ['nothing', ''],
    ['dots', '..'],
  ])('%s', async (_what, token) => expect(await bearer(make(), token)).toBe('credentials-rejected'));
});

describe('claims: refused is', () => {
  it.each([
    ['another audience', { aud: 'other' }],
    ['several other audiences', { aud: ['other', 'App'] }],
    ['an audience that only begins so', { aud: 'app2' }],
    ['no audience', { aud: undefined }],
    ['an empty audience', { aud: [] }],
    ['another issuer', { iss: 'https://issuer/' }],
    ['no issuer', { iss: undefined }],
    ['an issuer that is a list', { iss: ['https://issuer'] }],
    ['no exp', { exp: undefined }],
    ['exp now', { exp: SECONDS }],
    ['exp as a text', { exp: String(SECONDS + 300) }],
    ['exp null', { exp: null }],
    ['exp negative', { exp: -1 }],
    ['nbf in the future', { nbf: SECONDS + 1 }],
    ['nbf as a text', { nbf: '0' }],
    ['iat in the future', { iat: SECONDS + 1 }],
    ['iat as a text', { iat: 'now' }],
    ['no sub', { sub: undefined }],
    ['an empty sub', { sub: '' }],
    ['sub null', { sub: null }],
    ['a sub that is an object', { sub: { toString: 'alice' } }],
    ['a sub that is a list', { sub: ['alice'] }],
  ])('%s', async (_what, claims) => expect(await bearer(make(), signed(claims))).toBe('credentials-rejected'));

  it('not what is good, in every form it may have', async () => {
    for (const claims of [
      { aud: ['x', 'app'] },
      { nbf: SECONDS },
      { iat: SECONDS },
      { exp: SECONDS + 1 },
      { iat: undefined },
    ]) {
      expect(await bearer(make(), signed(claims)), JSON.stringify(claims)).toBe('alice');
    }
    expect(await bearer(make(), signed({ sub: 42 }))).toBe('42');
    expect(await bearer(make({ require_exp: false }), signed({ exp: undefined }))).toBe('alice');
    expect(await bearer(make({ audience: ['x', 'app'], issuer: ['https://issuer', 'y'] }), signed())).toBe('alice');
  });

  it('and the leeway is as long as it is', async () => {
    const plugin = make({ leeway: '10s' });
    for (const [claims, answer] of [
      [{ exp: SECONDS - 9 }, 'alice'],
      [{ exp: SECONDS - 10 }, 'credentials-rejected'],
      [{ nbf: SECONDS + 10 }, 'alice'],
      [{ nbf: SECONDS + 11 }, 'credentials-rejected'],
      [{ iat: SECONDS + 10 }, 'alice'],
      [{ iat: SECONDS + 11 }, 'credentials-rejected'],
    ] as const) {
      expect(await bearer(plugin, signed(claims)), JSON.stringify(claims)).toBe(answer);
    }
  });
});

describe('names of claims', () => {
  it('lead to own members only, never to the prototype', async () => {
    for (const user of [
      'constructor',
      'toString',
      '__proto__',
      'constructor.name',
      'a.constructor.name',
      'sub.length',
      '__proto__.x',
    ]) {
      expect(await bearer(make({ claims: { user } }), signed({ a: {} })), user).toBe('credentials-rejected');
    }
    const text = `{"sub":"alice","iss":"https://issuer","aud":"app","exp":${SECONDS + 300},"__proto__":{"roles":["admin"],"department":"x"}}`;
    const identity = await identityOf(
      make({ claims: { roles: 'roles' }, forward_claims: ['department'] }),
      forge(HS, text, hmac(SECRET)),
    );
    expect(identity).toMatchObject({ username: 'alice', roles: [] });
    expect('claims' in identity && Object.hasOwn(identity.claims, 'department')).toBe(false);
  });

  it('lead by dots into objects, unless the whole name is a claim', async () => {
    const plugin = make({ claims: { user: 'a.b', roles: 'realm_access.roles' } });
    expect(await identityOf(plugin, signed({ a: { b: 'deep' }, realm_access: { roles: ['r'] } }))).toMatchObject({
      username: 'deep',
      roles: ['r'],
    });
    expect(await identityOf(plugin, signed({ a: { b: 'deep' }, 'a.b': 'whole' }))).toMatchObject({ username: 'whole' });
    expect(await bearer(plugin, signed({ a: 'b' }))).toBe('credentials-rejected');
    expect(await bearer(plugin, signed({ a: [{ b: 'x' }] }))).toBe('credentials-rejected');
    // A client that may choose its own name cannot become another one by writing a dot into it.
    expect(await identityOf(make(), signed({ sub: 'x.y', x: { y: 'root' } }))).toMatchObject({
      username: 'x.y',
      subject: 'mobile:x.y',
    });
  });

  it('give roles from a list or a comma list, and nothing from anything else', async () => {
    const roles = async (value: unknown) => {
      const identity = await identityOf(make({ claims: { roles: 'r' } }), signed({ r: value }));
      return 'roles' in identity ? identity.roles : identity;
    };
    expect(await roles(['a', 'b,c'])).toEqual(['a', 'b,c']);
    expect(await roles('a, b,,c ')).toEqual(['a', 'b', 'c']);
    expect(await roles([['admin'], { admin: true }, 1, null, '', ' x '])).toEqual(['x']);
    for (const value of [{ admin: true }, true, 1, null, undefined, ''])
      expect(await roles(value), String(value)).toEqual([]);
  });
});

describe('a public key', () => {
  const plugin = make({ secret: undefined, public_key: pem(RSA.publicKey), algorithm: 'RS256' });
  const token = (header: Record<string, unknown> = {}) =>
    forge({ alg: 'RS256', ...header }, CLAIMS, rsa(RSA.privateKey));

  it('verifies what its private half has signed, whatever the header promises', async () => {
    for (const header of [
      {},
      { kid: 'x' },
      { kid: '../../etc/passwd' },
      { kid: "' or 1=1" },
      { jku: 'https://evil.example.com' },
      { x5u: 'https://evil.example.com' },
    ]) {
      expect(await bearer(plugin, token(header)), JSON.stringify(header)).toBe('alice');
    }
  });

  it.each([
    ['another key', forge({ alg: 'RS256' }, CLAIMS, rsa(OTHER_RSA.privateKey))],
    [
      'another key that comes along',
      forge({ alg: 'RS256', jwk: jwk(OTHER_RSA.publicKey, 'x') }, CLAIMS, rsa(OTHER_RSA.privateKey)),
    ],
    ['HS256 with the public key as the secret', forge(HS, CLAIMS, hmac(pem(RSA.publicKey)))],
    ['HS256 with the public key, trimmed', forge(HS, CLAIMS, hmac(pem(RSA.publicKey).trim()))],
    [
      'HS256 with the public key in DER',
      forge(HS, CLAIMS, hmac(RSA.publicKey.export({ type: 'spki', format: 'der' }))),
    ],
    ['HS256 as RS256', forge({ alg: 'RS256' }, CLAIMS, hmac(pem(RSA.publicKey)))],
    ['PS256', forge({ alg: 'PS256' }, CLAIMS, rsa(RSA.privateKey))],
    ['RS512', forge({ alg: 'RS512' }, CLAIMS, rsa(RSA.privateKey))],
    ['ES256', forge({ alg: 'ES256' }, CLAIMS, ecdsa(EC.privateKey))],
    ['alg none', forge({ alg: 'none' }, CLAIMS, () => '')],
  ])('refuses %s', async (_what, forged) => expect(await bearer(plugin, forged)).toBe('credentials-rejected'));

  it('is taken from a JWK set too, and refuses ECDSA’s zero signature', async () => {
    const set = JSON.stringify({ keys: [jwk(EC.publicKey, 'one')] });
    const ec = make({ secret: undefined, public_key: set, algorithm: 'ES256' });
    expect(await bearer(ec, forge({ alg: 'ES256', kid: 'one' }, CLAIMS, ecdsa(EC.privateKey)))).toBe('alice');
    expect(await bearer(ec, forge({ alg: 'ES256', kid: 'two' }, CLAIMS, ecdsa(EC.privateKey)))).toBe(
      'credentials-rejected',
    );
    expect(
      await bearer(
        ec,
        forge({ alg: 'ES256', kid: 'one' }, CLAIMS, () => Buffer.alloc(64)),
      ),
    ).toBe('credentials-rejected');
  });
});

describe('a verified token is remembered', () => {
  it('for a minute at most, and never past its end', async () => {
    const plugin = make({ leeway: '2s' });
    const token = signed({ exp: SECONDS + 30 });
    expect(await bearer(plugin, token)).toBe('alice');
    expect(plugin.authenticate(asked('/', { headers: ['authorization', `Bearer ${token}`] }))).toMatchObject({
      kind: 'authenticated',
    });
    now = NOW + 31_999;
    expect(await bearer(plugin, token)).toBe('alice');
    now = NOW + 32_000;
    expect(await bearer(plugin, token)).toBe('credentials-rejected');
    now = NOW;
  });

  it('by itself: one like it, and the same elsewhere, are looked at again', async () => {
    const plugin = make();
    expect(await bearer(plugin, signed())).toBe('alice');
    expect(await bearer(plugin, signed().replace(/.{8}$/, 'AAAAAAAA'))).toBe('credentials-rejected');
    expect(await bearer(plugin, signed({ sub: 'bob' }))).toBe('bob');
    expect(await bearer(make({ secret: `${SECRET}x` }), signed())).toBe('credentials-rejected');
  });
});
