import type { AccessRequest, HeaderFields } from '../domain/access-request.ts';
import type { ChallengeReason, Decision, Deny, DenyReason } from '../domain/decision.ts';
import type { Identity } from '../domain/identity.ts';
import { andThen, type MaybePromise } from '../domain/maybe-promise.ts';
import { addressBlock } from '../domain/network.ts';
import { type Quota, retryAfterSeconds } from '../domain/rate-limit.ts';
import { mayComeFrom } from '../domain/user.ts';
import type { Access, Gate, OwnPath } from './access.ts';
import { type Authentication, authenticate } from './authenticate.ts';
import { findApplicable } from './policy.ts';

/** How the credentials are judged: by the rule's plugins, or, for `explain` and `tests:`, by what is assumed. */
export type Authenticator = (access: Access, request: AccessRequest) => MaybePromise<Authentication>;

const byPlugins: Authenticator = (access, request) => authenticate(access.plugins, access.mode, request);

/** The rule's number is 0 until one was found. */
export function deny(reason: DenyReason, rule = 0, identity: Identity | null = null): Deny {
  return { effect: 'deny', reason, rule, identity };
}

/**
 * The one decision about a request: find the rule, establish who asks, hold that against what the rule requires.
 * Never throws; what fails on the way is `unavailable`.
 */
export function decide(
  gate: Gate,
  request: AccessRequest,
  authenticator: Authenticator = byPlugins,
): MaybePromise<Decision> {
  if (ownPathOf(gate, request) !== null) return { effect: 'allow', identity: null, rule: 0 };
  const applicable = findApplicable(gate.policy, request);
  if (applicable.kind === 'refused') return deny(applicable.reason, applicable.rule);
  const access = applicable.kind === 'rule' ? gate.accesses[applicable.rule.number - 1] : gate.whenNoRule;
  if (access === undefined || access === 'deny') return deny('no-rule');
  return decideAccess(gate, access, request, authenticator);
}

/** Whether any credential of the request is good, for a check that names no target at all. */
export function decideCredential(gate: Gate, request: AccessRequest): MaybePromise<Decision> {
  if (gate.whenNoRule === 'deny') return deny('no-rule');
  return decideAccess(gate, gate.anyCredential, request, byPlugins);
}

/** Who sends a call of gatelodge's own: by the plugins of `access`, and the code that decides checks. */
export function decideCaller(gate: Gate, access: Access, request: AccessRequest): MaybePromise<Decision> {
  return decideAccess(gate, access, request, byPlugins);
}

/** The plugin's own path that a URL is, where it is one: exactly, in the only spelling there is. */
export function ownPathOf(gate: Gate, request: AccessRequest): OwnPath | null {
  const { own } = gate;
  if (request.host !== own.host || request.port !== own.port) return null;
  return own.paths.get(request.rawPath) ?? null;
}

function decideAccess(
  gate: Gate,
  access: Access,
  request: AccessRequest,
  authenticator: Authenticator,
): MaybePromise<Decision> {
  if (access.denies) return deny('deny-rule', access.rule);
  if (access.authenticate === false) return admit(access, request, null);
  // Which of two credentials the application would take for its own can't be known (RFC 9110 section 5.3 allows only one).
  if (cameTwice(request.headers)) return deny('malformed-request', access.rule);
  return andThen(authenticator(access, request), (authentication) => judge(gate, access, request, authentication));
}

/** Envoy joins lines of one name with a comma. Credentials of Basic and Bearer hold none (RFC 9110 section 11.2), nor do API keys. */
const JOINED = /^(?:basic|bearer) [^,]*,|,\s*(?:basic|bearer) /i;

function cameTwice(headers: HeaderFields): boolean {
  const authorization = headers.get('authorization');
  if (authorization !== undefined && (headers.count('authorization') > 1 || JOINED.test(authorization))) return true;
  const key = headers.get('x-api-key');
  return key !== undefined && (headers.count('x-api-key') > 1 || key.includes(','));
}

function judge(gate: Gate, access: Access, request: AccessRequest, authentication: Authentication): Decision {
  switch (authentication.kind) {
    case 'identified':
      // Before all that a rule may ask for: from elsewhere the user is nobody here, whatever the credential.
      if (
        authentication.identity.networks !== null &&
        !mayComeFrom(authentication.identity.networks, request.clientAddress())
      )
        return deny('user-not-allowed', access.rule, authentication.identity);
      return (
        meetsRequirements(gate, access, authentication.identity) ?? admit(access, request, authentication.identity)
      );
    case 'nobody':
      return access.authenticate === 'optional' ? admit(access, request, null) : challenge(access, 'no-credentials');
    case 'rejected':
      if (access.authenticate === 'optional' && authentication.rejection.stale === true)
        return admit(access, request, null);
      if (authentication.rejection.retryAfter !== undefined)
        return limited(access.rule, authentication.rejection.retryAfter);
      return challenge(access, authentication.rejection.reason);
    case 'failed':
      return { effect: 'unavailable', reason: authentication.reason, rule: access.rule, cause: authentication.cause };
  }
}

/** null where everything is met, else the refusal. */
function meetsRequirements(gate: Gate, access: Access, identity: Identity): Decision | null {
  const { requirements: required, rule } = access;
  if (required === null) return null;
  if (required.users !== undefined && !isNamed(required.users, access, identity))
    return deny('user-not-allowed', rule, identity);
  if (required.roles !== undefined && !overlap(required.roles, identity.roles))
    return deny('role-missing', rule, identity);
  if (required.groups !== undefined && !overlap(required.groups, identity.groups))
    return deny('role-missing', rule, identity);
  if (required.scopes !== undefined && identity.scopes !== null && !overlap(required.scopes, identity.scopes))
    return deny('scope-missing', rule, identity);
  if (required.permission !== undefined) return deny('permission-missing', rule, identity);
  if (required.mfa === true) return challenge(access, 'mfa-required');
  if (required.max_age !== undefined) {
    const { authenticatedAt } = identity;
    if (authenticatedAt === null || gate.clock() - authenticatedAt > required.max_age)
      return challenge(access, 'reauth-required');
  }
  return null;
}

/**
 * A name means a user of the directory where the rule asks for one: a foreign token or an instance's own user of the same name
 * is somebody else, and is named `<instance>:<name>`.
 */
function isNamed(users: readonly string[], access: Access, identity: Identity): boolean {
  if ((identity.userId !== null || !access.directory) && users.includes(identity.username)) return true;
  return identity.methods.some((instance) => users.includes(`${instance}:${identity.username}`));
}

function admit(access: Access, request: AccessRequest, identity: Identity | null): Decision {
  const { limit } = access;
  if (limit !== null) {
    const wait =
      identity === null
        ? limit.addresses.take(addressBlock(request.clientAddress() ?? ''))
        : limit.subjects.take(identity.subject);
    if (wait > 0) return limited(access.rule, retryAfterSeconds(wait), limit.quota);
  }
  return { effect: 'allow', identity, rule: access.rule };
}

/** @param retryAfter whole seconds @param quota what was used up, where it is no secret */
export function limited(rule: number, retryAfter: number, quota: Quota | null = null): Decision {
  return { effect: 'limited', reason: 'rate-limited', rule, retryAfter, quota };
}

function challenge(access: Access, reason: ChallengeReason): Decision {
  return { effect: 'challenge', reason, rule: access.rule, challenges: access.challenges, login: access.login };
}

function overlap(wanted: readonly string[], held: readonly string[]): boolean {
  for (const name of wanted) if (held.includes(name)) return true;
  return false;
}
