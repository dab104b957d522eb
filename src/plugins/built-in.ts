import type { AccessTokenNames } from '../domain/access-token.ts';
import type { ApiKey } from '../domain/api-key.ts';
import type { LiveRecords } from '../domain/live.ts';
import type { BeginLogin, LoginResult } from '../domain/login-attempts.ts';
import type { MaybePromise } from '../domain/maybe-promise.ts';
import type { Passwords } from '../domain/passwords.ts';
import type { Session } from '../domain/session.ts';
import { networksOf, type User } from '../domain/user.ts';
import type { Identity, PluginContext } from './plugin-api.ts';
import type { RememberedCounts } from './remembered.ts';

/** What the built-in plugins get beyond the public API: the directory and everything that gatelodge issues itself. */
export interface BuiltInContext extends PluginContext {
  readonly directory: {
    byId(id: string): MaybePromise<User | null>;
    byUsername(username: string): MaybePromise<User | null>;
  };
  readonly sessions: LiveRecords<Session>;
  readonly apiKeys: LiveRecords<ApiKey>;
  readonly passwords: Passwords;
  /** Judges a directory user's password, limits included. Throws `overloaded`, `store-unavailable`. */
  readonly login: (username: string, password: string, address: string | null) => Promise<LoginResult>;
  /** Asked before a password is judged that is not the directory's. */
  readonly beginLogin: BeginLogin;
  /** False where the text cannot be an access token of ours, at once and without looking at its signature. */
  readonly issuedHere: (token: string) => boolean;
  /** Whose the access token is; null where it is none of ours, or no longer good. */
  readonly verifyAccessToken: (token: string) => Promise<VerifiedToken | null>;
  /** Whether it is refused before its end. Asked at each check, and answered without I/O. */
  readonly isRevoked: (token: AccessTokenNames) => MaybePromise<boolean>;
  readonly cookieName: string;
  /** Where it is measured how much of what is asked was remembered. */
  readonly rememberedCounts?: RememberedCounts;
  /** Writes an own user's stronger hash where it came from; rejects where that can't be written. */
  readonly replaceOwnHash: (
    instance: string,
    place: OwnHashPlace,
    username: string,
    expected: string,
    next: string,
  ) => Promise<void>;
}

export type OwnHashPlace = { readonly kind: 'configuration' } | { readonly kind: 'htpasswd'; readonly file: string };

export interface VerifiedToken extends AccessTokenNames {
  readonly userId: string;
  /** Times in ms since the epoch. */
  readonly authenticatedAt: number;
  readonly expiresAt: number;
}

/** The identity of a directory user, by whichever credential. */
export function identityOf(
  user: User,
  extra: Pick<Identity, 'methods' | 'scopes' | 'authenticatedAt'> & Partial<Pick<Identity, 'roles'>>,
): Identity {
  return Object.freeze({
    subject: user.id,
    username: user.username,
    name: user.name,
    email: user.email,
    roles: user.roles,
    groups: user.groups,
    claims: {},
    userId: user.id,
    networks: networksOf(user),
    ...extra,
  });
}
