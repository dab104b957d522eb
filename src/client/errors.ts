/**
 * Everything that can go wrong here, as stable codes:
 * - `invalid-options`: what `createClient` or `fetch` was given cannot be
 * - `forbidden-origin`: the request leads where the credential must not go; nothing was sent
 * - `invalid-credentials`: gatelodge refused user name and password
 * - `refused`: gatelodge refused the refresh token, and there is no other credential
 * - `conflict`: another program has just spent the refresh token, and there is no other credential
 * - `rate-limited`: too many attempts; see `retryAfter`
 * - `unavailable`: gatelodge, or the front server before it, cannot answer now; see `retryAfter`
 * - `network`: no answer, or not in time
 * - `unexpected-answer`: what answers at `url` does not answer as gatelodge does
 * - `callback-failed`: `onTokens` threw; the new tokens are in use nevertheless
 * - `logged-out`: `logout()` was called
 */
export type ClientErrorCode =
  | 'invalid-options'
  | 'forbidden-origin'
  | 'invalid-credentials'
  | 'refused'
  | 'conflict'
  | 'rate-limited'
  | 'unavailable'
  | 'network'
  | 'unexpected-answer'
  | 'callback-failed'
  | 'logged-out';

export interface ClientErrorDetails {
  readonly status?: number | undefined;
  readonly retryAfter?: number | undefined;
  readonly cause?: unknown;
}

export class GatelodgeClientError extends Error {
  readonly code: ClientErrorCode;
  /** The HTTP status of gatelodge's answer; undefined where there was none. */
  readonly status: number | undefined;
  /** In how many whole seconds it is worth another try; undefined where nobody knows. */
  readonly retryAfter: number | undefined;

  /** @param message for people; it never holds a credential */
  constructor(code: ClientErrorCode, message: string, { status, retryAfter, cause }: ClientErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'GatelodgeClientError';
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Whether it is one of ours, and where codes are given, one of these. */
export function isClientError(error: unknown, ...codes: readonly ClientErrorCode[]): error is GatelodgeClientError {
  return error instanceof GatelodgeClientError && (codes.length === 0 || codes.includes(error.code));
}
