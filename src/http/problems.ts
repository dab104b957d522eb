import type { ErrorCode } from '../domain/errors.ts';
import { GatelodgeError } from '../domain/errors.ts';

/** What a client is told about a failure: a stable code and words for people. */
export type ProblemCode =
  | ErrorCode
  | 'no-credentials'
  | 'csrf-failed'
  | 'role-missing'
  | 'scope-missing'
  | 'method-not-allowed'
  | 'payload-too-large'
  | 'unsupported-media-type';

const STATUS: Readonly<Record<ProblemCode, number>> = {
  'invalid-request': 400,
  'invalid-credentials': 401,
  'no-credentials': 401,
  'csrf-failed': 403,
  forbidden: 403,
  'role-missing': 403,
  'scope-missing': 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'already-exists': 409,
  conflict: 409,
  'payload-too-large': 413,
  'unsupported-media-type': 415,
  'rate-limited': 429,
  'internal-error': 500,
  'plugin-failed': 500,
  'configuration-invalid': 500,
  overloaded: 503,
  'store-unavailable': 503,
};

export function statusOf(code: ProblemCode): number {
  return STATUS[code];
}

/** Failures that pass by themselves; how many seconds to wait is a guess, but a better one than a client's own. */
const RETRY_SECONDS = 2;

/** A request that is answered with an error. Thrown anywhere below the public application, rendered in one place. */
export class HttpProblem extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'HttpProblem';
    this.code = code;
    this.status = STATUS[code];
    this.headers = headers;
  }
}

/** What the client may know of any failure: nothing beyond its code where the fault is ours. */
export function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (!(error instanceof GatelodgeError) || STATUS[error.code] === 500) {
    return new HttpProblem('internal-error', 'Something went wrong here. It has been logged.');
  }
  if (STATUS[error.code] !== 503) return new HttpProblem(error.code, error.message);
  const message = error.code === 'overloaded' ? 'Too many logins at once.' : 'The store cannot be reached.';
  return new HttpProblem(error.code, `${message} Try again in a moment.`, { 'Retry-After': String(RETRY_SECONDS) });
}
