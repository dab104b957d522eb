import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SigningAlgorithm, SigningPurpose } from '../../src/domain/signing-key.ts';
import { SIGNING_ALGORITHMS } from '../../src/domain/signing-key.ts';
import type { Store } from '../../src/domain/store.ts';
import { createAccessTokens } from '../../src/flows/access-tokens.ts';
import { createSigningKeys } from '../../src/flows/signing-keys.ts';
import { openSqliteStore } from '../../src/stores/sqlite.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';

const LIFETIME = 3_600_000;
const SECRET = 'a secret of more than thirty-two bytes, for tests';
let directory: TempDir;
let store: Store;
let now: number;
const clock = () => now;
const open = (algorithm: SigningAlgorithm = 'ES256', secret = SECRET, purpose: SigningPurpose = 'access-token') =>
  createSigningKeys({ store: store.signingKeys, secrets: [secret], purpose, algorithm, lifetime: LIFETIME, clock });
const kids = (keys: ReturnType<typeof open>) => [...keys.verificationKeys().keys()].sort();

beforeEach(async () => {
  now = 1_800_000_000_000;
  directory = await tempDir();
  store = await openSqliteStore({ file: join(directory.path, 'data.sqlite'), clock });
});
afterEach(async () => {
  await store.close();
  await directory.remove();
});

it('makes one key, and every process that starts finds it', async () => {
  const several = [open(), open(), open()];
  await Promise.all(several.map((keys) => keys.ensure()));
  expect(await store.signingKeys.list()).toHaveLength(1);
  expect(new Set(several.map((keys) => keys.current().kid)).size).toBe(1);
});

it('publishes the next key before it signs', async () => {
  const ahead = () =>
    createSigningKeys({
      ...{ store: store.signingKeys, secrets: [SECRET], algorithm: 'ES256', lifetime: LIFETIME, clock },
      publishAhead: 600_000,
    });
  const keys = ahead();
  await keys.ensure();
  const first = keys.current().kid;
  const { kid: second, signsFrom } = await keys.rotate();
  expect(signsFrom).toBe(now + 600_000);
  // One that starts meanwhile sees it the same way.
  const later = ahead();
  await later.ensure();
  for (const one of [keys, later]) {
    expect(one.current().kid).toBe(first);
    expect(kids(one)).toEqual([first, second].sort());
  }
  now += 60_000;
  const { kid: third } = await keys.rotate();
  expect(keys.current().kid).toBe(first);
  now = signsFrom - 1;
  expect(keys.current().kid).toBe(first);
  now += 1;
  expect(keys.current().kid).toBe(second);
  await later.reload();
  expect(later.current().kid).toBe(second);
  now += 60_000;
  expect(keys.current().kid).toBe(third);
  // What the first signed last is good for a lifetime more.
  now = signsFrom + LIFETIME - 1;
  expect(kids(keys)).toContain(first);
  now += 1;
  expect(kids(keys)).not.toContain(first);
  const { kid: fourth } = await keys.rotate({ atOnce: true });
  expect(keys.current().kid).toBe(fourth);
  await keys.rotate();
  const { kid: last } = await keys.rotate({ atOnce: true });
  expect(keys.current().kid).toBe(last);
  now += 700_000;
  expect(keys.current().kid).toBe(last);
});

it('goes over to the next key at once where the one before was sealed under a secret that was lost', async () => {
  const of = (secret: string) =>
    createSigningKeys({
      ...{ store: store.signingKeys, secrets: [secret], algorithm: 'ES256', lifetime: LIFETIME, clock },
      publishAhead: 600_000,
    });
  await of(SECRET).ensure();
  const other = of('another secret of more than thirty-two bytes');
  await expect(other.ensure()).rejects.toMatchObject({ code: 'configuration-invalid' });
  const { kid } = await other.rotate();
  expect(other.current().kid).toBe(kid);
});

it('has no key before it looked', () => {
  expect(() => open().current()).toThrow(expect.objectContaining({ code: 'internal-error' }));
});

it('stores no private key that anybody could read', async () => {
  const keys = open();
  await keys.ensure();
  const [record] = await store.signingKeys.list();
  expect(record?.publicJwk).not.toHaveProperty('d');
  expect(keys.publicJwks().keys).toEqual([record?.publicJwk]);
  expect(record?.publicJwk).toMatchObject({ kty: 'EC', alg: 'ES256', use: 'sig', kid: record?.kid });
  expect(Buffer.from(record?.sealedPrivateJwk ?? []).toString('latin1')).not.toContain('"d"');
});

it('lets the old key verify until its last token has expired', async () => {
  const keys = open();
  const elsewhere = open();
  await keys.ensure();
  await elsewhere.ensure();
  const old = keys.current().kid;
  now += 1_000;
  const { kid: next } = await keys.rotate();
  expect(next).not.toBe(old);
  expect(keys.current().kid).toBe(next);
  expect(kids(keys)).toEqual([old, next].sort());
  // Another process signs with the old one until it reads again, and then with the new.
  expect(elsewhere.current().kid).toBe(old);
  await elsewhere.reload();
  expect(elsewhere.current().kid).toBe(next);
  now += LIFETIME - 1;
  expect(kids(elsewhere)).toContain(old);
  now += 1;
  expect(kids(elsewhere)).toEqual([next]);
  expect(elsewhere.publicJwks().keys.map((key) => key['kid'])).toEqual([next]);
  await elsewhere.reload();
  expect(kids(elsewhere)).toEqual([next]);
});

it('takes up an older key by its own algorithm alone', async () => {
  const es = open('ES256');
  await es.ensure();
  const ed = open('EdDSA');
  await ed.ensure();
  expect(ed.current().algorithm).toBe('EdDSA');
  expect(ed.verificationKeys().get(es.current().kid)?.algorithm).toBe('ES256');
  await es.reload();
  expect(es.current().algorithm).toBe('ES256');
});

it('never signs for one purpose with what is for another, nor verifies, nor publishes it as such', async () => {
  const access = open();
  await access.ensure();
  const identity = open('ES256', SECRET, 'identity-jwt');
  await identity.ensure();
  expect(identity.current().kid).not.toBe(access.current().kid);
  await access.reload();
  expect(kids(access)).toEqual([access.current().kid]);
  expect(kids(identity)).toEqual([identity.current().kid]);
  expect(access.publicJwks().keys.map((key) => key['kid'])).toEqual([access.current().kid]);
  const before = access.current().kid;
  now += 1;
  await identity.rotate();
  await access.reload();
  expect(access.current().kid).toBe(before);
});

it('does not open a key that somebody moved to another purpose in the database', async () => {
  await open().ensure();
  const [record] = await store.signingKeys.list();
  if (record === undefined) throw new RangeError('a key was made');
  const moved = { ...store.signingKeys, list: async () => [{ ...record, purpose: 'identity-jwt' as const }] };
  const keys = createSigningKeys({
    ...{ store: moved, secrets: [SECRET], lifetime: LIFETIME, clock },
    ...{ purpose: 'identity-jwt', algorithm: 'ES256' },
  });
  await expect(keys.ensure()).rejects.toMatchObject({ code: 'configuration-invalid' });
});

it('says so when the secret is another one, and can be helped', async () => {
  await open().ensure();
  const other = open('ES256', 'another secret of more than thirty-two bytes');
  await expect(other.ensure()).rejects.toMatchObject({ code: 'configuration-invalid' });
  now += 1;
  const { kid } = await other.rotate();
  expect(other.current().kid).toBe(kid);
});

it('is not taken back by a reading that began earlier and ends later', async () => {
  let release = () => {};
  let held: Promise<void> | null = null;
  const slow = {
    ...store.signingKeys,
    async list() {
      const wait = held;
      held = null;
      const keys = await store.signingKeys.list();
      await wait;
      return keys;
    },
  };
  const keys = createSigningKeys({ store: slow, secrets: [SECRET], algorithm: 'ES256', lifetime: LIFETIME, clock });
  await keys.ensure();
  held = new Promise((resolve) => {
    release = resolve;
  });
  const early = keys.reload();
  now += 1;
  const rotated = keys.rotate();
  // Long enough for the rotation to be through if it did not wait for its turn.
  await new Promise((resolve) => setTimeout(resolve, 100));
  release();
  const [, { kid }] = await Promise.all([early, rotated]);
  expect(keys.current().kid).toBe(kid);
});

it('keeps what it has when the store is away', async () => {
  let away = false;
  const flaky = {
    ...store.signingKeys,
    list: () => (away ? Promise.reject(new Error('away')) : store.signingKeys.list()),
  };
  const keys = createSigningKeys({ store: flaky, secrets: [SECRET], algorithm: 'ES256', lifetime: LIFETIME, clock });
  await keys.ensure();
  const { kid } = keys.current();
  away = true;
  await expect(keys.reload()).rejects.toThrow('away');
  expect(keys.current().kid).toBe(kid);
  away = false;
  await keys.reload();
  expect(keys.current().kid).toBe(kid);
});

describe.each(SIGNING_ALGORITHMS)('%s', (algorithm) => {
  it('signs what it verifies', async () => {
    const keys = open(algorithm);
    await keys.ensure();
    const tokens = createAccessTokens({
      keys,
      secrets: [SECRET],
      issuer: 'i',
      audience: 'a',
      lifetime: LIFETIME,
      clock,
    });
    const user = { id: 'usr_1', username: 'alice', name: '', email: '', roles: [], groups: [], networks: [] };
    const { token } = await tokens.issueAccessToken({
      user: { ...user, locked: false, passwordHash: null, source: 'file' },
      ...{ now, authenticatedAt: now, familyId: 'glf_family', until: Number.POSITIVE_INFINITY },
    });
    expect(await tokens.verifyAccessToken(token)).toMatchObject({ userId: 'usr_1' });
    // Sealed and opened again by a process that did not make it.
    const again = open(algorithm);
    await again.ensure();
    const theirs = createAccessTokens({
      keys: again,
      secrets: [SECRET],
      issuer: 'i',
      audience: 'a',
      lifetime: LIFETIME,
      clock,
    });
    expect(await theirs.verifyAccessToken(token)).toMatchObject({ userId: 'usr_1' });
  });
});
