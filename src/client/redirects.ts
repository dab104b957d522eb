import type { Outgoing } from './outgoing.ts';

type Send = (request: Request) => Promise<Response>;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Fetch, "HTTP-redirect fetch", step 6. */
const MOST_REDIRECTS = 20;
/** Headers about a body that is not sent any more (the same, step 12). */
const ABOUT_THE_BODY = ['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length'];

/** What was meant for the first origin alone. */
const SECRETS = ['authorization', 'proxy-authorization', 'cookie'];

/**
 * Browsers remove `Authorization` when a redirect leads to another origin, and hide redirects from scripts. Other runtimes have
 * not all removed it in all versions (Deno kept it on the way to a subdomain until 2026), but they show the redirect: there it is
 * followed here.
 */
const OURS_TO_FOLLOW = isServer(globalThis);

/**
 * Sends a request with its credential and follows redirects; beyond its origin the credential is gone, for good.
 * @throws TypeError as `fetch` does where a redirect cannot be followed
 */
export async function sendAndFollow(
  outgoing: Outgoing,
  first: Request,
  send: Send,
  ours: boolean = OURS_TO_FOLLOW,
): Promise<Response> {
  if (!ours || first.redirect !== 'follow') return send(first);
  let request = new Request(first, { redirect: 'manual' });
  for (let count = 0; ; count += 1) {
    const response = await send(request);
    const location = REDIRECTS.has(response.status) ? response.headers.get('location') : null;
    if (response.type === 'opaqueredirect') throw new TypeError('the redirect cannot be followed');
    if (location === null) return response;
    if (count === MOST_REDIRECTS) throw new TypeError('too many redirects');
    void response.body?.cancel().catch(() => {});
    request = moved(outgoing, request, response.status, new URL(location, request.url));
  }
}

/** The request that a redirect asks for. */
function moved(outgoing: Outgoing, request: Request, status: number, location: URL): Request {
  if (!/^https?:$/.test(location.protocol)) throw new TypeError('a redirect leads to no http: or https: URL');
  // Node.js refuses such a URL itself; Deno and Bun do not.
  if (location.username !== '' || location.password !== '') {
    throw new TypeError('a redirect leads to a URL that includes credentials');
  }
  const headers = new Headers(request.headers);
  if (location.origin !== new URL(request.url).origin) for (const name of SECRETS) headers.delete(name);
  const { method } = request;
  const becomesGet = status === 303 ? method !== 'HEAD' : status <= 302 && method === 'POST';
  if (becomesGet) for (const name of ABOUT_THE_BODY) headers.delete(name);
  const body = becomesGet || method === 'GET' || method === 'HEAD' ? null : outgoing.bodyAgain();
  // A form makes a new boundary each time.
  if (body instanceof FormData) headers.delete('content-type');
  const { signal, keepalive } = request;
  // `duplex` is wanted with a stream, and not known to the types.
  const init = {
    method: becomesGet ? 'GET' : method,
    headers,
    body,
    signal,
    keepalive,
    redirect: 'manual',
    duplex: 'half',
  };
  return new Request(location, init as RequestInit);
}

/** Node.js, Deno, Bun or Cloudflare's; a browser's page has none of these. */
export function isServer(scope: object): boolean {
  if ('Deno' in scope || 'Bun' in scope) return true;
  // Looked at as what they may be: none of them is everywhere.
  const { process, navigator } = scope as {
    process?: { versions?: { node?: unknown } };
    navigator?: { userAgent?: unknown };
  };
  return typeof process?.versions?.node === 'string' || navigator?.userAgent === 'Cloudflare-Workers';
}
