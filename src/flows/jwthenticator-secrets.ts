import { createHash, createHmac, randomBytes } from 'node:crypto';
import { exportRsaKey, generateRsaKey, importRsaKey, type RsaKey } from '../adapters/rsa-jwt.ts';
import { seal, unseal } from '../adapters/seal.ts';
import { GatelodgeError } from '../domain/errors.ts';
import type { JwthenticatorStore } from '../domain/jwthenticator.ts';
import { deriveKey } from '../domain/secret.ts';

/** The service's secret, and those that were in use before. */
type Secrets = readonly [string, ...string[]];

/** How the store knows keys and refresh tokens. */
export interface JwthenticatorHashes {
  ofKey(key: string): Uint8Array;
  /** Of what JWThenticator itself stores: SHA-512 of the key in hexadecimal digits. */
  ofKeyDigest(sha512: string): Uint8Array;
  ofRefreshToken(token: string): Uint8Array;
}

/**
 * HMAC-SHA-256 under a key that is sealed in the store: clients choose the texts of their keys, and a weak one must not be
 * found by trying, by somebody who has stolen the database and no secret. What is hashed of a key is its SHA-512, which is
 * all that JWThenticator has, so that its keys can be brought along.
 * @throws GatelodgeError `configuration-invalid` where the secret is neither the one of before nor knows of it, `store-unavailable`
 */
export async function openJwthenticatorHashes(
  store: JwthenticatorStore,
  secrets: Secrets,
): Promise<JwthenticatorHashes> {
  const hashKey = await sealedValue(store, secrets, 'hash-key', async () => randomBytes(32));
  const hmac = (purpose: string, text: string) => createHmac('sha256', hashKey).update(`${purpose}:${text}`).digest();
  const ofKeyDigest = (sha512: string) => hmac('key', sha512);
  return {
    ofKey: (key) => ofKeyDigest(createHash('sha512').update(key).digest('hex')),
    ofKeyDigest,
    ofRefreshToken: (token) => hmac('refresh-token', token),
  };
}

/** The key pair that was generated once; processes that start together agree on one. Throws as openJwthenticatorHashes. */
export async function openGeneratedRsaKey(store: JwthenticatorStore, secrets: Secrets): Promise<RsaKey> {
  return importRsaKey(
    await sealedValue(store, secrets, 'signing-key', async () => exportRsaKey(await generateRsaKey())),
  );
}

/** @param secrets the first seals; under the others it may have been sealed before, and then it is sealed anew */
async function sealedValue(
  store: JwthenticatorStore,
  secrets: Secrets,
  name: string,
  make: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const [sealingKey, ...previous] = secrets.map((secret) => deriveKey(secret, 'jwthenticator'));
  if (sealingKey === undefined) throw new GatelodgeError('internal-error', 'there is no secret');
  const context = `jwthenticator:${name}`;
  const kept =
    (await store.findSealed(name)) ?? (await store.keepSealed(name, seal(sealingKey, await make(), context)));
  const value = tryUnseal(sealingKey, kept, context);
  if (value !== null) return value;
  for (const key of previous) {
    const taken = tryUnseal(key, kept, context);
    if (taken === null) continue;
    // Where somebody else was quicker, it is the same value.
    await store.replaceSealed(name, kept, seal(sealingKey, taken, context));
    return taken;
  }
  // Going on would answer every good key with 401, and clients throw a key away for that.
  throw new GatelodgeError(
    'configuration-invalid',
    'what the JWThenticator mount has in storage was sealed under another secret: name that one under previous_secrets',
  );
}

function tryUnseal(key: Uint8Array, sealed: Uint8Array, context: string): Uint8Array | null {
  try {
    return unseal(key, sealed, context);
  } catch (error) {
    if (error instanceof GatelodgeError) return null;
    throw error;
  }
}
