import { type HeaderFields, hostInUrl } from '../../domain/access-request.ts';
import { isTarget, type Target, type TargetReading, targetFromParts, targetFromUrl, told } from '../target.ts';

/**
 * nginx `auth_request`, and what speaks like it: `X-Original-URL`, or `X-Original-URI` with `X-Forwarded-Proto` and `-Host`.
 * nginx hands on the client's own header fields, so a field that nginx did not blank is refused, never weighed.
 */
export function readNginxTarget(headers: HeaderFields): TargetReading {
  if (told(headers, 'x-forwarded-uri') !== null || told(headers, 'x-forwarded-method') !== null) return 'malformed';
  return readOriginal(headers);
}

/** The `X-Original-*` family by itself. */
export function readOriginal(headers: HeaderFields): TargetReading {
  const url = told(headers, 'x-original-url');
  const uri = told(headers, 'x-original-uri');
  const method = told(headers, 'x-original-method') ?? '';
  const proto = told(headers, 'x-forwarded-proto');
  const host = told(headers, 'x-forwarded-host');
  if (url === null && uri === null) return method === '' ? 'missing' : 'malformed';
  if (url === null) {
    if (uri === null || proto === null || host === null) return 'malformed';
    return targetFromParts(proto, host, uri, method);
  }
  const target = targetFromUrl(url, method);
  if (!isTarget(target)) return target;
  if (uri !== null && uri !== target.requestTarget) return 'malformed';
  return agrees(target, proto, host) ? target : 'malformed';
}

/** Whether `X-Forwarded-Proto` and `-Host`, where they are there too, speak of the same place. */
function agrees(target: Target, proto: string | null, host: string | null): boolean {
  if (proto === null && host === null) return true;
  const said = targetFromParts(proto ?? target.scheme, host ?? hostInUrl(target.host), '/', '');
  if (!isTarget(said) || said.scheme !== target.scheme || said.host !== target.host) return false;
  // nginx's `$host` has no port: a host that names none says nothing about it.
  return host === null || !host.includes(':') || !/:\d+$/.test(host) || said.port === target.port;
}
