import type { AccessRequest, HeaderFields } from '../domain/access-request.ts';
import type { AuthenticationPlugin } from '../domain/authentication.ts';
import type { Identity } from '../domain/identity.ts';
import type { MaybePromise } from '../domain/maybe-promise.ts';
import type { StandardSchemaV1 } from './standard-schema.ts';

/**
 * The public plugin API: what other people's packages import from `gatelodge/plugin`, and what the built-in plugins are
 * written against. A plugin returns data and never writes a response to a check; throwing, hanging past the deadline or
 * answering nonsense refuses the request.
 */

export interface PluginContext {
  /** The instance's name in the configuration. */
  readonly instance: string;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** One log line; never give it a credential. */
  readonly log: (
    level: 'debug' | 'info' | 'warn' | 'error',
    message: string,
    detail?: Readonly<Record<string, unknown>>,
  ) => void;
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
    networks: null,
    authenticatedAt: null,
    ...fields,
  });
}

export {
  type Authenticated,
  type AuthenticationPlugin,
  type AuthenticationResult,
  CREDENTIALS_REJECTED,
  NOT_RESPONSIBLE,
  type NotResponsible,
  type PluginPath,
  type Rejected,
  SESSION_EXPIRED,
  USER_LOCKED,
} from '../domain/authentication.ts';
export type { AccessRequest, HeaderFields, Identity, MaybePromise, StandardSchemaV1 };
