import type { Log } from '../adapters/log.ts';
import type { OnDecision } from './decision-endpoint.ts';

const NO_TARGET =
  'the front server did not say what is asked for: it must send X-Original-URL and X-Original-Method (nginx), or X-Forwarded-Method, -Proto, -Host and -Uri';

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
    const requestId = headers.get('x-request-id');
    const place =
      request === null ? {} : { method: request.method, host: request.host, path: request.rawPath.slice(0, 256) };
    const told = {
      rule: decision.rule,
      ...place,
      ...(requestId !== undefined && /^[\w.-]{1,64}$/.test(requestId) ? { requestId } : {}),
    };
    if (allowed) {
      log.write('debug', 'decision.allowed', told);
      return;
    }
    const identity = decision.effect === 'deny' ? decision.identity : null;
    log.audit({
      event: 'decision.refused',
      address: request === null ? peer.address : request.clientAddress(),
      ...(identity === null ? {} : { user: identity.username }),
      detail: { effect: decision.effect, reason: decision.reason, ...told },
    });
    if (decision.effect === 'unavailable' && decision.reason === 'internal-error') {
      const { cause } = decision;
      log.write('error', 'decision.failed', {
        rule: decision.rule,
        error: cause instanceof Error ? { name: cause.name, stack: cause.stack?.split('\n').slice(1, 4) } : {},
      });
    }
  };
}
