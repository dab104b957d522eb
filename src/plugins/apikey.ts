import { API_KEY_PREFIX, type ApiKey, apiKeyName, isInForce, rolesOfKey } from '../domain/api-key.ts';
import { andThen, isPromise, type MaybePromise } from '../domain/maybe-promise.ts';
import { type NetworkSet, networkSet } from '../domain/network.ts';
import { proves, secretMatches, splitSecret } from '../domain/secret.ts';
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
  const { clock, apiKeys, directory, instance, log } = context;
  const methods = [instance];

  /** Networks are taken apart once for each record; few keys have any. */
  const allowed = new WeakMap<ApiKey, NetworkSet>();
  function isAllowedFrom(key: ApiKey, request: AccessRequest): boolean {
    if (key.networks.length === 0) return true;
    let networks = allowed.get(key);
    if (networks === undefined) {
      networks = networkSet(key.networks);
      allowed.set(key, networks);
    }
    const address = request.clientAddress();
    if (address !== null && networks.contains(address)) return true;
    // Whoever sends this has the secret, so either the networks are wrong or the key has been stolen.
    log('warn', 'an API key was used from outside its networks', { key: apiKeyName(key) });
    return false;
  }

  function judge(text: string, request: AccessRequest): MaybePromise<AuthenticationResult> {
    const parts = splitSecret(text, API_KEY_PREFIX);
    if (parts === null) return CREDENTIALS_REJECTED;
    return andThen(apiKeys.find(parts.id), (live) => {
      if (live === null) return CREDENTIALS_REJECTED;
      const { record } = live;
      const now = clock();
      if (!proves(parts.secret, live) && !provesBefore(parts.secret, record, now)) return CREDENTIALS_REJECTED;
      if (!isInForce(record, now) || !isAllowedFrom(record, request)) return CREDENTIALS_REJECTED;
      return andThen(directory.byId(record.userId), (user) => {
        if (user === null) return CREDENTIALS_REJECTED;
        if (user.locked) return USER_LOCKED;
        if (live.user !== user || live.identity === null) {
          live.user = user;
          const roles = rolesOfKey(record, user.roles);
          live.identity = identityOf(user, { methods, roles, scopes: record.scopes, authenticatedAt: null });
        }
        apiKeys.used(record);
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
      if (header === undefined) return bearer === null ? NOT_RESPONSIBLE : judge(bearer, request);
      const byHeader = judge(header, request);
      if (bearer === null || !bearer.startsWith(API_KEY_PREFIX)) return byHeader;
      return isPromise(byHeader)
        ? byHeader.then((result) => (result.kind === 'authenticated' ? result : judge(bearer, request)))
        : byHeader.kind === 'authenticated'
          ? byHeader
          : judge(bearer, request);
    },
  };
}

/** Whether it is the secret from before the last rotation, while that is good too. */
function provesBefore(secret: string, { previous }: ApiKey, now: number): boolean {
  return previous !== null && now < previous.until && secretMatches(secret, previous.secretHash);
}
