import type { Identity } from '../domain/identity.ts';
import { andThen, type MaybePromise } from '../domain/maybe-promise.ts';
import type { User } from '../domain/user.ts';
import { bearerToken } from './authorization.ts';
import { type BuiltInContext, identityOf, type VerifiedToken } from './built-in.ts';
import {
  type AuthenticationPlugin,
  type AuthenticationResult,
  CREDENTIALS_REJECTED,
  NOT_RESPONSIBLE,
  USER_LOCKED,
} from './plugin-api.ts';
import { createRemembered } from './remembered.ts';

interface Known {
  readonly token: VerifiedToken;
  user: User | null;
  identity: Identity | null;
}

const REMEMBER = 60_000;

/** Access tokens that gatelodge issued. The roles are those the user has now, not those of the day the token was made. */
export function createTokenPlugin(context: BuiltInContext): AuthenticationPlugin {
  const { clock, directory, verifyAccessToken, instance } = context;
  const methods = [instance];
  const remembered = createRemembered<Known>(clock, REMEMBER, context.rememberedCounts);

  function judge(known: Known | null): MaybePromise<AuthenticationResult> {
    if (known === null || clock() >= known.token.expiresAt) return CREDENTIALS_REJECTED;
    return andThen(context.isRevoked(known.token), (revoked) => (revoked ? refused(known) : identify(known)));
  }

  /** A lock revokes all of a user's tokens; that they are locked is what tells most. */
  function refused(known: Known): MaybePromise<AuthenticationResult> {
    return andThen(directory.byId(known.token.userId), (user) =>
      user?.locked === true ? USER_LOCKED : CREDENTIALS_REJECTED,
    );
  }

  function identify(known: Known): MaybePromise<AuthenticationResult> {
    return andThen(directory.byId(known.token.userId), (user) => {
      if (user === null) return CREDENTIALS_REJECTED;
      if (user.locked) return USER_LOCKED;
      if (known.user !== user || known.identity === null) {
        known.user = user;
        known.identity = identityOf(user, { methods, scopes: null, authenticatedAt: known.token.authenticatedAt });
      }
      return { kind: 'authenticated', identity: known.identity };
    });
  }

  return {
    challenge: 'Bearer',
    directory: true,
    authenticate(request) {
      const text = bearerToken(request.headers.get('authorization'));
      if (text === null) return NOT_RESPONSIBLE;
      const known = remembered.get(text);
      if (known !== undefined) return judge(known);
      // Somebody else's token is told by its first characters, which costs less than taking it apart.
      if (!context.issuedHere(text)) return CREDENTIALS_REJECTED;
      return remembered
        .check(text, async () => {
          const token = await verifyAccessToken(text);
          return token === null ? null : { value: { token, user: null, identity: null }, until: token.expiresAt };
        })
        .then(judge);
    },
  };
}
