import type { Quota } from '../domain/rate-limit.ts';
import { HttpProblem } from './problems.ts';

/**
 * What tells a client how much it may ask for, names and values in turn: three fields as most clients read them
 * (draft-ietf-httpapi-ratelimit-headers up to 06) and the two that newer drafts have made of them.
 * @param retryAfter whole seconds
 */
export function rateLimitFields({ policy, limit, window }: Quota, retryAfter: number): string[] {
  return [
    ...['RateLimit-Limit', String(limit), 'RateLimit-Remaining', '0', 'RateLimit-Reset', String(retryAfter)],
    ...['RateLimit-Policy', `"${policy}";q=${limit};w=${window}`, 'RateLimit', `"${policy}";r=0;t=${retryAfter}`],
  ];
}

/** The fields of a 429, for an answer whose header is an object. `quota` is null where guesses are held up. */
export function tooManyHeaders(retryAfter: number, quota: Quota | null): Record<string, string> {
  const fields = ['Retry-After', String(retryAfter), ...(quota === null ? [] : rateLimitFields(quota, retryAfter))];
  const headers: Record<string, string> = {};
  for (let at = 0; at < fields.length; at += 2) headers[fields[at] ?? ''] = fields[at + 1] ?? '';
  return headers;
}

/** The 429 of a call. @param retryAfter whole seconds */
export function tooMany(retryAfter: number, quota: Quota | null = null): HttpProblem {
  return new HttpProblem('rate-limited', 'Too many attempts.', tooManyHeaders(retryAfter, quota));
}
