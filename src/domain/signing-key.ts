export const SIGNING_ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/**
 * What a key signs. One key never signs for two: a token of one kind would be one of the other as far as its signature tells
 * (RFC 8725 section 3.11).
 */
export const SIGNING_PURPOSES = ['access-token', 'identity-jwt'] as const;
export type SigningPurpose = (typeof SIGNING_PURPOSES)[number];

/** An asymmetric key pair as the store keeps it. Times are ms since the epoch. */
export interface SigningKey {
  readonly kid: string;
  readonly purpose: SigningPurpose;
  readonly algorithm: SigningAlgorithm;
  /** RFC 7517, public members only. */
  readonly publicJwk: Readonly<Record<string, unknown>>;
  /** The private JWK, sealed under a key derived from the service's secret. */
  readonly sealedPrivateJwk: Uint8Array;
  /** When it begins to sign: it may be published before. */
  readonly createdAt: number;
  /** When it stops signing, which may be still to come; null while no other is to follow. */
  readonly retiredAt: number | null;
  /** When the last token it signed has expired, and it stops verifying; null while no other is to follow. */
  readonly verifiesUntil: number | null;
}

/** Which of the keys of one purpose and algorithm signs at a time, in ms since the epoch. */
export function signingAt<T extends SigningKey>(keys: readonly T[], now: number): T | undefined {
  const signing = keys
    .filter(({ retiredAt }) => retiredAt === null || retiredAt > now)
    // Of two that begin at the same time, the one that no other is to follow.
    .sort((a, b) => b.createdAt - a.createdAt || Number(a.retiredAt !== null) - Number(b.retiredAt !== null));
  // Where none has begun, this machine's clock is behind that of the one that made them.
  return signing.find(({ createdAt }) => createdAt <= now) ?? signing.at(-1);
}
