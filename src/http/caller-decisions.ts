import { accessBy, type Gate } from '../decision/access.ts';
import { decideCaller } from '../decision/decide.ts';
import type { AccessRequest } from '../domain/access-request.ts';
import type { ApiKey } from '../domain/api-key.ts';
import type { PluginInstance } from '../domain/authentication.ts';
import type { Decision } from '../domain/decision.ts';
import type { CountGuess } from '../domain/login-attempts.ts';
import { andThen, type MaybePromise } from '../domain/maybe-promise.ts';
import { createApiKeyPlugin } from '../plugins/apikey.ts';
import type { BuiltInContext } from '../plugins/built-in.ts';
import { createSessionPlugin } from '../plugins/session.ts';

/** Who sends a call of gatelodge's own, judged by the code that decides checks: a locked user is refused here as there. */
export interface CallerDecisions {
  /** By an API key of ours, whether or not a plugin of the configuration takes them. */
  byApiKey(request: AccessRequest): MaybePromise<Decision>;
  /** By the session cookie. */
  bySession(request: AccessRequest): MaybePromise<Decision>;
  /** By whatever the configured plugins take. */
  byAnyPlugin(request: AccessRequest): MaybePromise<Decision>;
  /** The record of a key that was found good; null where it has just been revoked. */
  findApiKey(id: string): MaybePromise<ApiKey | null>;
  readonly countGuess: CountGuess;
}

/** @param contextOf what a built-in plugin of that name gets */
export function createCallerDecisions(parts: {
  readonly gate: Gate;
  readonly plugins: Iterable<PluginInstance>;
  readonly contextOf: (instance: string) => BuiltInContext;
  readonly countGuess: CountGuess;
}): CallerDecisions {
  const { gate, contextOf, countGuess } = parts;
  const keyContext = contextOf('apikey');
  const byKey = accessBy([{ name: 'apikey', plugin: createApiKeyPlugin(keyContext) }]);
  const bySession = accessBy([{ name: 'session', plugin: createSessionPlugin(contextOf('session')) }]);
  const byAny = accessBy([...parts.plugins]);
  return {
    byApiKey: (request) => decideCaller(gate, byKey, request),
    bySession: (request) => decideCaller(gate, bySession, request),
    byAnyPlugin: (request) => decideCaller(gate, byAny, request),
    findApiKey: (id) => andThen(keyContext.apiKeys.find(id), (live) => live?.record ?? null),
    countGuess,
  };
}
