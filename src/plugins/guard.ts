import { GatelodgeError } from '../domain/errors.ts';
import type { Identity } from '../domain/identity.ts';
import { isIdentityHeaderName } from '../domain/identity-header.ts';
import { isPromise, type MaybePromise } from '../domain/maybe-promise.ts';
import {
  type AccessRequest,
  type AuthenticationPlugin,
  type AuthenticationResult,
  type PluginContext,
  type PluginPath,
  SESSION_EXPIRED,
} from './plugin-api.ts';

export const DEFAULT_DEADLINE = 2_000;
/** No plugin can answer it. */
const LATE = Symbol('late');

/**
 * Stands between the decision and other people's code: what throws, takes too long or answers nonsense is a technical
 * failure, by which the request is refused, and is logged.
 * @param deadline in ms
 */
export function guardPlugin(
  plugin: AuthenticationPlugin,
  deadline: number,
  context: PluginContext,
): AuthenticationPlugin {
  const { instance, log } = context;
  const fail = (message: string, cause?: unknown): never => {
    log('error', message, { instance, ...(cause instanceof Error ? { error: cause.name } : {}) });
    throw new GatelodgeError('plugin-failed', message, { cause });
  };
  const checked = (result: unknown): AuthenticationResult =>
    asResult(result, instance, known) ?? fail('the plugin answered what is no result');

  async function orLate<T>(result: Promise<T>): Promise<T | typeof LATE> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<typeof LATE>((resolve) => {
      timer = setTimeout(() => resolve(LATE), deadline);
    });
    return Promise.race([result, late]).finally(() => clearTimeout(timer));
  }

  async function inTime(result: Promise<AuthenticationResult>): Promise<AuthenticationResult> {
    try {
      const first = await orLate(result);
      return first === LATE ? fail('the plugin did not answer in time') : checked(first);
    } catch (error) {
      if (error instanceof GatelodgeError) throw error;
      return fail('the plugin failed', error);
    }
  }

  // Made once by the plugin and frozen, an identity need not be looked at again, nor its headers be made again.
  const known = new WeakMap<object, Identity>();
  if (!(plugin.paths ?? []).every(isPluginPath)) fail('the plugin names a path that cannot be served');
  if (plugin.challenge !== undefined && !isChallenge(plugin.challenge))
    fail('the plugin names a challenge that cannot be sent');
  const names = Object.keys(plugin.identityHeaders ?? {});
  if (!names.every(isIdentityHeaderName)) fail('the plugin names a header that cannot carry an identity');
  return {
    ...(plugin.challenge === undefined ? {} : { challenge: plugin.challenge }),
    ...(plugin.login === undefined ? {} : { login: plugin.login }),
    ...(plugin.paths === undefined ? {} : { paths: plugin.paths }),
    ...(plugin.identityHeaders === undefined ? {} : { identityHeaders: plugin.identityHeaders }),
    authenticate(request: AccessRequest): MaybePromise<AuthenticationResult> {
      try {
        const result: unknown = plugin.authenticate(request);
        return isThenable(result) ? inTime(Promise.resolve(result)) : checked(result);
      } catch (error) {
        if (error instanceof GatelodgeError) throw error;
        return fail('the plugin failed', error);
      }
    },
    async close() {
      // What fails or hangs here must keep neither the others from being closed nor the process from ending.
      try {
        if ((await orLate(Promise.resolve(plugin.close?.()))) === LATE)
          log('error', 'the plugin did not close in time');
      } catch (error) {
        log('error', 'the plugin could not be closed', error instanceof Error ? { error: error.name } : {});
      }
    },
  };
}

function isThenable(value: unknown): value is PromiseLike<AuthenticationResult> {
  return (
    isPromise(value as MaybePromise<unknown>) ||
    (typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function')
  );
}

/** The result with nothing in it that was not checked; null where it is none. */
function asResult(value: unknown, instance: string, known: WeakMap<object, Identity>): AuthenticationResult | null {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return null;
  if (value.kind === 'not-responsible') return { kind: 'not-responsible' };
  if (value.kind === 'rejected') {
    const reason = 'reason' in value ? value.reason : 'credentials-rejected';
    if (reason === 'session-expired')
      return 'stale' in value && value.stale === true ? SESSION_EXPIRED : { kind: 'rejected', reason };
    return reason === 'credentials-rejected' || reason === 'user-locked' ? { kind: 'rejected', reason } : null;
  }
  if (value.kind !== 'authenticated' || !('identity' in value)) return null;
  const identity = asIdentity(value.identity, instance, known);
  return identity === null ? null : { kind: 'authenticated', identity };
}

function asIdentity(value: unknown, instance: string, known: WeakMap<object, Identity>): Identity | null {
  if (typeof value !== 'object' || value === null) return null;
  const before = known.get(value);
  if (before !== undefined && Object.isFrozen(value)) return before;
  const fields: Partial<Record<keyof Identity, unknown>> = value;
  const {
    subject,
    username,
    name = '',
    email = '',
    roles = [],
    groups = [],
    scopes = null,
    claims = {},
    authenticatedAt = null,
  } = fields;
  if (!isText(subject) || subject === '' || !isText(username) || username === '' || !isText(name) || !isText(email))
    return null;
  if (!isNames(roles) || !isNames(groups) || (scopes !== null && !isNames(scopes))) return null;
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return null;
  if (authenticatedAt !== null && (typeof authenticatedAt !== 'number' || Number.isNaN(authenticatedAt))) return null;
  const identity: Identity = Object.freeze({
    // As a directory user's id, or another plugin's user, it would be taken for that one by whoever goes by it.
    subject: subject.startsWith(`${instance}:`) ? subject : `${instance}:${subject}`,
    ...{ username, name, email, authenticatedAt },
    roles: [...roles],
    groups: [...groups],
    scopes: scopes === null ? null : [...scopes],
    claims: asData(claims),
    // Somebody else's plugin names nobody of the directory: locks and roles of the directory would not hold for its users.
    userId: null,
    networks: null,
    methods: [instance],
  });
  known.set(value, identity);
  return identity;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText);
}

/** What can go into a header and nothing else. Throws where there is a cycle, as for everything that a plugin does wrong. */
function asData(claims: object): Record<string, unknown> {
  return JSON.parse(JSON.stringify(claims));
}

/** A scheme, with or without parameters (RFC 9110 section 11.6.1), in visible ASCII. */
function isChallenge(value: unknown): boolean {
  return isText(value) && /^[A-Za-z][\w.~+-]*(?: [\x20-\x7e]*[\x21-\x7e])?$/.test(value);
}

/** Exact paths only: a query, a fragment or a dot segment would never be asked for as it stands. */
function isPluginPath({ path, methods, handle }: PluginPath): boolean {
  return (
    isText(path) &&
    /^\/[A-Za-z0-9._~/-]*$/.test(path) &&
    !/\/\.{0,2}\/|\/\.{1,2}$/.test(path) &&
    isNames(methods) &&
    methods.length > 0 &&
    typeof handle === 'function'
  );
}
