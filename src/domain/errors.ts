/**
 * Stable codes of everything that can go wrong below the HTTP layer. What a client sees is the code and `message`;
 * what the log gets besides is `cause`. Tests assert codes, never prose.
 */
export type ErrorCode =
  | 'invalid-request'
  | 'invalid-credentials'
  | 'forbidden'
  | 'not-found'
  | 'already-exists'
  | 'conflict'
  | 'overloaded'
  | 'store-unavailable'
  | 'plugin-failed'
  | 'configuration-invalid'
  | 'rate-limited'
  | 'internal-error';

export class GatelodgeError extends Error {
  readonly code: ErrorCode;

  /** @param message for people; it never holds a credential */
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'GatelodgeError';
    this.code = code;
  }
}

/** The code of any thrown value: unknown failures are `internal-error`. */
export function errorCodeOf(error: unknown): ErrorCode {
  return error instanceof GatelodgeError ? error.code : 'internal-error';
}

/** What of an error may be logged: its kind, code and place, never a message that might quote what somebody sent. */
export function failureDetail(error: unknown): Record<string, unknown> {
  const chain: unknown[] = [];
  for (let at: unknown = error; at instanceof Error && chain.length < 4; at = at.cause) {
    chain.push({
      name: at.name,
      code: 'code' in at ? at.code : undefined,
      at: at.stack?.split('\n').slice(1, 4).join(' ').replace(/\s+/g, ' '),
    });
  }
  return { error: chain };
}
