import { type CryptoKey, generateSigningKey, importKey } from '../adapters/jose.ts';
import { seal, unseal } from '../adapters/seal.ts';
import type { Clock } from '../domain/clock.ts';
import { GatelodgeError } from '../domain/errors.ts';
import { deriveKey } from '../domain/secret.ts';
import { type SigningAlgorithm, type SigningKey, type SigningPurpose, signingAt } from '../domain/signing-key.ts';
import type { SigningKeyStore } from '../domain/store.ts';

export interface CurrentSigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly privateKey: CryptoKey;
}

export interface VerificationKey {
  readonly key: CryptoKey;
  /** The one algorithm this key may be used with, whatever a token says. */
  readonly algorithm: SigningAlgorithm;
}

export interface SigningKeys {
  /** Makes the first key where none of the configured algorithm signs yet, and loads what there is. Call it at the start. */
  ensure(): Promise<void>;
  /** Reads the keys again; call it when the change feed tells of a `signing-key`. */
  reload(): Promise<void>;
  /**
   * Makes a new key, which signs after `publishAhead`, or at once. The one before verifies until the last token it signed has
   * expired.
   * @returns the new `kid`, and when it begins to sign, in ms since the epoch
   */
  rotate(options?: { readonly atOnce?: boolean }): Promise<{ readonly kid: string; readonly signsFrom: number }>;
  /** @throws GatelodgeError `internal-error` before `ensure` or `reload` */
  current(): CurrentSigningKey;
  /** By `kid`: the key that signs and those whose tokens have not all expired. */
  verificationKeys(): ReadonlyMap<string, VerificationKey>;
  /** The same as an RFC 7517 set, public members only. */
  publicJwks(): { readonly keys: readonly Readonly<Record<string, unknown>>[] };
}

interface LoadedKey extends VerificationKey {
  readonly record: SigningKey;
}

interface Signer extends SigningKey {
  readonly signer: CurrentSigningKey;
}

/**
 * The keys behind one kind of token. They live in the store, private halves sealed under a key derived from the secret, so
 * that the database alone signs nothing.
 * @param options.purpose what they sign; keys of another purpose are nobody's here. Default access tokens
 * @param options.lifetime longest lifetime of a token, in ms
 * @param options.publishAhead how long a new key is published before it signs, in ms: for verifiers that ask for keys now and then
 */
export function createSigningKeys(options: {
  readonly store: SigningKeyStore;
  /** The first seals; the others are previous ones, under which keys may have been sealed. */
  readonly secrets: readonly [string, ...string[]];
  readonly purpose?: SigningPurpose;
  readonly algorithm: SigningAlgorithm;
  readonly lifetime: number;
  readonly publishAhead?: number;
  readonly clock: Clock;
}): SigningKeys {
  const { store, purpose = 'access-token', algorithm, lifetime, publishAhead = 0, clock } = options;
  const sealingKey = deriveKey(options.secrets[0], 'signing-keys');
  const previousSealingKeys = options.secrets.slice(1).map((secret) => deriveKey(secret, 'signing-keys'));
  let loaded: readonly LoadedKey[] = [];
  /** Those that sign now or will, opened. */
  let signers: readonly Signer[] = [];
  let openedByPreviousSecret = false;
  let reads: Promise<void> = Promise.resolve();

  async function list(): Promise<readonly SigningKey[]> {
    return (await store.list()).filter((record) => record.purpose === purpose);
  }

  async function generate(signsFrom: number, onlyIfNone: boolean): Promise<string> {
    const { kid, publicJwk, privateJwk } = await generateSigningKey(algorithm);
    const sealedPrivateJwk = seal(sealingKey, Buffer.from(JSON.stringify(privateJwk)), sealContext(purpose, kid));
    const record = {
      kid,
      purpose,
      algorithm,
      publicJwk,
      sealedPrivateJwk,
      createdAt: signsFrom,
      retiredAt: null,
      verifiesUntil: null,
    };
    await store.rotate(record, { retiredVerifiesUntil: signsFrom + lifetime, onlyIfNone });
    return kid;
  }

  async function read(): Promise<void> {
    const now = clock();
    const records = (await list()).filter((record) => verifiesAt(record, now));
    const next = await Promise.all(
      records.map(async (record) => {
        const known = loaded.find((one) => one.record.kid === record.kid);
        const key = known?.key ?? (await importKey(record.publicJwk, record.algorithm));
        return { record, key, algorithm: record.algorithm };
      }),
    );
    const opened: Signer[] = [];
    for (const record of records) {
      if (record.algorithm !== algorithm || (record.retiredAt !== null && record.retiredAt <= now)) continue;
      const known = signers.find((one) => one.kid === record.kid);
      const signer = known?.signer ?? (await openPrivateKey(record).catch(orIfRetired(record)));
      if (signer !== null) opened.push({ ...record, signer });
    }
    loaded = next;
    signers = opened;
  }

  /** One after the other: an older read that comes back later must not undo a newer one. */
  function reload(): Promise<void> {
    const next = reads.then(read);
    reads = next.catch(() => {});
    return next;
  }

  async function openPrivateKey(record: SigningKey): Promise<CurrentSigningKey> {
    for (const key of [sealingKey, ...previousSealingKeys]) {
      const jwk = tryUnseal(key, record, sealContext(purpose, record.kid));
      if (jwk === null) continue;
      if (record.retiredAt === null) openedByPreviousSecret = key !== sealingKey;
      return { kid: record.kid, algorithm: record.algorithm, privateKey: await importKey(jwk, record.algorithm) };
    }
    throw new GatelodgeError(
      'configuration-invalid',
      'the signing key in storage was sealed under another secret: name that one under previous_secrets, or make a new key with `gatelodge signing-keys rotate`',
    );
  }

  return {
    async ensure() {
      const signs = (await list()).some((key) => key.retiredAt === null && key.algorithm === algorithm);
      // The store decides again, atomically: two processes that start together agree on one key.
      if (!signs) await generate(clock(), true);
      await reload();
      if (!openedByPreviousSecret) return;
      // A key under the secret of today, before the previous one is no longer named.
      await generate(clock() + publishAhead, false);
      await reload();
    },
    reload,
    async rotate({ atOnce = false } = {}) {
      const signsFrom = clock() + (atOnce ? 0 : publishAhead);
      const kid = await generate(signsFrom, false);
      await reload();
      return { kid, signsFrom };
    },
    current() {
      const current = signingAt(signers, clock());
      if (current === undefined) throw new GatelodgeError('internal-error', 'there is no signing key');
      return current.signer;
    },
    verificationKeys() {
      const now = clock();
      return new Map(loaded.filter((one) => verifiesAt(one.record, now)).map((one) => [one.record.kid, one]));
    },
    publicJwks() {
      const now = clock();
      return { keys: loaded.filter((one) => verifiesAt(one.record, now)).map((one) => one.record.publicJwk) };
    },
  };
}

/** A key that another one is to follow may be out of reach, sealed under a secret that was lost: that one signs in its place. */
function orIfRetired(record: SigningKey): (error: unknown) => null {
  return (error) => {
    if (record.retiredAt === null) throw error;
    return null;
  };
}

function verifiesAt(record: SigningKey, now: number): boolean {
  return record.verifiesUntil === null || record.verifiesUntil > now;
}

/** null where it was sealed under another key. */
function tryUnseal(key: Uint8Array, { sealedPrivateJwk }: SigningKey, context: string): Record<string, unknown> | null {
  try {
    return JSON.parse(Buffer.from(unseal(key, sealedPrivateJwk, context)).toString());
  } catch {
    return null;
  }
}

/** Ties a sealed key to its own record, and to what it is for: one that was moved to another purpose opens no more. */
function sealContext(purpose: SigningPurpose, kid: string): string {
  return purpose === 'access-token' ? `signing-key:${kid}` : `signing-key:${purpose}:${kid}`;
}
