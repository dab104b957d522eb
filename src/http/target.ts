import type { AccessRequest, HeaderFields } from '../domain/access-request.ts';
import { ipv6Host } from '../domain/network.ts';
import { createRecentMap } from '../domain/recent-map.ts';

/** What a front server tells of the original request: its URL and method. */
export interface Target {
  /** Empty where it did not tell. */
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** Path and query exactly as they came. */
  readonly requestTarget: string;
}

/**
 * `missing`: no target at all. `malformed`: one that can't be believed, whether broken, told twice, or told in the headers of
 * another front server, which a client could have sent.
 */
export type TargetReading = Target | 'missing' | 'malformed';

/** Stands for a header that came twice: no scheme, host, method or URL can have it, so whatever it is taken for is refused. */
const DOUBLED = '\0';

/** What a header says; null where it is missing or empty, which is how front servers blank one. */
export function told(headers: HeaderFields, name: string): string | null {
  const value = headers.get(name);
  if (value === undefined) return null;
  if (headers.count(name) > 1) return DOUBLED;
  return value === '' ? null : value;
}

export function isTarget(reading: TargetReading): reading is Target {
  return typeof reading !== 'string';
}

/** Takes `https://host:port/path?query` apart without tidying anything up. */
export function targetFromUrl(url: string, method: string): TargetReading {
  const colon = url.indexOf('://');
  if (colon === -1) return 'malformed';
  const slash = url.indexOf('/', colon + 3);
  if (slash === -1) return 'malformed';
  return targetFromParts(url.slice(0, colon), url.slice(colon + 3, slash), url.slice(slash), method);
}

/** @param requestTarget path and query exactly as the client sent them (origin-form, RFC 9112 section 3.2.1) */
export function targetFromParts(
  scheme: string,
  authority: string,
  requestTarget: string,
  method: string,
): TargetReading {
  const plain = scheme === 'https' || scheme === 'http' ? scheme : schemeOf(scheme);
  if (plain === null || !isMethod(method) || !isRequestTarget(requestTarget)) return 'malformed';
  const place = placeOf(authority);
  if (place === null) return 'malformed';
  const port = place.port ?? (plain === 'https' ? 443 : 80);
  return { method, scheme: plain, host: place.host, port, requestTarget };
}

/** Some front servers say `wss` for a WebSocket. */
function schemeOf(text: string): 'http' | 'https' | null {
  switch (text.toLowerCase()) {
    case 'https':
    case 'wss':
      return 'https';
    case 'http':
    case 'ws':
      return 'http';
    default:
      return null;
  }
}

export function isMethod(method: string): boolean {
  return method.length <= 32 && /^[!#$%&'*+.^_`|~0-9A-Za-z-]*$/.test(method);
}

/** Blanks would be two header values joined into one, or a request line inside another. A fragment never reaches a server. */
function isRequestTarget(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.charCodeAt(0) === 0x2f && !/[\x00-\x20\x7f#]/.test(text);
}

/** Host names as they may stand in a request; what is more unusual than this is nobody's application. */
const HOST_NAME = /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?$/;

interface Place {
  readonly host: string;
  /** null: the scheme's own. */
  readonly port: number | null;
}

/** Authorities that were asked about lately: a front server has a few, and each check would take its own apart again. */
const known = createRecentMap<Place>(1_000);

function placeOf(authority: string): Place | null {
  const before = known.get(authority);
  if (before !== undefined) return before;
  const place = readAuthority(authority);
  // A copy: a part of the URL would keep the whole of it in memory.
  if (place !== null) known.set(Buffer.from(authority, 'latin1').toString('latin1'), place);
  return place;
}

function readAuthority(authority: string): Place | null {
  if (authority === '' || authority.length > 260) return null;
  let host = authority;
  let digits = '';
  if (authority.startsWith('[')) {
    const bracket = authority.indexOf(']');
    // The client chooses among the spellings of one address; a rule for it must not be escaped by that.
    const address = bracket === -1 ? null : ipv6Host(authority.slice(1, bracket));
    if (address === null) return null;
    host = address;
    const rest = authority.slice(bracket + 1);
    if (rest !== '' && !/^:\d/.test(rest)) return null;
    digits = rest.slice(1);
  } else {
    const colon = authority.indexOf(':');
    if (colon !== -1) {
      host = authority.slice(0, colon);
      digits = authority.slice(colon + 1);
      if (digits === '') return null;
    }
    host = host.toLowerCase();
    if (!HOST_NAME.test(host) || host.includes('..')) return null;
    // The DNS root's dot names the same host; a rule for the host must not be escaped by it.
    if (host.endsWith('.')) host = host.slice(0, -1);
  }
  if (digits === '') return { host, port: null };
  if (!/^[1-9]\d{0,4}$/.test(digits) || Number(digits) > 65_535) return null;
  return { host, port: Number(digits) };
}

/** The client's address: X-Forwarded-For from the right, past the proxies that are trusted; null where it can't be told. */
export type ClientAddressReader = (headers: HeaderFields) => string | null;

/** What is decided about, from what the front server told. */
export function accessRequest(
  target: Target,
  headers: HeaderFields,
  readClientAddress: ClientAddressReader,
): AccessRequest {
  let address: string | null | undefined;
  const { method, scheme, host, port, requestTarget } = target;
  const question = requestTarget.indexOf('?');
  return {
    method,
    scheme,
    host,
    port,
    requestTarget,
    rawPath: question === -1 ? requestTarget : requestTarget.slice(0, question),
    query: question === -1 ? '' : requestTarget.slice(question + 1),
    headers,
    clientAddress() {
      if (address === undefined) address = readClientAddress(headers);
      return address;
    },
  };
}
