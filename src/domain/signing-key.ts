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
  readonly createdAt: number;
  /** When it stopped signing; null while it signs. */
  readonly retiredAt: number | null;
  /** When the last token it signed has expired, and it stops verifying; null while it signs. */
  readonly verifiesUntil: number | null;
}
