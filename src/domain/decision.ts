import type { Identity } from './identity.ts';
import type { Quota } from './rate-limit.ts';

/** Every reason for which a request is not allowed; docs/reasons.md explains each, and a test holds the two equal. */
export const REASONS = [
  'no-credentials',
  'credentials-rejected',
  'session-expired',
  'user-locked',
  'role-missing',
  'user-not-allowed',
  'scope-missing',
  'permission-missing',
  'mfa-required',
  'reauth-required',
  'deny-rule',
  'no-rule',
  'ambiguous-path',
  'malformed-request',
  'untrusted-peer',
  'rate-limited',
  'store-unavailable',
  'overloaded',
  'internal-error',
] as const;
export type Reason = (typeof REASONS)[number];

export type ChallengeReason =
  | 'no-credentials'
  | 'credentials-rejected'
  | 'session-expired'
  | 'user-locked'
  | 'mfa-required'
  | 'reauth-required';
export type DenyReason =
  | 'role-missing'
  | 'user-not-allowed'
  | 'scope-missing'
  | 'permission-missing'
  | 'deny-rule'
  | 'no-rule'
  | 'ambiguous-path'
  | 'malformed-request'
  | 'untrusted-peer';
export type UnavailableReason = 'store-unavailable' | 'overloaded' | 'internal-error';

export interface Allow {
  readonly effect: 'allow';
  /** null: the request is nobody's, and the rule does not mind. */
  readonly identity: Identity | null;
  readonly rule: number;
}

/** Nobody yet: come back with a credential. */
export interface Challenge {
  readonly effect: 'challenge';
  readonly reason: ChallengeReason;
  readonly rule: number;
  /** Values of WWW-Authenticate, one for each scheme the rule accepts (RFC 9110 section 11.6.1). */
  readonly challenges: readonly string[];
  /** Whether a login page can help. */
  readonly login: boolean;
}

export interface Deny {
  readonly effect: 'deny';
  readonly reason: DenyReason;
  readonly rule: number;
  /** Who was refused, where that is known. */
  readonly identity: Identity | null;
}

export interface Limited {
  readonly effect: 'limited';
  readonly reason: 'rate-limited';
  readonly rule: number;
  /** Whole seconds, at least 1. */
  readonly retryAfter: number;
  /** What was used up; null for guesses, whose limits are told to nobody. */
  readonly quota: Quota | null;
}

export interface Unavailable {
  readonly effect: 'unavailable';
  readonly reason: UnavailableReason;
  readonly rule: number;
  readonly cause?: unknown;
}

/** The one value that a check ends in. `rule` is the rule's number from 1, 0 where the default decided or none was reached. */
export type Decision = Allow | Challenge | Deny | Limited | Unavailable;
export type Effect = Decision['effect'];
