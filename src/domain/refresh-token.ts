/**
 * A refresh token (RFC 6749 section 1.5) as it is stored: `glr_<id>.<secret>` without the secret. One is spent for the next, so those of
 * one login make a family, which ends as a whole. Times are ms since the epoch.
 */
export interface RefreshToken {
  readonly id: string;
  readonly secretHash: Uint8Array;
  /** The `sid` of all access tokens that come of one login. */
  readonly familyId: string;
  readonly userId: string;
  readonly issuedAt: number;
  /** When the person proved who they are: at the login, not at a refresh. */
  readonly authenticatedAt: number;
  /** The family's end, which no refresh moves. */
  readonly expiresAt: number;
  /** When the access token ends that was issued with it. */
  readonly accessExpiresAt: number;
  /** When the next one took its place. */
  readonly spentAt: number | null;
  /** The refresh token that did. */
  readonly successorId: string | null;
}

/** One user's live families, for people who want to know who holds what. */
export interface TokenStatistics {
  readonly userId: string;
  /** Logins whose refresh token is still good. */
  readonly families: number;
  /** Access tokens that have not expired. */
  readonly accessTokens: number;
  /** When the newest access token was issued. */
  readonly lastIssuedAt: number;
  /** When the last of the access tokens ends, and the last of the families. */
  readonly accessExpiresAt: number;
  readonly refreshExpiresAt: number;
}
