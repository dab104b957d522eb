import type { AccessRequest } from '../domain/access-request.ts';
import type { AuthenticationResult, PluginInstance, Rejected } from '../domain/authentication.ts';
import type { UnavailableReason } from '../domain/decision.ts';
import { errorCodeOf } from '../domain/errors.ts';
import type { Identity } from '../domain/identity.ts';
import { isPromise, type MaybePromise } from '../domain/maybe-promise.ts';

/** What the credentials of a request come to. */
export type Authentication =
  | { readonly kind: 'identified'; readonly identity: Identity }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'rejected'; readonly rejection: Rejected }
  | { readonly kind: 'failed'; readonly reason: UnavailableReason; readonly cause: unknown };

const NOBODY: Authentication = Object.freeze({ kind: 'nobody' });
const REJECTED: Rejected = Object.freeze({ kind: 'rejected', reason: 'credentials-rejected' });

/**
 * Asks the plugins of a rule. `any`: the first, in order, that finds a good credential wins, whatever another found.
 * `all`: every one must; the identity is the first one's, and two different users of the directory are refused.
 */
export function authenticate(
  plugins: readonly PluginInstance[],
  mode: 'any' | 'all',
  request: AccessRequest,
): MaybePromise<Authentication> {
  return mode === 'all' && plugins.length > 1 ? allOf(plugins, request) : anyOf(plugins, request, 0, null);
}

/** Goes on by itself after a plugin that had to wait, so that a session from the cache is answered without a promise. */
function anyOf(
  plugins: readonly PluginInstance[],
  request: AccessRequest,
  from: number,
  known: Rejected | null,
): MaybePromise<Authentication> {
  let worst = known;
  for (let index = from; index < plugins.length; index += 1) {
    const instance = plugins[index];
    if (instance === undefined) break;
    let result: MaybePromise<AuthenticationResult>;
    try {
      result = instance.plugin.authenticate(request);
    } catch (error) {
      return failure(error);
    }
    if (isPromise(result)) {
      const soFar = worst;
      return result.then(
        (late) =>
          late.kind === 'authenticated'
            ? { kind: 'identified', identity: late.identity }
            : anyOf(plugins, request, index + 1, moreSpecific(soFar, late)),
        failure,
      );
    }
    if (result.kind === 'authenticated') return { kind: 'identified', identity: result.identity };
    worst = moreSpecific(worst, result);
  }
  return worst === null ? NOBODY : { kind: 'rejected', rejection: worst };
}

async function allOf(plugins: readonly PluginInstance[], request: AccessRequest): Promise<Authentication> {
  const identities: Identity[] = [];
  let worst: Rejected | null = null;
  for (const { plugin } of plugins) {
    try {
      const result = await plugin.authenticate(request);
      if (result.kind === 'authenticated') identities.push(result.identity);
      else worst = moreSpecific(worst, result);
    } catch (error) {
      return failure(error);
    }
  }
  if (worst !== null) return { kind: 'rejected', rejection: worst };
  const first = identities[0];
  if (first === undefined || identities.length < plugins.length) return NOBODY;
  const users = new Set(identities.map((identity) => identity.userId).filter((id) => id !== null));
  if (users.size > 1) return { kind: 'rejected', rejection: REJECTED };
  const methods = identities.flatMap((identity) => identity.methods);
  // Whichever came first, and as whom: they are the same user of the directory, or one is and the others are nobody there.
  const networks = identities.find((identity) => identity.networks !== null)?.networks ?? null;
  return { kind: 'identified', identity: { ...first, methods, networks, scopes: commonScopes(identities) } };
}

/** A credential with scopes restricts the request also where another one, without any, came first. */
function commonScopes(identities: readonly Identity[]): readonly string[] | null {
  return identities.reduce<readonly string[] | null>((common, { scopes }) => {
    if (scopes === null || common === null) return common ?? scopes;
    return common.filter((scope) => scopes.includes(scope));
  }, null);
}

const SPECIFICITY: Readonly<Record<Rejected['reason'], number>> = {
  'user-locked': 3,
  'session-expired': 2,
  'credentials-rejected': 1,
};

/**
 * Of two refusals the one that tells most. A bad credential never vanishes behind a cookie that has merely grown old:
 * where one is not stale, neither is the outcome.
 */
function moreSpecific(known: Rejected | null, result: AuthenticationResult): Rejected | null {
  if (result.kind !== 'rejected') return known;
  if (known === null) return result;
  const reason = SPECIFICITY[result.reason] > SPECIFICITY[known.reason] ? result.reason : known.reason;
  if (known.stale === true && result.stale === true) return known;
  const retryAfter = Math.max(known.retryAfter ?? 0, result.retryAfter ?? 0);
  return { kind: 'rejected', reason, ...(retryAfter === 0 ? {} : { retryAfter }) };
}

function failure(error: unknown): Authentication {
  const code = errorCodeOf(error);
  const reason = code === 'overloaded' || code === 'store-unavailable' ? code : 'internal-error';
  return { kind: 'failed', reason, cause: error };
}
