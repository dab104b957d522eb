import { type CryptoKey, generateSigningKey, importKey } from '../adapters/jose.ts';
import { seal, unseal } from '../adapters/seal.ts';
import type { Clock } from '../domain/clock.ts';
import { GatelodgeError } from '../domain/errors.ts';
import { deriveKey } from '../domain/secret.ts';
import type { SigningAlgorithm, SigningKey, SigningPurpose } from '../domain/signing-key.ts';
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
  /** Makes a new key sign. The one before verifies until the last token it signed has expired. Returns the new `kid`. */
  rotate(): Promise<string>;
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

/**
 * The keys behind one kind of token. They live in the store, private halves sealed under a key derived from the secret, so
 * that the database alone signs nothing.
 * @param options.purpose what they sign; keys of another purpose are nobody's here. Default access tokens
 * @param options.lifetime longest lifetime of a token, in ms
 */
export function createSigningKeys(options: {
  readonly store: SigningKeyStore;
  readonly secret: string;
  readonly purpose?: SigningPurpose;
  readonly algorithm: SigningAlgorithm;
  readonly lifetime: number;
  readonly clock: Clock;
}): SigningKeys {
  const { store, purpose = 'access-token', algorithm, lifetime, clock } = options;
  const sealingKey = deriveKey(options.secret, 'signing-keys');
  let loaded: readonly LoadedKey[] = [];
  let current: CurrentSigningKey | null = null;
  let reads: Promise<void> = Promise.resolve();

  async function list(): Promise<readonly SigningKey[]> {
    return (await store.list()).filter((record) => record.purpose === purpose);
  }

  async function generate(onlyIfNone: boolean): Promise<string> {
    const now = clock();
    const { kid, publicJwk, privateJwk } = await generateSigningKey(algorithm);
    const sealedPrivateJwk = seal(sealingKey, Buffer.from(JSON.stringify(privateJwk)), sealContext(purpose, kid));
    const record = {
      kid,
      purpose,
      algorithm,
      publicJwk,
      sealedPrivateJwk,
      createdAt: now,
      retiredAt: null,
      verifiesUntil: null,
    };
    await store.rotate(record, { retiredVerifiesUntil: now + lifetime, onlyIfNone });
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
    const signing = records
      .filter((record) => record.retiredAt === null && record.algorithm === algorithm)
      .sort((a, b) => b.createdAt - a.createdAt)[0];
    const signer = signing === undefined || signing.kid === current?.kid ? current : await openPrivateKey(signing);
    loaded = next;
    current = signing === undefined ? null : signer;
  }

  /** One after the other: an older read that comes back later must not undo a newer one. */
  function reload(): Promise<void> {
    const next = reads.then(read);
    reads = next.catch(() => {});
    return next;
  }

  async function openPrivateKey(record: SigningKey): Promise<CurrentSigningKey> {
    let jwk: Record<string, unknown>;
    try {
      jwk = JSON.parse(
        Buffer.from(unseal(sealingKey, record.sealedPrivateJwk, sealContext(purpose, record.kid))).toString(),
      );
    } catch (cause) {
      throw new GatelodgeError(
        'configuration-invalid',
        'the signing key in storage was sealed under another secret; `gatelodge signing-keys rotate` makes a new one',
        { cause },
      );
    }
    return { kid: record.kid, algorithm: record.algorithm, privateKey: await importKey(jwk, record.algorithm) };
  }

  return {
    async ensure() {
      const signs = (await list()).some((key) => key.retiredAt === null && key.algorithm === algorithm);
      // The store decides again, atomically: two processes that start together agree on one key.
      if (!signs) await generate(true);
      await reload();
    },
    reload,
    async rotate() {
      const kid = await generate(false);
      await reload();
      return kid;
    },
    current() {
      if (current === null) throw new GatelodgeError('internal-error', 'there is no signing key');
      return current;
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

function verifiesAt(record: SigningKey, now: number): boolean {
  return record.verifiesUntil === null || record.verifiesUntil > now;
}

/** Ties a sealed key to its own record, and to what it is for: one that was moved to another purpose opens no more. */
function sealContext(purpose: SigningPurpose, kid: string): string {
  return purpose === 'access-token' ? `signing-key:${kid}` : `signing-key:${purpose}:${kid}`;
}
