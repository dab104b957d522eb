import type { AccessRequest } from './access-request.ts';
import type { Identity } from './identity.ts';
import type { MaybePromise } from './maybe-promise.ts';

/** A credential was found, and it is good. */
export interface Authenticated {
  readonly kind: 'authenticated';
  readonly identity: Identity;
}
/** There is no credential of this plugin's kind in the request. */
export interface NotResponsible {
  readonly kind: 'not-responsible';
}
/** There is one, and it is bad. */
export interface Rejected {
  readonly kind: 'rejected';
  readonly reason: 'credentials-rejected' | 'session-expired' | 'user-locked';
  /** Said by a cookie that has merely grown old: under `authenticate: optional` that is nobody, not a refusal. */
  readonly stale?: true;
  /** There were too many bad ones, and this one was not looked at: seconds until it is worth trying again. */
  readonly retryAfter?: number;
}
export type AuthenticationResult = Authenticated | NotResponsible | Rejected;

export const NOT_RESPONSIBLE: NotResponsible = Object.freeze({ kind: 'not-responsible' });
export const CREDENTIALS_REJECTED: Rejected = Object.freeze({ kind: 'rejected', reason: 'credentials-rejected' });
export const USER_LOCKED: Rejected = Object.freeze({ kind: 'rejected', reason: 'user-locked' });
/** A cookie that has had its day is no attack: under `authenticate: optional` it is nobody. */
export const SESSION_EXPIRED: Rejected = Object.freeze({ kind: 'rejected', reason: 'session-expired', stale: true });

/** A page or call of the plugin's own, below the base path. It is answered by gatelodge itself and never checked. */
export interface PluginPath {
  /** Exact, begins with a slash. */
  readonly path: string;
  readonly methods: readonly string[];
  readonly description: string;
  handle(request: Request): MaybePromise<Response>;
}

export interface AuthenticationPlugin {
  /** Looks for a credential in the request and judges it. Called for every check, so it should remember what it can. */
  authenticate(request: AccessRequest): MaybePromise<AuthenticationResult>;
  /** The WWW-Authenticate value that asks for this plugin's credential (RFC 9110 section 11.6.1), where there is one. */
  readonly challenge?: string;
  /** True where a browser gets the credential from the login page. */
  readonly login?: boolean;
  /** True where those it authenticates are users of the directory. */
  readonly directory?: boolean;
  readonly paths?: readonly PluginPath[];
  /** Headers the application gets, header name → claim of the identity. They are on every answer, empty where unknown. */
  readonly identityHeaders?: Readonly<Record<string, string>>;
  close?(): MaybePromise<void>;
}

/** A configured plugin: the instance's name and what answers for it. */
export interface PluginInstance {
  readonly name: string;
  readonly plugin: AuthenticationPlugin;
}
