import type { StandardSchemaV1 } from './standard-schema.ts';
import type { AccessRequest } from '../domain/access-request.ts';
import type { Identity } from '../domain/identity.ts';
import type { MaybePromise } from '../domain/maybe-promise.ts';

/**
 * The public plugin API: what other people's packages import from `gatelodge/plugin`, and what the built-in plugins are
 * written against. A plugin returns data and never writes a response to a check; throwing, hanging past the deadline or
 * answering nonsense refuses the request.
 */

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
  readonly paths?: readonly PluginPath[];
  /** Headers the application gets, header name → claim of the identity. They are on every answer, empty where unknown. */
  readonly identityHeaders?: Readonly<Record<string, string>>;
  close?(): MaybePromise<void>;
}

export interface PluginContext {
  /** The instance's name in the configuration. */
  readonly instance: string;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** One log line; never give it a credential. */
  readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, detail?: Readonly<Record<string, unknown>>) => void;
}

export interface PluginDefinition<Options = unknown> {
  /** The name by which `type` asks for it. */
  readonly type: string;
  readonly description: string;
  /** Checks and completes the options; any Standard Schema will do (zod, valibot, arktype, …). */
  readonly options: StandardSchemaV1<unknown, Options>;
  /** What `gatelodge plugins` says about each option. */
  readonly optionDescriptions?: Readonly<Record<string, string>>;
  /** Longest time for one `authenticate`, in ms. Default 2000. */
  readonly deadline?: number;
  create(options: Options, context: PluginContext): MaybePromise<AuthenticationPlugin>;
}

/** Types a plugin's definition; a package exports it by default. */
export function definePlugin<Options>(definition: PluginDefinition<Options>): PluginDefinition<Options> {
  return definition;
}

/** An identity with every field that is not given left empty. `subject` should begin with the instance's name and a colon. */
export function makeIdentity(fields: Pick<Identity, 'subject' | 'username' | 'methods'> & Partial<Identity>): Identity {
  return Object.freeze({
    name: '',
    email: '',
    roles: [],
    groups: [],
    scopes: null,
    claims: {},
    userId: null,
    authenticatedAt: null,
    ...fields,
  });
}

export type { AccessRequest, Identity, MaybePromise, StandardSchemaV1 };
