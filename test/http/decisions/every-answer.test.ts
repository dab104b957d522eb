import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CREDENTIALS_REJECTED, NOT_RESPONSIBLE } from '../../../src/domain/authentication.ts';
import { REASONS } from '../../../src/domain/decision.ts';
import { good, plugin } from '../../decision/asking.ts';
import { check, type WireAnswer } from '../../security/wire.ts';
import { type DecisionStand, decisionStand } from './stand.ts';

/** Whatever a front server and a client make of a check, its answer has what front servers rely on. */

const IDENTITY = ['user', 'subject', 'name', 'email', 'roles', 'groups', 'method'].map((name) => `x-auth-${name}`);
const LOGIN = 'https://auth.example.com/login';
const NGINX = [200, 401, 403];
const OTHERS = [200, 302, 303, 401, 403, 429, 503];

let stand: DecisionStand;
beforeAll(async () => {
  stand = await decisionStand({
    plugins: [
      plugin('session', NOT_RESPONSIBLE, { login: true }),
      plugin(
        'key',
        ({ headers }) => {
          if (headers.get('x-api-key') === undefined) return NOT_RESPONSIBLE;
          return headers.get('x-api-key') === 'good' ? good({ scopes: ['a'] }) : CREDENTIALS_REJECTED;
        },
        { challenge: 'Bearer' },
      ),
      plugin('broken', () => {
        throw new Error('broken');
      }),
    ],
    configuration: {
      paths: [
        { path: '/public', authenticate: false },
        { path: '/limited', authenticate: false, rate_limit: { requests: 1, per: '1h' } },
        { path: '/api', plugins: ['key'] },
        { path: '/scoped', plugins: ['key'], scopes: ['b'] },
        { path: '/page', plugins: ['key', 'session'] },
        { path: '/broken', plugins: ['broken'] },
        { path: '/post', methods: ['POST'], authenticate: false },
        { deny: true },
      ],
      auth_plugins: {},
    },
  });
});
afterAll(() => stand.stop());

/** Mostly the first, so that not everything is malformed. */
const mostly = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 9 }, { arbitrary: fc.constantFrom(...others), weight: 1 });
const asked = fc.record({
  profile: fc.constantFrom('', '/nginx', '/caddy', '/traefik', '/haproxy', '/envoy'),
  family: mostly<'own' | 'other' | 'both' | 'none'>('own', 'other', 'both', 'none'),
  scheme: mostly('https', 'http', 'wss', 'ftp'),
  host: mostly('app.example.com', 'app.example.com:8443', '[::1]', 'a b', 'a, b', '', 'x'.repeat(300)),
  method: fc.constantFrom('GET', 'GET', 'HEAD', 'POST', 'get', '', 'A B'),
  path: fc.constantFrom(
    ...['/public', '/limited', '/api', '/scoped', '/page', '/page', '/broken', '/post', '/x', '', '//', '*', '/%'],
    ...['/a\\b', '/public/..%2fapi', '/page?a=b&c=d', '/page?\xc3\xa4', '/a b', 'http://a/b', `/${'a'.repeat(8_300)}`],
  ),
  more: fc.array(
    fc.constantFrom(
      ...['X-API-Key: good', 'X-API-Key: bad', 'Authorization: Bearer x', 'Authorization:', 'Cookie: \xff=;;'],
      ...['Sec-Fetch-Mode: navigate', 'Accept: text/html', 'Sec-Fetch-Mode: cors', 'X-Forwarded-For: 192.0.2.1'],
      ...['X-Forwarded-For: x', 'X-Auth-User: evil', 'Connection: X-Auth-User', 'If-None-Match: *', 'Range: bytes=0-1'],
    ),
    { maxLength: 4 },
  ),
  wire: fc.constantFrom('GET', 'HEAD', 'POST', 'OPTIONS'),
});
type Asked = typeof asked extends fc.Arbitrary<infer T> ? T : never;

function ask({ profile, family, scheme, host, method, path, more, wire }: Asked): Promise<WireAnswer> {
  // Envoy's check is the request itself, so its path can have nothing in it that ends a request line.
  if (profile === '/envoy') {
    const target = /^\/[\x21-\x7e]*$/.test(path) ? path : '/api';
    return check(stand.port, [`X-Forwarded-Proto: ${scheme}`, ...more], {
      path: `/validate/envoy${target}`,
      method: wire,
    });
  }
  const original = [`X-Original-URL: ${scheme}://${host}${path}`, `X-Original-Method: ${method}`];
  const forwarded = [`Proto: ${scheme}`, `Host: ${host}`, `Uri: ${path}`, `Method: ${method}`].map(
    (line) => `X-Forwarded-${line}`,
  );
  const [own, other] = profile === '/nginx' ? [original, forwarded] : [forwarded, original];
  const lines = { own, other, both: [...own, ...other], none: [] }[family];
  return check(stand.port, [...lines, ...more], { path: `/validate${profile}`, method: wire });
}

it('has a length, is kept nowhere, and names either an identity or a reason', { timeout: 60_000 }, async () => {
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(asked, async (one) => {
      const answer = await ask(one);
      const { status } = answer;
      seen.add(status);
      expect(one.profile === '/nginx' ? NGINX : OTHERS).toContain(status);
      expect(answer.header('content-length')).toEqual(['0']);
      expect(answer.header('cache-control')).toEqual(['no-store']);
      expect(IDENTITY.map((name) => answer.header(name).length)).toEqual(IDENTITY.map(() => (status === 200 ? 1 : 0)));
      const reasons = answer.header('x-auth-reason');
      expect(reasons).toHaveLength(status === 200 ? 0 : 1);
      expect(REASONS).toEqual(expect.arrayContaining(reasons));
      expect(answer.header('www-authenticate').join()).toMatch(status === 401 ? /^Bearer/ : /^(?:Bearer error=.*)?$/);
      expect(answer.header('retry-after')).toHaveLength(reasons[0] === 'rate-limited' ? 1 : 0);
      const locations = answer.header('location');
      if (status === 302 || status === 303) expect(locations).toHaveLength(1);
      for (const location of locations) expect(location).toMatch(/^[\x21-\x7e]+$/);
      for (const location of locations) expect(location.startsWith(`${LOGIN}?rd=http`)).toBe(true);
      expect(JSON.stringify(answer.fields)).not.toContain('evil');
    }),
    { numRuns: 2_500 },
  );
  expect([...seen].sort()).toEqual(OTHERS);
});
