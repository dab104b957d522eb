import type { Log } from '../adapters/log.ts';
import { GatelodgeError } from '../domain/errors.ts';
import type { OnDecision } from './decision-endpoint.ts';

const NO_TARGET =
  'the front server did not say what is asked for: it must send X-Original-URL and X-Original-Method (nginx), or X-Forwarded-Method, -Proto, -Host and -Uri';

const LONGEST_PATH = 256;

/** An audit event for every refusal; what is allowed is told at level debug alone. The query is left out: it may hold secrets. */
export function recordDecisions(log: Log): OnDecision {
  let said = false;
  return ({ decision, request, targetMissing, headers, peer }) => {
    const allowed = decision.effect === 'allow';
    if (!log.enabled(allowed ? 'debug' : 'info')) return;
    if (targetMissing && !allowed && !said) {
      said = true;
      log.write('warn', 'front-server.no-target', { message: NO_TARGET });
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
