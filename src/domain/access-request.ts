/** The original request's header fields as the front server handed them on. Names are given in lower case. */
export interface HeaderFields {
  /** The field's only or first value; undefined where it is missing. */
  get(name: string): string | undefined;
  /** How often the field stands there: two lines of a credential are refused, never chosen from. */
  count(name: string): number;
  /** All its values, in order. */
  all(name: string): readonly string[];
}

/** What is to be decided: one request as its client sent it, whichever front server tells about it. */
export interface AccessRequest {
  /** Case-sensitive; empty where the front server did not tell. */
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** Lower case, without port and without a trailing dot. */
  readonly host: string;
  /** The effective port. */
  readonly port: number;
  /** Path and query exactly as they came (origin-form, RFC 9112 section 3.2.1). */
  readonly requestTarget: string;
  /** Its path: never empty, begins with a slash. */
  readonly rawPath: string;
  /** What follows the question mark; empty where there is none. */
  readonly query: string;
  readonly headers: HeaderFields;
  /** The client's address past the trusted proxies, worked out when first asked for; null where it cannot be told. */
  clientAddress(): string | null;
}

/** The exact URL of a request, which login returns to byte for byte. */
export function requestUrl(request: AccessRequest): string {
  const standard = request.scheme === 'https' ? 443 : 80;
  const host = hostInUrl(request.host);
  const port = request.port === standard ? '' : `:${request.port}`;
  return `${request.scheme}://${host}${port}${request.requestTarget}`;
}

/** A host, or an IPv6 address without its brackets, as URLs spell it (RFC 3986 §3.2.2). */
export function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
