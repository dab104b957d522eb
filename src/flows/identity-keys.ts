import { signJwt, verifyJwt } from '../adapters/jose.ts';
import { importPrivateKey, readPrivateKey } from '../adapters/private-key.ts';
import type { Configuration } from '../config/schema.ts';
import type { Clock } from '../domain/clock.ts';
import { GatelodgeError } from '../domain/errors.ts';
import type { SigningAlgorithm } from '../domain/signing-key.ts';
import type { SigningKeyStore } from '../domain/store.ts';
import { type CurrentSigningKey, createSigningKeys, type SigningKeys } from './signing-keys.ts';

/** The keys behind identity JWTs. As SigningKeys, but that nothing here verifies them: applications do. */
export interface IdentityKeys extends Pick<SigningKeys, 'ensure' | 'reload' | 'current' | 'publicJwks'> {
  /** null where the key was brought along: it changes where it comes from. */
  readonly rotate: SigningKeys['rotate'] | null;
}

/** A token that is signed while another process already rotates the key expires a moment later than that one thinks. */
const LATE = 60_000;
/** Applications keep the published keys for about as long, and many ask again no sooner, whatever a token names. */
const PUBLISH_AHEAD = 10 * 60_000;

/** null where identity JWTs are off. */
export function createIdentityKeys(options: {
  readonly configuration: Configuration['identity_jwt'];
  readonly store: SigningKeyStore;
  readonly secrets: readonly [string, ...string[]];
  readonly clock: Clock;
}): IdentityKeys | null {
  const { configuration, ...parts } = options;
  const { enabled, algorithm, lifetime, private_key: pem } = configuration;
  if (!enabled) return null;
  if (pem !== undefined) return createGivenKey(pem, algorithm, options.clock);
  return createSigningKeys({
    ...parts,
    purpose: 'identity-jwt',
    algorithm,
    lifetime: lifetime + LATE,
    publishAhead: PUBLISH_AHEAD,
  });
}

/** One's own key, from the configuration. It is in no store, and is used up to the next start or reload. */
function createGivenKey(pem: string, algorithm: SigningAlgorithm, clock: Clock): IdentityKeys {
  let current: CurrentSigningKey | null = null;
  let published: readonly Readonly<Record<string, unknown>>[] = [];
  return {
    rotate: null,
    async ensure() {
      const { key, why } = readPrivateKey(pem, algorithm);
      if (key === null) throw unusable(why);
      try {
        const { kid, publicJwk, publicKey, privateKey } = await importPrivateKey(key, algorithm);
        // Halves that do not belong together would be found out by the applications alone, one request after another.
        const expected = { algorithm, issuer: 'self', audience: 'self', requiredClaims: [], now: clock() };
        const exp = Math.floor(clock() / 1_000) + 60;
        const token = await signJwt({ iss: 'self', aud: 'self', exp }, { algorithm, typ: 'JWT', kid }, privateKey);
        if ((await verifyJwt(token, publicKey, expected)) === null) throw unusable('its halves do not fit');
        current = { kid, algorithm, privateKey };
        published = [publicJwk];
      } catch (cause) {
        throw cause instanceof GatelodgeError ? cause : unusable('it does not sign', cause);
      }
    },
    async reload() {},
    current() {
      if (current === null) throw new GatelodgeError('internal-error', 'there is no signing key');
      return current;
    },
    publicJwks: () => ({ keys: published }),
  };
}

function unusable(why: string, cause?: unknown): GatelodgeError {
  return new GatelodgeError('configuration-invalid', `identity_jwt.private_key cannot be used: ${why}`, { cause });
}
