import { join } from 'node:path';
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configurationSchema } from '../../src/config/schema.ts';
import type { Identity } from '../../src/domain/identity.ts';
import { isPromise } from '../../src/domain/maybe-promise.ts';
import { SIGNING_ALGORITHMS } from '../../src/domain/signing-key.ts';
import type { Store } from '../../src/domain/store.ts';
import { createIdentityKeys, type IdentityKeys } from '../../src/flows/identity-keys.ts';
import { createIdentityTokens, type IdentityToken, type IdentityTokens } from '../../src/flows/identity-tokens.ts';
import { makeIdentity } from '../../src/plugins/plugin-api.ts';
import { openSqliteStore } from '../../src/stores/sqlite.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';

const SECRET = 'a secret of more than thirty-two bytes, for tests';
const START = 1_800_000_000_400;
const ISSUER = 'https://auth.example.com';
const HOST = 'app.example.com';
const ALICE = makeIdentity({
  ...{ subject: 'usr_1', userId: 'usr_1', username: 'alice', name: 'Alice Ä.', email: 'alice@example.com' },
  ...{ roles: ['admin', 'a,b'], methods: ['session'] },
});
const NOBODY = makeIdentity({ subject: '', username: 'anonymousUser', roles: ['ROLE_ANONYMOUS'], methods: [] });

let directory: TempDir;
let store: Store;
let now: number;
let keys: IdentityKeys;
let large: number[];
const clock = () => now;

beforeEach(async () => {
  now = START;
  large = [];
  directory = await tempDir();
  store = await openSqliteStore({ file: join(directory.path, 'data.sqlite'), clock });
});
afterEach(async () => {
  await store.close();
  await directory.remove();
});

async function open(options: Record<string, unknown> = {}, anonymous: Identity | null = null): Promise<IdentityTokens> {
  const { identity_jwt: configuration } = configurationSchema.parse({ identity_jwt: { enabled: true, ...options } });
  const made = createIdentityKeys({ configuration, store: store.signingKeys, secrets: [SECRET], clock });
  if (made === null) throw new RangeError('they are on');
  keys = made;
  await keys.ensure();
  // Counts what is signed, by what is asked for before each signature.
  const counted = {
    current() {
      signatures += 1;
      return keys.current();
    },
  };
  signatures = 0;
  const onLarge = (length: number) => void large.push(length);
  return createIdentityTokens({ configuration, keys: counted, issuer: ISSUER, anonymous, clock, onLarge });
}
let signatures = 0;

const text = async (token: ReturnType<IdentityTokens['tokenFor']>) => (await token)?.text ?? '';
const claims = async (token: ReturnType<IdentityTokens['tokenFor']>) => decodeJwt(await text(token));
/** As an application does, with what is published. */
const verified = async (token: string, algorithm = 'ES256', audience: string | undefined = HOST) =>
  // What jose wants is what RFC 7517 says.
  jwtVerify(token, createLocalJWKSet(keys.publicJwks() as unknown as JSONWebKeySet), {
    ...{ issuer: ISSUER, typ: 'JWT', algorithms: [algorithm], currentDate: new Date(now) },
    ...(audience === undefined ? {} : { audience }),
  });

describe('what it says', () => {
  it('is whose the request is, to whom and until when, and nothing else', async () => {
    const tokens = await open();
    const { payload, protectedHeader } = await verified(await text(tokens.tokenFor(ALICE, HOST)));
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'JWT', kid: keys.current().kid });
    const iat = Math.floor(START / 1_000);
    expect(payload).toEqual({
      sub: 'usr_1',
      preferred_username: 'alice',
      email: 'alice@example.com',
      name: 'Alice Ä.',
      roles: ['admin', 'a,b'],
      iss: ISSUER,
      aud: HOST,
      iat,
      exp: iat + 300,
      jti: expect.stringMatching(/^[\w-]{22}$/),
    });
  });

  it('leaves out what is not known, but never the roles', async () => {
    const tokens = await open();
    const who = makeIdentity({ subject: 'mobile:7', username: 'x', methods: ['mobile'] });
    const { iss, aud, iat, exp, jti, ...said } = await claims(tokens.tokenFor(who, HOST));
    expect([iss, aud, iat, exp, jti]).not.toContain(undefined);
    expect(said).toEqual({ sub: 'mobile:7', preferred_username: 'x', roles: [] });
  });

  it('names users of the directory, and nobody else, where sub is to be the name', async () => {
    const tokens = await open({ subject: 'user', roles_claim: 'authorities' });
    expect(await claims(tokens.tokenFor(ALICE, HOST))).toMatchObject({ sub: 'alice', authorities: ['admin', 'a,b'] });
    const impostor = makeIdentity({ subject: 'mobile:7', username: 'alice', methods: ['mobile'] });
    expect(await claims(tokens.tokenFor(impostor, HOST))).toMatchObject({ sub: 'mobile:7', authorities: [] });
  });

  it('has the audience that was chosen, or none at all', async () => {
    expect(await claims((await open({ audience: 'orders' })).tokenFor(ALICE, HOST))).toMatchObject({ aud: 'orders' });
    const none = await open({ audience: 'none' });
    const said = await claims(none.tokenFor(ALICE, ''));
    expect(said).not.toHaveProperty('aud');
  });

  it('is the one for another host where another host is asked for, and none where no host is known', async () => {
    const tokens = await open();
    expect(await claims(tokens.tokenFor(ALICE, 'a.example'))).toMatchObject({ aud: 'a.example' });
    expect(await claims(tokens.tokenFor(ALICE, 'b.example'))).toMatchObject({ aud: 'b.example' });
    const token = await text(tokens.tokenFor(ALICE, 'a.example'));
    await expect(verified(token, 'ES256', 'b.example')).rejects.toMatchObject({ claim: 'aud' });
    expect(tokens.tokenFor(ALICE, '')).toBeNull();
  });

  it('is nobody’s name for nobody, where there is one', async () => {
    expect((await open()).tokenFor(null, HOST)).toBeNull();
    const tokens = await open({ roles_claim: 'authorities' }, NOBODY);
    expect(await claims(tokens.tokenFor(null, HOST))).toMatchObject({
      ...{ sub: 'anonymousUser', preferred_username: 'anonymousUser', authorities: ['ROLE_ANONYMOUS'] },
    });
  });
});

describe('how often it is signed', () => {
  it('once for everybody who waits for it, and then no more', async () => {
    const tokens = await open();
    const asked = Array.from({ length: 50 }, () => tokens.tokenFor(ALICE, HOST));
    const [first] = await Promise.all(asked);
    expect(new Set(await Promise.all(asked))).toEqual(new Set([first]));
    const again = tokens.tokenFor(ALICE, HOST);
    expect(isPromise(again)).toBe(false);
    expect(again).toBe(first);
    expect(signatures).toBe(1);
  });

  it('once for one and the same person, however many credentials and objects', async () => {
    const tokens = await open();
    const first = await tokens.tokenFor(ALICE, HOST);
    expect(tokens.tokenFor(makeIdentity({ ...ALICE, methods: ['apikey'] }), HOST)).toBe(first);
    for (let i = 0; i < 100; i += 1) expect(tokens.tokenFor({ ...ALICE }, HOST)).toBe(first);
    expect(signatures).toBe(1);
  });

  it('anew for whoever has other roles, at once', async () => {
    const tokens = await open();
    await tokens.tokenFor(ALICE, HOST);
    expect(await claims(tokens.tokenFor({ ...ALICE, roles: [] }, HOST))).toMatchObject({ roles: [] });
    expect(await claims(tokens.tokenFor({ ...ALICE, roles: ['admin,a', 'b'] }, HOST))).toMatchObject({
      roles: ['admin,a', 'b'],
    });
    expect(signatures).toBe(3);
  });

  it.each([
    ['5m', 240_000],
    ['90s', 45_000],
    ['10s', 5_000],
    ['1s', 500],
    ['1h', 3_540_000],
  ])('with a lifetime of %s again after %i ms', async (lifetime, used) => {
    now = 1_800_000_000_000;
    const tokens = await open({ lifetime });
    const first = await tokens.tokenFor(ALICE, HOST);
    now += used - 1;
    expect(tokens.tokenFor(ALICE, HOST)).toBe(first);
    expect(tokens.tokenFor({ ...ALICE }, HOST)).toBe(first);
    await verified(first?.text ?? '');
    now += 1;
    const second = await tokens.tokenFor(ALICE, HOST);
    expect(second).not.toBe(first);
    // It was good for a while longer.
    await verified(first?.text ?? '');
    await verified(second?.text ?? '');
    expect(decodeJwt(second?.text ?? '').jti).not.toBe(decodeJwt(first?.text ?? '').jti);
  });

  it('is never of the future, though the clock was set back', async () => {
    const tokens = await open();
    await tokens.tokenFor(ALICE, HOST);
    now -= 3_600_000;
    expect((await claims(tokens.tokenFor(ALICE, HOST))).iat).toBe(Math.floor(now / 1_000));
    expect((await claims(tokens.tokenFor({ ...ALICE }, HOST))).iat).toBe(Math.floor(now / 1_000));
  });

  it('stays right when many hosts and people have pushed it out of memory', async () => {
    const tokens = await open({ algorithm: 'EdDSA' });
    const first = await tokens.tokenFor(ALICE, HOST);
    const roles = Array.from({ length: 60 }, (_, index) => `a-role-of-some-length-with-the-number-${index}`);
    for (let round = 0; round < 48; round += 1) {
      const asked = Array.from({ length: 200 }, (_, index) =>
        tokens.tokenFor({ ...ALICE, roles }, `host-${round}-${index}.example`),
      );
      for (const token of await Promise.all(asked)) expect(token?.bearer).toBe(`Bearer ${token?.text}`);
    }
    const again = await tokens.tokenFor({ ...ALICE }, HOST);
    expect(again).not.toBe(first);
    expect(decodeJwt(again?.text ?? '')).toMatchObject({ sub: 'usr_1', aud: HOST, roles: ALICE.roles });
  });
});

describe('keys', () => {
  it('that were rotated sign no more, and verify what they signed until it has expired', async () => {
    const tokens = await open();
    const before = await text(tokens.tokenFor(ALICE, HOST));
    const old = keys.current().kid;
    now += 1_000;
    await keys.rotate?.({ atOnce: true });
    expect(keys.current().kid).not.toBe(old);
    await verified(before);
    expect(
      (await verified(await text(tokens.tokenFor(ALICE, 'b.example')), 'ES256', 'b.example')).protectedHeader.kid,
    ).toBe(keys.current().kid);
    now += 300_000 - 2_000;
    await verified(before);
    now += 62_000;
    expect(keys.publicJwks().keys.map((key) => key['kid'])).toEqual([keys.current().kid]);
  });

  it('are needed, or nothing is signed', async () => {
    const { identity_jwt: configuration } = configurationSchema.parse({ identity_jwt: { enabled: true } });
    const broken = createIdentityTokens({
      ...{ configuration, issuer: ISSUER, anonymous: null, clock },
      keys: {
        current: () => {
          throw new Error('no key');
        },
      },
    });
    await expect(broken.tokenFor(ALICE, HOST)).rejects.toThrow('no key');
    // And nothing of it is remembered.
    await expect(broken.tokenFor(ALICE, HOST)).rejects.toThrow('no key');
  });
});

describe('size', () => {
  const withRoles = (count: number) =>
    makeIdentity({ ...ALICE, roles: Array.from({ length: count }, (_, index) => `department-${index}-reader`) });

  it('that may be in an application’s way is told, and more than front servers take is refused', async () => {
    const tokens = await open({ algorithm: 'RS512' });
    await tokens.tokenFor(withRoles(50), HOST);
    expect(large).toEqual([]);
    const most = await text(tokens.tokenFor(withRoles(250), HOST));
    expect(large).toEqual([most.length]);
    // Twice, with the list of roles beside it, below the 32 KiB of the recipes for nginx.
    expect(most.length).toBeLessThan(9_500);
    expect(() => tokens.tokenFor(withRoles(400), HOST)).toThrow(expect.objectContaining({ code: 'internal-error' }));
    expect(() => tokens.tokenFor({ ...ALICE, name: 'ä'.repeat(3_100) }, HOST)).toThrow();
  });

  it('of the queue is limited too', async () => {
    const tokens = await open();
    const asked: (IdentityToken | null | Promise<IdentityToken | null>)[] = [];
    const askAll = () => {
      for (let index = 0; index < 1_001; index += 1) asked.push(tokens.tokenFor(ALICE, `h${index}.example`));
    };
    expect(askAll).toThrow(expect.objectContaining({ code: 'overloaded' }));
    await Promise.all(asked);
    expect(asked).toHaveLength(1_000);
    expect(await tokens.tokenFor(ALICE, 'h1000.example')).toBeTruthy();
  });
});

describe.each(SIGNING_ALGORITHMS)('%s', (algorithm) => {
  it('is what applications verify', async () => {
    const tokens = await open({ algorithm });
    expect((await verified(await text(tokens.tokenFor(ALICE, HOST)), algorithm)).payload.sub).toBe('usr_1');
  });
});
