import type { Log } from '../adapters/log.ts';
import { GatelodgeError } from '../domain/errors.ts';
import { networkSet } from '../domain/network.ts';
import type { OnDecision } from './decision-endpoint.ts';

const NO_TARGET =
  'the front server did not say what is asked for: it must send X-Original-URL and X-Original-Method (nginx), or X-Forwarded-Method, -Proto, -Host and -Uri';

const UNTRUSTED =
  'somebody who is not in trusted_proxies asked for a decision: if that is the front server, add its address there';

/** Nobody's address on the internet (RFC 1918, 6598, 3927, 4193): that of a machine or container, which an operator has to know. */
const INTERNAL = networkSet([
  ...['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16'],
  ...['::1/128', 'fc00::/7'],
]);
/** Of so many it is told, once of each: whoever comes first must not be the only one. */
const MOST_STRANGERS = 8;

const LONGEST_PATH = 256;

/** An audit event for every refusal; what is allowed is told at level debug alone. The query is left out: it may hold secrets. */
export function recordDecisions(log: Log): OnDecision {
  let said = false;
  const strangers = new Set<string>();
  return ({ decision, request, targetMissing, headers, peer }) => {
    const allowed = decision.effect === 'allow';
    if (allowed && !log.enabled('debug')) return;
    // What a stranger leaves out says nothing of the front server.
    if (targetMissing && !allowed && !said && peer.trusted) {
      said = true;
      log.write('warn', 'front-server.no-target', { message: NO_TARGET });
    }
    const stranger = peer.trusted ? null : peer.address;
    if (
      stranger !== null &&
      !strangers.has(stranger) &&
      strangers.size < MOST_STRANGERS &&
      INTERNAL.contains(stranger)
    ) {
      strangers.add(stranger);
      log.write('warn', 'front-server.untrusted', { peer: stranger, message: UNTRUSTED });
    }
    const given = headers.get('x-request-id');
    const requestId = given !== undefined && /^[\w.-]{1,64}$/.test(given) ? given : null;
    const { rule } = decision;
    const method = request?.method ?? null;
    const host = request?.host ?? null;
    const path = request?.rawPath.slice(0, LONGEST_PATH) ?? null;
    if (allowed) {
      log.write('debug', 'decision.allowed', {
        rule,
        method,
        host,
        path,
        ...(requestId === null ? {} : { requestId }),
      });
      return;
    }
    const address = request === null ? peer.address : request.clientAddress();
    const user = decision.effect === 'deny' ? (decision.identity?.username ?? null) : null;
    log.refused({
      effect: decision.effect,
      reason: decision.reason,
      rule,
      address,
      user,
      method,
      host,
      path,
      requestId,
    });
    if (decision.effect === 'unavailable' && decision.reason === 'internal-error') {
      const { cause } = decision;
      log.write('error', 'decision.failed', {
        rule: decision.rule,
        // What we say ourselves holds nobody's words.
        ...(cause instanceof GatelodgeError ? { message: cause.message } : {}),
        error: cause instanceof Error ? { name: cause.name, stack: cause.stack?.split('\n').slice(1, 4) } : {},
      });
    }
  };
}
