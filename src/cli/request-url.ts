import { domainToASCII } from 'node:url';
import type { AccessRequest } from '../domain/access-request.ts';
import { WireHeaderFields } from '../http/header-fields.ts';
import { accessRequest, isTarget, targetFromUrl } from '../http/target.ts';

export interface AskedRequest {
  /** Absolute, or a path with or without a query. */
  readonly url: string;
  readonly method: string;
  /** The client's address; null where none is assumed. */
  readonly ip: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** What a bare path is taken to be below: scheme, host and port. */
  readonly origin: string;
}

/**
 * The request as a front server would tell of it: read by the code that reads live ones. null where the URL is none.
 * Nothing is tidied up, because attackers' clients do not tidy up either; only what no client can send is encoded.
 */
export function readRequest({ url, method, ip, headers = {}, origin }: AskedRequest): AccessRequest | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(url)) return null;
  const [absolute = ''] = (url.startsWith('/') ? origin + url : url).split('#', 1);
  const parts = /^([A-Za-z]+:\/\/)([^/?\\]*)(.*)$/s.exec(absolute);
  if (parts === null) return null;
  const [, scheme = '', authority = '', rest = ''] = parts;
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  const target = targetFromUrl(scheme + asciiAuthority(authority) + encoded(path), method);
  if (!isTarget(target)) return null;
  return accessRequest(target, new WireHeaderFields(Object.entries(headers).flat()), () => ip);
}

/** UTF-8 and percent-encoding, as every client does it (RFC 3987 section 3.1); blanks too, which no request line can hold. */
function encoded(text: string): string {
  return text.toWellFormed().replace(/[^\x21-\x7e]+/g, encodeURIComponent);
}

/** A name in other letters is asked for in ASCII (RFC 5891); one that has no such form stays as it is and is refused. */
function asciiAuthority(authority: string): string {
  if (/^[\x21-\x7e]*$/.test(authority)) return authority;
  const [, host = '', port = ''] = /^(.*?)(:\d*)?$/s.exec(authority) ?? [];
  return domainToASCII(host) + port;
}
