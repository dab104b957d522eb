import type { HeaderFields } from '../domain/access-request.ts';
import type { Peer } from './peer.ts';

/** Fields by which proxies say that they hand on somebody else's request, besides all that begin with X-Forwarded- or X-Original-. */
const OF_PROXIES: readonly string[] = [
  ...['forwarded', 'via', 'x-real-ip', 'x-client-ip', 'x-cluster-client-ip', 'true-client-ip', 'cf-connecting-ip'],
  ...['cdn-loop', 'x-envoy-external-address', 'x-envoy-original-path', 'x-rewrite-url'],
];
const PREFIXES_OF_PROXIES: readonly string[] = ['x-forwarded-', 'x-original-'];
/** What programs do not send: a page that somebody reads on a trusted machine may call addresses that only that machine reaches. */
const OF_BROWSERS: readonly string[] = ['origin', 'sec-fetch-site', 'sec-fetch-mode'];

/** What is asked about a request. */
export interface CallFacts {
  readonly peer: Peer;
  /** Names and values in turn, as `IncomingMessage.rawHeaders`. */
  readonly rawHeaders: readonly string[];
  readonly httpVersion: string;
  readonly headers: Pick<HeaderFields, 'count'>;
}

/**
 * Whether a trusted peer speaks for itself. Everything that a front server forwards comes from a trusted peer as well, so a
 * request that says it was forwarded, in any of the usual ways, is its client's. nginx without any `proxy_set_header` says
 * nothing of that kind, but speaks HTTP/1.0.
 */
export function isDirectCall({ peer, rawHeaders, httpVersion, headers }: CallFacts): boolean {
  if (!peer.trusted || httpVersion !== '1.1' || isFromPage(headers)) return false;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    if (OF_PROXIES.includes(name) || PREFIXES_OF_PROXIES.some((prefix) => name.startsWith(prefix))) return false;
  }
  return true;
}

/** Whether a browser sent it on a page's behalf. */
export function isFromPage(headers: Pick<HeaderFields, 'count'>): boolean {
  return OF_BROWSERS.some((name) => headers.count(name) > 0);
}
