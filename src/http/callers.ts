import type { AccessRequest, HeaderFields } from '../domain/access-request.ts';
import { API_KEY_PREFIX, type ApiKey, apiKeyName } from '../domain/api-key.ts';
import type { Decision } from '../domain/decision.ts';
import { GatelodgeError } from '../domain/errors.ts';
import type { Identity } from '../domain/identity.ts';
import type { MaybePromise } from '../domain/maybe-promise.ts';
import { splitSecret } from '../domain/secret.ts';
import { ADMINISTRATOR_ROLE } from '../domain/user.ts';
import { bearerToken } from '../plugins/authorization.ts';
import { challengesFor, insufficientScope } from './challenges.ts';
import { guessedCredential } from './decision-endpoint.ts';
import { HttpProblem, type ProblemCode } from './problems.ts';
import { clientAddress, type PublicContext, type PublicParts } from './public-parts.ts';
import { tooMany } from './rate-limit-headers.ts';
import { accessRequest } from './target.ts';

/** Who calls: a program by its key, or a person who is an administrator, by a session. */
export type Caller =
  | { readonly kind: 'key'; readonly key: ApiKey; readonly identity: Identity }
  | { readonly kind: 'administrator'; readonly identity: Identity };

/** Where a page's script puts what `GET /api/v1/csrf` gave it. */
export const CSRF_HEADER = 'X-CSRF-Token';

/**
 * Who sends a call that manages something: an API key that carries the scope, or the session of a user with the role
 * `admin` together with a CSRF header. A key, where there is one, is what counts: a cookie never adds to it.
 * @throws HttpProblem 401 `no-credentials`, `invalid-credentials`; 403 `scope-missing`, `role-missing`, `csrf-failed`,
 *   `forbidden`; 400 `invalid-request` for two credentials; 429 `rate-limited` after many guesses
 */
export async function requireCaller(
  parts: PublicParts,
  context: PublicContext,
  { scope }: { readonly scope: string },
): Promise<Caller> {
  const request = callRequest(parts, context);
  const texts = keysPresented(request.headers);
  const [text] = texts;
  let caller: Caller | null = null;
  try {
    // /validate takes whichever is good. Here the key says how far a call may go: there must be no doubt which one it is.
    if (texts.length > 1) throw new HttpProblem('invalid-request', 'Send one credential, in one place.');
    caller =
      text === undefined
        ? {
            kind: 'administrator',
            identity: await identified(parts, context, request, parts.callers.bySession(request)),
          }
        : await keyCaller(parts, context, request, text);
    if (caller.kind === 'key') requireScope(caller.key, scope);
    else requireAdministrator(parts, context, caller.identity);
    return caller;
  } catch (error) {
    if (error instanceof HttpProblem) auditRefusal(parts, context, error.code, scope, caller);
    throw error;
  }
}

/** Writes down that a call was refused. @param scope null where it needs none @param caller null where it is nobody's */
export function auditRefusal(
  parts: Pick<PublicParts, 'audit'>,
  context: PublicContext,
  reason: ProblemCode,
  scope: string | null,
  caller: Caller | null,
): void {
  const who = caller === null ? {} : { user: caller.identity.username };
  const by = caller?.kind === 'key' ? { by: apiKeyName(caller.key) } : {};
  const detail = { reason, ...(scope === null ? {} : { scope }), method: context.req.method, ...by };
  parts.audit({ event: 'call.refused', ...who, address: clientAddress(context), detail });
}

/**
 * Who sends a call, by any credential that a configured plugin takes.
 * @throws HttpProblem as `requireCaller`; 403 is `forbidden` alone, for a user who may not come from there
 */
export async function requireIdentity(parts: PublicParts, context: PublicContext): Promise<Identity> {
  const request = callRequest(parts, context);
  try {
    return await identified(parts, context, request, parts.callers.byAnyPlugin(request));
  } catch (error) {
    if (error instanceof HttpProblem) auditRefusal(parts, context, error.code, null, null);
    throw error;
  }
}

async function keyCaller(
  parts: PublicParts,
  context: PublicContext,
  request: AccessRequest,
  text: string,
): Promise<Caller> {
  const identity = await identified(parts, context, request, parts.callers.byApiKey(request));
  const key = await parts.callers.findApiKey(splitSecret(text, API_KEY_PREFIX)?.id ?? '');
  // Revoked while it was being judged.
  if (key === null) throw unauthorized('invalid-credentials', 'Bearer error="invalid_token"');
  return { kind: 'key', key, identity };
}

function requireScope(key: ApiKey, scope: string): void {
  if (key.scopes.includes(scope)) return;
  // RFC 6750 section 3.1
  throw new HttpProblem('scope-missing', `The API key needs the scope ${scope}.`, {
    'WWW-Authenticate': insufficientScope(scope),
  });
}

function requireAdministrator(parts: PublicParts, context: PublicContext, identity: Identity): void {
  if (!identity.roles.includes(ADMINISTRATOR_ROLE)) {
    throw new HttpProblem('role-missing', `This needs the role ${ADMINISTRATOR_ROLE}.`);
  }
  // Whatever the method: one rule that is easy to keep, and a reading that another site starts is wasted on it anyway.
  const verdict = parts.csrf.check(context.req.raw.headers, context.req.header(CSRF_HEADER));
  if (verdict !== 'good') {
    const message =
      verdict === 'foreign'
        ? `This call was not sent from ${new URL(parts.configuration.public_url).origin}.`
        : `A call by a session needs the header ${CSRF_HEADER}, with the token from ${parts.base}/api/v1/csrf.`;
    throw new HttpProblem('csrf-failed', message);
  }
}

async function identified(
  parts: PublicParts,
  context: PublicContext,
  request: AccessRequest,
  deciding: MaybePromise<Decision>,
): Promise<Identity> {
  const decision = await deciding;
  const guess = guessedCredential(decision, request.headers);
  if (guess !== null) {
    const retryAfter = await parts.callers.countGuess(guess, clientAddress(context));
    if (retryAfter > 0) throw tooMany(retryAfter);
  }
  switch (decision.effect) {
    case 'allow':
      if (decision.identity !== null) return decision.identity;
      throw unauthorized('no-credentials', '');
    case 'challenge': {
      const none = decision.reason === 'no-credentials';
      const challenges = challengesFor(decision, request.headers);
      throw unauthorized(none ? 'no-credentials' : 'invalid-credentials', challenges.join(', '));
    }
    case 'deny':
      if (decision.reason === 'malformed-request')
        throw new HttpProblem('invalid-request', 'A credential was sent twice.');
      throw new HttpProblem('forbidden', 'This is not allowed.');
    case 'limited':
      throw tooMany(decision.retryAfter, decision.quota);
    case 'unavailable':
      throw decision.cause ?? new GatelodgeError(decision.reason, 'who calls cannot be told');
  }
}

/** Every text that stands where an API key does. */
function keysPresented(headers: HeaderFields): readonly string[] {
  const inAuthorization = headers.all('authorization').map(bearerToken);
  return [...headers.all('x-api-key'), ...inAuthorization.filter((text) => text !== null)];
}

/** The call as plugins look at requests. */
function callRequest(parts: PublicParts, context: PublicContext): AccessRequest {
  const { pathname, search } = new URL(context.req.url);
  const publicUrl = new URL(parts.configuration.public_url);
  const scheme = publicUrl.protocol === 'http:' ? 'http' : 'https';
  const port = publicUrl.port === '' ? (scheme === 'http' ? 80 : 443) : Number(publicUrl.port);
  const target = { method: context.req.method, scheme, host: publicUrl.hostname, port } as const;
  const fields = context.env?.fields ?? joinedFields(context.req.raw.headers);
  return accessRequest({ ...target, requestTarget: pathname + search }, fields, () => clientAddress(context));
}

/** A `Request`'s own header fields: what came twice has a comma in it, which no credential of ours has. */
function joinedFields(headers: Headers): HeaderFields {
  return {
    get: (name) => headers.get(name) ?? undefined,
    count: (name) => (headers.has(name) ? 1 : 0),
    all: (name) => [headers.get(name)].filter((value) => value !== null),
  };
}

/** RFC 9110 section 15.5.2: a 401 names what would be taken. */
function unauthorized(code: 'no-credentials' | 'invalid-credentials', challenges: string): HttpProblem {
  const message = code === 'no-credentials' ? 'This needs a credential.' : 'The credential is not good.';
  return new HttpProblem(code, message, { 'WWW-Authenticate': challenges === '' ? 'Bearer' : challenges });
}
