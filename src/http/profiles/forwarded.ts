import type { HeaderFields } from '../../domain/access-request.ts';
import { type TargetReading, targetFromParts, told } from '../target.ts';

/** Caddy's `forward_auth`, Traefik's ForwardAuth and our HAProxy script: `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri`. */
export function readForwardedTarget(headers: HeaderFields): TargetReading {
  if (
    told(headers, 'x-original-url') !== null ||
    told(headers, 'x-original-uri') !== null ||
    told(headers, 'x-original-method') !== null
  )
    return 'malformed';
  return readForwarded(headers);
}

/** The `X-Forwarded-*` family by itself. */
export function readForwarded(headers: HeaderFields): TargetReading {
  const uri = told(headers, 'x-forwarded-uri');
  const method = told(headers, 'x-forwarded-method') ?? '';
  const proto = told(headers, 'x-forwarded-proto');
  const host = told(headers, 'x-forwarded-host');
  if (uri === null && method === '') return 'missing';
  if (uri === null || proto === null || host === null) return 'malformed';
  return targetFromParts(proto, host, uri, method);
}
