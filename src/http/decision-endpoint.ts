import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Configuration } from '../config/schema.ts';
import type { Gate } from '../decision/access.ts';
import { decide, decideCredential, deny, limited } from '../decision/decide.ts';
import type { AccessRequest, HeaderFields } from '../domain/access-request.ts';
import type { ChallengeReason, Decision } from '../domain/decision.ts';
import { errorCodeOf } from '../domain/errors.ts';
import type { CountGuess } from '../domain/login-attempts.ts';
import { andThen, isPromise, type MaybePromise } from '../domain/maybe-promise.ts';
import type { IdentityToken, IdentityTokens } from '../flows/identity-tokens.ts';
import { presentedTokens } from './challenges.ts';
import { WireHeaderFields } from './header-fields.ts';
import type { ClientAddresses, Peer } from './peer.ts';
import { readAutoTarget } from './profiles/auto.ts';
import { ENVOY_PREFIX, readEnvoyTarget } from './profiles/envoy.ts';
import { readForwardedTarget } from './profiles/forwarded.ts';
import { readNginxTarget } from './profiles/nginx.ts';
import type { RenderDecision, Speaks } from './render.ts';
import { accessRequest, isTarget, type TargetReading } from './target.ts';

/** How a check tells what it is about, and how it wants to be answered. */
interface Reading {
  readonly target: TargetReading;
  readonly speaks: Speaks;
}
type Profile = (message: IncomingMessage, headers: WireHeaderFields) => Reading;

/** What is told of every decision, for the log. */
export interface DecisionRecord {
  readonly decision: Decision;
  /** null where there was no believable target. */
  readonly request: AccessRequest | null;
  /** True where the front server told no target at all. */
  readonly targetMissing: boolean;
  readonly headers: HeaderFields;
  readonly peer: Peer;
}
export type OnDecision = (record: DecisionRecord) => void;

export interface DecisionEndpointParts {
  readonly gate: Gate;
  readonly frontServer: Configuration['front_server'];
  readonly publicScheme: 'http' | 'https';
  readonly clientAddressOf: ClientAddresses;
  readonly render: RenderDecision;
  readonly onDecision: OnDecision;
  /** Signs whose an allowed request is; without it no answer carries such a token. */
  readonly identityTokens?: IdentityTokens;
  /** Is told of every decision and how long it took, in ms, from the request to its answer. */
  readonly measure?: (decision: Decision, duration: number) => void;
  /** Without it, guesses at keys and tokens are refused and not counted. */
  readonly countGuess?: CountGuess;
}

/** Answers a check. False where the path is none of a check's. */
export type DecisionEndpoint = (message: IncomingMessage, response: ServerResponse, peer: Peer) => boolean;

const VALIDATE = '/validate';

/** `/validate` and the profiles below it, read from the raw request target: what a router makes of a path is none of its business. */
export function createDecisionEndpoint(parts: DecisionEndpointParts): DecisionEndpoint {
  const { gate, render, onDecision, clientAddressOf, countGuess, identityTokens, measure } = parts;
  const envoy: Profile = (message, headers) => ({
    target: readEnvoyTarget(message.url ?? '', message.method ?? '', headers, parts.publicScheme),
    speaks: 'forwarded',
  });
  const nginx: Profile = (_message, headers) => ({ target: readNginxTarget(headers), speaks: 'nginx' });
  const forwarded: Profile = (_message, headers) => ({ target: readForwardedTarget(headers), speaks: 'forwarded' });
  const auto: Profile = (_message, headers) => readAutoTarget(headers);
  const byName: Readonly<Record<string, Profile>> = {
    auto,
    nginx,
    caddy: forwarded,
    traefik: forwarded,
    haproxy: forwarded,
  };
  // Plain /validate under Envoy would need the path behind a prefix that is not there: it is told by headers, or refused.
  const plain = byName[parts.frontServer] ?? forwarded;

  function profileOf(url: string): Profile | null {
    if (url === VALIDATE) return plain;
    if (!url.startsWith(VALIDATE)) return null;
    const end = url.charCodeAt(VALIDATE.length);
    if (end === 0x3f) return plain;
    if (end !== 0x2f) return null;
    if (url.startsWith(ENVOY_PREFIX)) {
      const after = url.charAt(ENVOY_PREFIX.length);
      if (after === '' || after === '/' || after === '?') return envoy;
    }
    const question = url.indexOf('?');
    const name = url.slice(VALIDATE.length + 1, question === -1 ? undefined : question);
    return name !== 'auto' && Object.hasOwn(byName, name) ? (byName[name] ?? null) : null;
  }

  return (message, response, peer) => {
    const profile = profileOf(message.url ?? '');
    if (profile === null) return false;
    const began = measure === undefined ? 0 : performance.now();
    const headers = new WireHeaderFields(message.rawHeaders);
    const { target, speaks } = profile(message, headers);
    const request = isTarget(target) ? accessRequest(target, headers, (fields) => clientAddressOf(peer, fields)) : null;
    let token: IdentityToken | null | undefined;
    const finish = (decided: Decision) => {
      let decision = decided;
      try {
        render(response, decision, speaks, request, headers, token);
      } catch (error) {
        // A header that cannot be written, say: the one request is refused, and the process goes on.
        decision = failed(error);
        render(response, decision, speaks, request, headers);
      }
      measure?.(decision, performance.now() - began);
      onDecision({ decision, request, targetMissing: target === 'missing', headers, peer });
    };
    /** What is not signed is not allowed. */
    const signed = (decided: Decision): MaybePromise<Decision> => {
      if (decided.effect !== 'allow' || identityTokens === undefined) return decided;
      return andThen(identityTokens.tokenFor(decided.identity, request?.host ?? ''), (made) => {
        token = made;
        return decided;
      });
    };
    const outcome = (): MaybePromise<Decision> => {
      if (!peer.trusted) return deny('untrusted-peer');
      if (request !== null) return decide(gate, request);
      // With no rules at all, gatelodge can be asked whether a credential is good, by a front server that tells no target.
      if (target === 'missing' && gate.policy.rules.length === 0)
        return decideCredential(gate, noTarget(headers, peer, clientAddressOf));
      return deny('malformed-request');
    };
    const decided = decideSafely(() =>
      andThen(outcome(), (decided) => {
        const credential = countGuess === undefined ? null : guessedCredential(decided, headers);
        if (credential === null || countGuess === undefined) return decided;
        return andThen(countGuess(credential, clientAddressOf(peer, headers)), (retryAfter) =>
          retryAfter === 0 ? decided : limited(decided.rule, retryAfter),
        );
      }),
    );
    const decision = identityTokens === undefined ? decided : decideSafely(() => andThen(decided, signed));
    if (isPromise(decision)) void decision.then(finish);
    else finish(decision);
    return true;
  };
}

/** Whatever goes wrong, the answer is a refusal. */
function decideSafely(decideIt: () => MaybePromise<Decision>): MaybePromise<Decision> {
  try {
    const decision = decideIt();
    return isPromise(decision) ? decision.catch(failed) : decision;
  } catch (error) {
    return failed(error);
  }
}

function failed(cause: unknown): Decision {
  const code = errorCodeOf(cause);
  const reason = code === 'overloaded' || code === 'store-unavailable' ? code : 'internal-error';
  return { effect: 'unavailable', reason, rule: 0, cause };
}

/** Whoever is known and has to prove themselves again, or is locked, has guessed nothing. */
const BAD: readonly ChallengeReason[] = ['credentials-rejected', 'session-expired'];

/**
 * The key or token that was no good, where one was looked at; a password was counted by whoever looked at it. What makes a
 * request good costs nothing here.
 */
export function guessedCredential(decision: Decision, headers: HeaderFields): string | null {
  if (decision.effect !== 'challenge' || !BAD.includes(decision.reason)) return null;
  if (!decision.challenges.includes('Bearer')) return null;
  return presentedTokens(headers);
}

function noTarget(headers: WireHeaderFields, peer: Peer, clientAddressOf: ClientAddresses): AccessRequest {
  const nowhere = { method: '', scheme: 'https', host: '', port: 0, requestTarget: '/' } as const;
  return accessRequest(nowhere, headers, (fields) => clientAddressOf(peer, fields));
}
