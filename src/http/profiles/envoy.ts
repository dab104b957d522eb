import type { HeaderFields } from '../../domain/access-request.ts';
import { type TargetReading, targetFromParts, told } from '../target.ts';

export const ENVOY_PREFIX = '/validate/envoy';

/**
 * Envoy's HTTP ext_authz with `path_prefix`: the check is the original request itself, its path behind the prefix.
 * @param publicScheme what is meant where X-Forwarded-Proto does not say
 */
export function readEnvoyTarget(
  requestTarget: string,
  method: string,
  headers: HeaderFields,
  publicScheme: 'http' | 'https',
): TargetReading {
  if (
    told(headers, 'x-original-url') !== null ||
    told(headers, 'x-original-uri') !== null ||
    told(headers, 'x-original-method') !== null
  )
    return 'malformed';
  const proto = told(headers, 'x-forwarded-proto') ?? publicScheme;
  const host = told(headers, 'host');
  const original = requestTarget.slice(ENVOY_PREFIX.length);
  if (host === null) return 'malformed';
  return targetFromParts(proto, host, original === '' ? '/' : original, method);
}
