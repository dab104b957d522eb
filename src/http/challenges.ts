import type { HeaderFields } from '../domain/access-request.ts';
import type { Challenge, ChallengeReason } from '../domain/decision.ts';
import { bearerToken } from '../plugins/authorization.ts';

/** How every plugin for tokens or keys asks for one. */
const BEARER = 'Bearer';
/** Whoever is known and has to prove themselves again has sent a good one. */
const OF_BAD_TOKENS: readonly ChallengeReason[] = ['credentials-rejected', 'session-expired', 'user-locked'];

/** What stands where a key or a token does, good or not; null where nothing does. */
export function presentedTokens(headers: HeaderFields): string | null {
  const given = [headers.get('x-api-key'), bearerToken(headers.get('authorization')) ?? undefined];
  return given.every((credential) => credential === undefined) ? null : given.join('\n');
}

/**
 * The values of WWW-Authenticate. Whoever sent a token or key that is of no use is told so by the code for that (RFC 6750
 * section 3.1): it is what clients renew a token for. That comes first: where all stand on one line, browsers obey the first
 * alone, and a script whose token has ended is to hear of it, not to wait for a person to type a password.
 */
export function challengesFor({ reason, challenges }: Challenge, headers: HeaderFields): readonly string[] {
  if (!OF_BAD_TOKENS.includes(reason) || !challenges.includes(BEARER) || presentedTokens(headers) === null)
    return challenges;
  return [`${BEARER} error="invalid_token"`, ...challenges.filter((one) => one !== BEARER)];
}

/** Of a good token or key whose scopes do not reach. @param scopes what would, where that is known */
export function insufficientScope(...scopes: readonly string[]): string {
  return [`${BEARER} error="insufficient_scope"`, ...scopes.map((scope) => `scope="${scope}"`)].join(', ');
}
