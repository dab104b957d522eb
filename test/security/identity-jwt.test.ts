import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EC, ecdsa, forge, hmac } from '../plugins/forged-jwt.ts';
import { ask as get } from '../support/http-client.ts';
import { APP, basic, type Service, startService } from './service.ts';
import { check, viaForwarded, viaNginx, type WireAnswer } from './wire.ts';

const YAML = `
auth_plugins: {session: {}, basic: {}, token: {}, apikey: {}}
anonymous: {user: anonymousUser, roles: [ROLE_ANONYMOUS]}
identity_jwt: {enabled: true, roles_claim: authorities, lifetime: 5m}
identity_headers: remote
paths:
  - {path: /public, authenticate: false}
  - {path: /optional, authenticate: optional}
  - {path: /admin, roles: [admin]}
  - {path: /}
login_limits: {account: {attempts: 1000}, address: {attempts: 1000}}
`;
const FORGED = 'Authorization: Bearer of.the.client';

let service: Service;
let keys: JSONWebKeySet;
beforeAll(async () => {
  service = await startService(YAML);
  keys = await published('/jwks');
});
afterAll(() => service.stop());

const published = async (path: string): Promise<JSONWebKeySet> =>
  // RFC 7517; what is in it is asserted below.
  (await get(`http://127.0.0.1:${service.port}${path}`)).json() as JSONWebKeySet;
const whole = (path: string, ...lines: string[]): Promise<WireAnswer> =>
  check(service.port, viaNginx(APP + path, ...lines), { path: '/validate/nginx' });
/** The token of an answer, which must carry it in both ways. */
const tokenOf = (answer: WireAnswer): string => {
  expect(answer.status).toBe(200);
  const [token = ''] = answer.header('x-auth-token');
  expect(answer.header('x-auth-token')).toEqual([token]);
  expect(answer.header('authorization')).toEqual([`Bearer ${token}`]);
  return token;
};
const application = (token: string, audience = 'app.example.com') =>
  jwtVerify(token, createLocalJWKSet(keys), {
    ...{ audience, issuer: `http://127.0.0.1:${service.port}`, typ: 'JWT', algorithms: ['ES256'] },
  });

describe('an allowed request', () => {
  it('carries whose it is, signed, by whatever credential', async () => {
    const credentials = [
      `Cookie: ${await service.cookie('alice')}`,
      `Authorization: Bearer ${await service.token('alice')}`,
      `X-API-Key: ${await service.key('alice')}`,
      basic('alice'),
    ];
    for (const line of credentials) {
      const { payload } = await application(tokenOf(await whole('/', line)));
      expect(payload).toMatchObject({ preferred_username: 'alice', authorities: ['admin', 'ops'] });
    }
  });

  it('tells each host another one', async () => {
    const at = async (host: string) =>
      tokenOf(await check(service.port, viaForwarded(host, '/', basic('alice')), { path: '/validate/caddy' }));
    const token = await at('orders.example.com:8443');
    await application(token, 'orders.example.com');
    await expect(application(token)).rejects.toMatchObject({ claim: 'aud' });
    await application(await at('App.Example.com.'));
  });

  it('that is nobody’s is anonymousUser’s, and the client’s own token is not handed on', async () => {
    for (const path of ['/public', '/optional']) {
      const answer = await whole(path, ...(path === '/public' ? [FORGED, 'X-Auth-Token: forged'] : []));
      const { payload } = await application(tokenOf(answer));
      expect(payload).toMatchObject({ sub: 'anonymousUser', authorities: ['ROLE_ANONYMOUS'] });
    }
  });

  it('is followed by one with other roles as soon as they have changed, or by none', async () => {
    const key = await service.key('bob');
    expect((await application(tokenOf(await whole('/', `X-API-Key: ${key}`)))).payload['authorities']).toEqual([]);
    await service.gatelodge.run('users', 'lock', 'bob');
    await expect.poll(async () => (await whole('/', `X-API-Key: ${key}`)).status, { timeout: 15_000 }).toBe(401);
    const refused = await whole('/', `X-API-Key: ${key}`);
    expect([...refused.header('x-auth-token'), ...refused.header('authorization')]).toEqual([]);
  });

  it('alone carries one', async () => {
    for (const answer of [await whole('/'), await whole('/', FORGED), await whole('/admin', basic('carol'))]) {
      expect([401, 403]).toContain(answer.status);
      expect([...answer.header('x-auth-token'), ...answer.header('authorization')]).toEqual([]);
    }
  });
});

describe('what it is not', () => {
  const shown = (token: string) => whole('/', `Authorization: Bearer ${token}`);

  it('an access token', async () => {
    const token = tokenOf(await whole('/', basic('alice')));
    for (const line of [`Authorization: Bearer ${token}`, `X-API-Key: ${token}`, `Authorization: bearer ${token}`]) {
      const answer = await whole('/', line);
      expect(answer.status, line).toBe(401);
      expect(answer.header('x-auth-reason')).toEqual(['credentials-rejected']);
    }
    expect((await whole('/', `X-Auth-Token: ${token}`)).header('x-auth-reason')).toEqual(['no-credentials']);
  });

  it('made one by another header, since its key is for nothing else', async () => {
    const token = tokenOf(await whole('/', basic('alice')));
    const [, claims = '', signature = ''] = token.split('.');
    const { kid } = decodeProtectedHeader(token);
    const access = decodeProtectedHeader(await service.token('alice'));
    expect(access.kid).not.toBe(kid);
    const said = JSON.parse(Buffer.from(claims, 'base64url').toString());
    const wanted = { ...said, aud: said.iss, auth_time: said.iat };
    for (const forged of [
      forge({ alg: 'ES256', typ: 'at+jwt', kid }, said, () => signature),
      forge({ alg: 'ES256', typ: 'at+jwt', kid: access.kid }, wanted, () => signature),
      forge({ alg: 'none', typ: 'at+jwt', kid }, wanted, () => ''),
      forge({ alg: 'HS256', typ: 'at+jwt', kid: access.kid }, wanted, hmac(JSON.stringify(keys.keys[0]))),
      forge({ alg: 'ES256', typ: 'at+jwt', kid: access.kid }, wanted, ecdsa(EC.privateKey)),
    ])
      expect((await shown(forged)).status).toBe(401);
  });

  it('signed for the application where it is an access token', async () => {
    const token = await service.token('alice');
    await expect(application(token)).rejects.toThrow();
    // Whoever forgets the type has the audience left, and whoever forgets both a library that refuses an audience not asked for.
    await expect(jwtVerify(token, createLocalJWKSet(keys), { audience: 'app.example.com' })).rejects.toMatchObject({
      claim: 'aud',
    });
  });
});

describe('the published keys', () => {
  it('are those of both kinds of token, public halves alone', async () => {
    expect(await published('/.well-known/jwks.json')).toEqual(keys);
    expect(keys.keys).toHaveLength(2);
    const kids = [await service.token('alice'), tokenOf(await whole('/', basic('alice')))].map(
      (token) => decodeProtectedHeader(token).kid,
    );
    expect(keys.keys.map((key) => key.kid)).toEqual(kids);
    for (const key of keys.keys) expect(key).toEqual({ ...key, kty: 'EC', use: 'sig', alg: 'ES256' });
    expect(JSON.stringify(keys)).not.toContain('"d"');
  });

  it('follow a rotation, and the one before still verifies', async () => {
    const token = tokenOf(await whole('/', basic('alice')));
    const said = await service.gatelodge.run('signing-keys', 'rotate', '--now');
    expect(said).toMatch(/^\S{43} signs access tokens now\n\S{43} signs identity JWTs now\n$/);
    await expect.poll(async () => (await published('/jwks')).keys.length, { timeout: 15_000 }).toBe(4);
    keys = await published('/jwks');
    await application(token);
    const fresh = tokenOf(
      await check(service.port, viaNginx('https://other.example.com/', basic('alice')), { path: '/validate/nginx' }),
    );
    await application(fresh, 'other.example.com');
    expect(said).toContain(decodeProtectedHeader(fresh).kid);
    expect(decodeProtectedHeader(fresh).kid).not.toBe(decodeProtectedHeader(token).kid);
  });

  it('never leave a token in the log', async () => {
    await tokenOf(await whole('/', basic('alice')));
    expect(service.gatelodge.output()).not.toContain('eyJ');
  });
});
