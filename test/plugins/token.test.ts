import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthenticationPlugin } from '../../src/domain/authentication.ts';
import type { User } from '../../src/domain/user.ts';
import { createTokenPlugin } from '../../src/plugins/token.ts';
import { asked } from '../decision/asking.ts';
import { ecdsa, forge, hmac } from './forged-jwt.ts';
import { type PluginStand, pluginStand, says } from './plugin-stand.ts';

let stand: PluginStand;
let plugin: AuthenticationPlugin;
let alice: User;
beforeAll(async () => {
  stand = await pluginStand();
  plugin = createTokenPlugin(stand.context('token'));
  alice = await stand.addUser('alice', { roles: ['r'] });
});
afterAll(() => stand.close());

const request = (user: User) => ({
  ...{ user, now: stand.now(), authenticatedAt: stand.now(), familyId: 'glf_family', until: Number.POSITIVE_INFINITY },
});
const issue = async (user: User) => (await stand.tokens.issueAccessToken(request(user))).token;
const bearer = (token: string) => says(plugin, ['authorization', `Bearer ${token}`]);

/** A token’s header and claims, to be changed and signed by somebody else. */
function opened(token: string): { header: Record<string, unknown>; claims: Record<string, unknown> } {
  const [header = '', claims = ''] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
  return { header: JSON.parse(header), claims: JSON.parse(claims) };
}

it('says who it is, with the roles of now, and since when', async () => {
  const token = await issue(alice);
  expect(await bearer(token)).toBe('alice');
  await stand.store.users.update(alice.id, { roles: ['new'] }, stand.now());
  expect(plugin.authenticate(asked('/', { headers: ['authorization', `Bearer ${token}`] }))).toBeInstanceOf(Promise);
  const result = await plugin.authenticate(asked('/', { headers: ['authorization', `Bearer ${token}`] }));
  expect(result).toMatchObject({
    identity: { userId: alice.id, roles: ['new'], scopes: null, methods: ['token'], authenticatedAt: stand.now() },
  });
  // Once it is known, nothing is waited for.
  expect(plugin.authenticate(asked('/', { headers: ['authorization', `Bearer ${token}`] }))).not.toBeInstanceOf(
    Promise,
  );
});

it('is nobody’s in any other place', async () => {
  const token = await issue(alice);
  for (const headers of [
    [],
    ['authorization', token],
    ['authorization', `Basic ${token}`],
    ['x-api-key', token],
    ['cookie', `token=${token}`],
  ]) {
    expect(await says(plugin, headers)).toBe('not-responsible');
  }
});

describe('a forged token is rejected:', () => {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const forged: Record<string, (header: Record<string, unknown>, claims: Record<string, unknown>) => string> = {
    'signed by another key': (header, claims) => forge(header, claims, ecdsa(own.privateKey)),
    'with a kid that is not ours': (header, claims) => forge({ ...header, kid: 'mine' }, claims, ecdsa(own.privateKey)),
    'with its own key in it': (header, claims) =>
      forge({ ...header, jwk: own.publicKey.export({ format: 'jwk' }) }, claims, ecdsa(own.privateKey)),
    'with kid as a path': (header, claims) => forge({ ...header, kid: '../../../../dev/null' }, claims, hmac('')),
    'with kid __proto__': (header, claims) => forge({ ...header, kid: '__proto__' }, claims, ecdsa(own.privateKey)),
    'alg none': (header, claims) => forge({ ...header, alg: 'none' }, claims, () => ''),
    'alg HS256 with the published key': (header, claims) =>
      forge({ ...header, alg: 'HS256' }, claims, hmac(JSON.stringify(stand.signingKeys.publicJwks().keys[0]))),
    'without kid': ({ kid: _kid, ...header }, claims) => forge(header, claims, ecdsa(own.privateKey)),
    'of all zeros': (header, claims) => forge(header, claims, () => Buffer.alloc(64)),
  };
  it.each(Object.entries(forged))('%s', async (_what, make) => {
    const { header, claims } = opened(await issue(alice));
    expect(await bearer(make(header, claims))).toBe('credentials-rejected');
  });

  it('of another type, though it is one of ours', async () => {
    const token = await issue(alice);
    const { header, claims } = opened(token);
    const { privateKey } = stand.signingKeys.current();
    const { signJwt } = await import('../../src/adapters/jose.ts');
    const kid = String(header['kid']);
    for (const typ of ['JWT', 'rt+jwt', 'AT+JWT', 'application/at+jwt', '']) {
      expect(await bearer(await signJwt(claims, { algorithm: 'ES256', typ, kid }, privateKey)), typ).toBe(
        'credentials-rejected',
      );
    }
    expect(await bearer(await signJwt(claims, { algorithm: 'ES256', typ: 'at+jwt', kid }, privateKey))).toBe('alice');
    const changes: Record<string, unknown>[] = [
      { iss: 'https://evil' },
      { aud: 'https://evil' },
      { sub: 'usr_nobody' },
      { exp: 1 },
      { exp: undefined },
      { sub: undefined },
    ];
    for (const changed of changes) {
      expect(
        await bearer(await signJwt({ ...claims, ...changed }, { algorithm: 'ES256', typ: 'at+jwt', kid }, privateKey)),
        JSON.stringify(changed),
      ).toBe('credentials-rejected');
    }
  });
});

it('no broken token has the good ones of others taken for somebody else’s', async () => {
  const token = await issue(alice);
  const [header = ''] = token.split('.');
  for (const text of [
    header,
    `${header}x`,
    `${header}.`,
    `${header}.x`,
    `${header}..`,
    `${header}.a.b`,
    `${header}.a.b.c`,
    `${header}.a.b.c.d`,
    `${header}.${'x'.repeat(20_000)}`,
  ]) {
    expect(await bearer(text)).toBe('credentials-rejected');
  }
  expect(await bearer(token)).toBe('alice');
  expect(await bearer(await issue(alice))).toBe('alice');
});

describe('a token that was good', () => {
  it('ends at its end, though it is remembered', async () => {
    const token = await issue(alice);
    stand.advance(3_599_000);
    expect(await bearer(token)).toBe('alice');
    stand.advance(999);
    expect(await bearer(token)).toBe('alice');
    stand.advance(1);
    expect(await bearer(token)).toBe('credentials-rejected');
  });

  it('ends at once with its user’s lock and its user', async () => {
    const carol = await stand.addUser('carol');
    const token = await issue(carol);
    expect(await bearer(token)).toBe('carol');
    await stand.store.users.setLocked(carol.id, true, stand.now());
    expect(await bearer(token)).toBe('user-locked');
    await stand.store.users.setLocked(carol.id, false, stand.now());
    expect(await bearer(token)).toBe('carol');
    await stand.store.users.delete(carol.id);
    expect(await bearer(token)).toBe('credentials-rejected');
  });

  it('outlives the rotation of its key, as long as it lives itself', async () => {
    const token = await issue(alice);
    await stand.signingKeys.rotate();
    expect(await bearer(token)).toBe('alice');
    expect(await bearer(await issue(alice))).toBe('alice');
    stand.advance(3_600_000);
    expect(await bearer(token)).toBe('credentials-rejected');
  });
});

it('is refused from the next request on once it is revoked, by itself or with its family, however well it is remembered', async () => {
  const user = await stand.addUser('rita');
  const plugin = createTokenPlugin(stand.context('token'));
  for (const name of ['tokenId', 'familyId'] as const) {
    const { token } = await stand.tokens.issueAccessToken({ ...request(user), familyId: `glf_${name}` });
    const headers = ['authorization', `Bearer ${token}`];
    expect([await says(plugin, headers), await says(plugin, headers)]).toEqual(['rita', 'rita']);
    const verified = await stand.tokens.verifyAccessToken(token);
    await stand.store.revocations.insert(verified?.[name] ?? '', verified?.expiresAt ?? 0);
    expect(await says(plugin, headers)).toBe('credentials-rejected');
  }
});
