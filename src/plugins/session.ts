import { cookieValues } from '../domain/cookie-header.ts';
import type { Live } from '../domain/live.ts';
import { andThen, isPromise, type MaybePromise } from '../domain/maybe-promise.ts';
import { proves, splitSecret } from '../domain/secret.ts';
import { isLive, MOST_COOKIES, type Session } from '../domain/session.ts';
import { type BuiltInContext, identityOf } from './built-in.ts';
import {
  type AccessRequest,
  type AuthenticationPlugin,
  type AuthenticationResult,
  CREDENTIALS_REJECTED,
  NOT_RESPONSIBLE,
  SESSION_EXPIRED,
  USER_LOCKED,
} from './plugin-api.ts';

/** The session cookie. A live session that was asked about lately is judged without I/O and without a promise. */
export function createSessionPlugin(context: BuiltInContext): AuthenticationPlugin {
  const { clock, sessions, directory, cookieName, instance } = context;
  const methods = [instance];

  function judge(value: string): MaybePromise<AuthenticationResult> {
    const parts = splitSecret(value);
    if (parts === null) return SESSION_EXPIRED;
    return andThen(sessions.find(parts.id), (live) => {
      if (live === null || !proves(parts.secret, live)) return SESSION_EXPIRED;
      if (isLive(live.record, clock())) return identify(live);
      // Another process may have seen it since: what is remembered here tells only what was asked here.
      sessions.forget(parts.id);
      return andThen(sessions.find(parts.id), (stored) =>
        stored !== null && isLive(stored.record, clock()) ? identify(stored) : SESSION_EXPIRED,
      );
    });
  }

  function identify(live: Live<Session>): MaybePromise<AuthenticationResult> {
    return andThen(directory.byId(live.record.userId), (user) => {
      if (user === null) return SESSION_EXPIRED;
      if (user.locked) return USER_LOCKED;
      if (live.user !== user || live.identity === null) {
        live.user = user;
        live.identity = identityOf(user, { methods, scopes: null, authenticatedAt: live.record.authenticatedAt });
      }
      sessions.used(live.record);
      return { kind: 'authenticated', identity: live.identity };
    });
  }

  return {
    login: true,
    directory: true,
    authenticate(request: AccessRequest) {
      const lines = request.headers.all('cookie');
      const [line] = lines;
      if (line === undefined) return NOT_RESPONSIBLE;
      const values =
        lines.length === 1 ? cookieValues(line, cookieName) : lines.flatMap((one) => cookieValues(one, cookieName));
      const [only] = values;
      if (only === undefined) return NOT_RESPONSIBLE;
      if (values.length === 1) return judge(only);
      if (values.length > MOST_COOKIES) return CREDENTIALS_REJECTED;
      const results = [...new Set(values)].map(judge);
      return results.some(isPromise)
        ? Promise.all(results).then(theOnlyGoodOne)
        : theOnlyGoodOne(results as AuthenticationResult[]);
    },
  };
}

/** Of several cookies the only good one counts; two good ones of different users are somebody's trick. */
function theOnlyGoodOne(results: readonly AuthenticationResult[]): AuthenticationResult {
  const good = results.filter((result) => result.kind === 'authenticated');
  const [first] = good;
  if (first === undefined) return results.includes(USER_LOCKED) ? USER_LOCKED : SESSION_EXPIRED;
  return good.every((result) => result.identity.userId === first.identity.userId) ? first : CREDENTIALS_REJECTED;
}
