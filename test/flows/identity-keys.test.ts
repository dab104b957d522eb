import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { configurationSchema } from '../../src/config/schema.ts';
import type { Store } from '../../src/domain/store.ts';
import { createIdentityKeys, type IdentityKeys } from '../../src/flows/identity-keys.ts';
import { openSqliteStore } from '../../src/stores/sqlite.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';

const SECRET = 'a secret of more than thirty-two bytes, for tests';
let now: number;
const clock = () => now;
let directory: TempDir;
let store: Store;
beforeEach(async () => {
  now = 1_800_000_000_000;
  directory = await tempDir();
  store = await openSqliteStore({ file: join(directory.path, 'data.sqlite'), clock });
});
afterEach(async () => {
  await store.close();
  await directory.remove();
});

function keysOf(options: Record<string, unknown>): IdentityKeys | null {
  const { identity_jwt: configuration } = configurationSchema.parse({ identity_jwt: options });
  return createIdentityKeys({ configuration, store: store.signingKeys, secrets: [SECRET], clock });
}
const pem = (modulusLength = 2_048) =>
  generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();

it('has none where identity JWTs are off', () => {
  expect(keysOf({ private_key: pem() })).toBeNull();
});

it('takes one’s own, publishes its public half and stores nothing', async () => {
  const keys = keysOf({ enabled: true, algorithm: 'RS512', private_key: pem() });
  expect(() => keys?.current()).toThrow(expect.objectContaining({ code: 'internal-error' }));
  await keys?.ensure();
  const kid = keys?.current().kid;
  expect(keys?.current().algorithm).toBe('RS512');
  expect(keys?.publicJwks().keys).toEqual([
    { kty: 'RSA', n: expect.any(String), e: 'AQAB', kid, alg: 'RS512', use: 'sig' },
  ]);
  expect(await store.signingKeys.list()).toEqual([]);
  await keys?.reload();
  expect(keys?.current().kid).toBe(kid);
  expect(keys?.rotate).toBeNull();
});

it.each([
  ['another algorithm', { algorithm: 'ES256', private_key: pem() }],
  ['more bits', { algorithm: 'RS512', private_key: pem(1_024) }],
  ['a key at all', { algorithm: 'RS512', private_key: 'x' }],
])('starts with none that would need %s, and does not quote it', async (_what, options) => {
  const failure = await keysOf({ enabled: true, ...options })
    ?.ensure()
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'configuration-invalid' });
  expect(String(failure)).not.toContain('BEGIN');
});

it('makes its own otherwise, which no access token is ever signed with', async () => {
  const keys = keysOf({ enabled: true });
  await keys?.ensure();
  expect((await store.signingKeys.list()).map(({ purpose, kid }) => [purpose, kid])).toEqual([
    ['identity-jwt', keys?.current().kid],
  ]);
  const before = keys?.current().kid;
  const next = await keys?.rotate?.();
  expect(keys?.current().kid).toBe(before);
  expect(
    keys
      ?.publicJwks()
      .keys.map((key) => key['kid'])
      .sort(),
  ).toEqual([before, next?.kid].sort());
  now = next?.signsFrom ?? 0;
  expect(keys?.current().kid).toBe(next?.kid);
});
