/** The names under which an access token can be revoked. */
export interface AccessTokenNames {
  /** Its `jti`: this token alone. */
  readonly tokenId: string;
  /** Its `sid`: all tokens that come of the same login. */
  readonly familyId: string;
}
