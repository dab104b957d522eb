import { createHash, createHmac, randomBytes } from 'node:crypto';
import { exportRsaKey, generateRsaKey, type RsaKey, readRsaKey } from '../adapters/rsa-jwt.ts';
import { seal, unseal } from '../adapters/seal.ts';
import { GatelodgeError } from '../domain/errors.ts';
import type { JwthenticatorStore } from '../domain/jwthenticator.ts';
import { deriveKey } from '../domain/secret.ts';

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
 * @throws GatelodgeError `configuration-invalid` where the secret is another one than before, `store-unavailable`
 */
export async function openJwthenticatorHashes(store: JwthenticatorStore, secret: string): Promise<JwthenticatorHashes> {
  const hashKey = await sealedValue(store, secret, 'hash-key', async () => randomBytes(32));
  const hmac = (purpose: string, text: string) => createHmac('sha256', hashKey).update(`${purpose}:${text}`).digest();
  const ofKeyDigest = (sha512: string) => hmac('key', sha512);
  return {
    ofKey: (key) => ofKeyDigest(createHash('sha512').update(key).digest('hex')),
    ofKeyDigest,
    ofRefreshToken: (token) => hmac('refresh-token', token),
  };
}

/** The key pair that was generated once; processes that start together agree on one. Throws as openJwthenticatorHashes. */
export async function openGeneratedRsaKey(store: JwthenticatorStore, secret: string): Promise<RsaKey> {
  return readRsaKey(await sealedValue(store, secret, 'signing-key', async () => exportRsaKey(await generateRsaKey())));
}

async function sealedValue(
  store: JwthenticatorStore,
  secret: string,
  name: string,
  make: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const sealingKey = deriveKey(secret, 'jwthenticator');
  const context = `jwthenticator:${name}`;
  const present = await store.findSealed(name);
  const kept = present ?? (await store.keepSealed(name, seal(sealingKey, await make(), context)));
  try {
    return unseal(sealingKey, kept, context);
  } catch (cause) {
    // Going on would answer every good key with 401, and clients throw a key away for that.
    throw new GatelodgeError(
      'configuration-invalid',
      'what the JWThenticator mount has in storage was sealed under another secret: put that one back',
      { cause },
    );
  }
}
