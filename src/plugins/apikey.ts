import { API_KEY_PREFIX } from '../domain/api-key.ts';
import { andThen, isPromise, type MaybePromise } from '../domain/maybe-promise.ts';
import { proves, splitSecret } from '../domain/secret.ts';
import { bearerToken } from './authorization.ts';
import { type BuiltInContext, identityOf } from './built-in.ts';
import {
  type AccessRequest,
  type AuthenticationPlugin,
  type AuthenticationResult,
  CREDENTIALS_REJECTED,
  NOT_RESPONSIBLE,
  USER_LOCKED,
} from './plugin-api.ts';

/** API keys, as `X-API-Key` or `Authorization: Bearer`. Their scopes always count. */
export function createApiKeyPlugin(context: BuiltInContext): AuthenticationPlugin {
  const { clock, apiKeys, directory, instance } = context;
  const methods = [instance];

  function judge(text: string): MaybePromise<AuthenticationResult> {
    const parts = splitSecret(text, API_KEY_PREFIX);
    if (parts === null) return CREDENTIALS_REJECTED;
    return andThen(apiKeys.find(parts.id), (live) => {
      if (live === null || !proves(parts.secret, live)) return CREDENTIALS_REJECTED;
      const { expiresAt } = live.record;
      if (expiresAt !== null && clock() >= expiresAt) return CREDENTIALS_REJECTED;
      return andThen(directory.byId(live.record.userId), (user) => {
        if (user === null) return CREDENTIALS_REJECTED;
        if (user.locked) return USER_LOCKED;
        if (live.user !== user || live.identity === null) {
          live.user = user;
          live.identity = identityOf(user, { methods, scopes: live.record.scopes, authenticatedAt: null });
        }
        apiKeys.used(live.record);
        return { kind: 'authenticated', identity: live.identity };
      });
    });
  }

  return {
    challenge: 'Bearer',
    directory: true,
    authenticate(request: AccessRequest) {
      const header = request.headers.get('x-api-key');
      const bearer = bearerToken(request.headers.get('authorization'));
      if (header === undefined) return bearer === null ? NOT_RESPONSIBLE : judge(bearer);
      const byHeader = judge(header);
      if (bearer === null || !bearer.startsWith(API_KEY_PREFIX)) return byHeader;
      return isPromise(byHeader)
        ? byHeader.then((result) => (result.kind === 'authenticated' ? result : judge(bearer)))
        : byHeader.kind === 'authenticated'
          ? byHeader
          : judge(bearer);
    },
  };
}
