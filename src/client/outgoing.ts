import { GatelodgeClientError } from './errors.ts';

/** A request that can be made once, and where its body allows it, once more. */
export interface Outgoing {
  /** The caller's own. */
  readonly signal: AbortSignal | null;
  /** The request with this credential; null where its body has been sent and cannot be again. */
  next(token: string): Request | null;
  /** Lets go of a body that was kept for a second time. */
  release(): void;
}

/**
 * Takes the arguments of `fetch`. The credential goes to these origins and nowhere else; a redirect to another origin
 * loses it, because `fetch` removes `Authorization` there (Fetch, "HTTP-redirect fetch").
 * @throws GatelodgeClientError `forbidden-origin`, or `invalid-options` where there is an `Authorization` already
 * @throws TypeError as `fetch` does for what is no request
 */
export function prepareRequest(
  input: string | URL | Request,
  init: RequestInit | undefined,
  origins: ReadonlySet<string>,
): Outgoing {
  // A Request is never asked for its URL alone: an object that only looks like one could tell another URL each time.
  const target = input instanceof Request ? input : String(input);
  const body = init?.body ?? null;
  const kept = body === null && target instanceof Request && target.body !== null ? target : null;
  const repeatable = body === null || isRepeatable(body);
  const make = (from: string | Request): Request => {
    const request = new Request(from, init);
    checkRequest(request, origins);
    return request;
  };

  const first = make(kept === null ? target : kept.clone());
  let made = 0;
  return {
    signal: init?.signal ?? (input instanceof Request ? input.signal : null),
    next(token) {
      made += 1;
      if (made > 2 || (made === 2 && !repeatable)) return null;
      const request = made === 1 ? first : make(target);
      request.headers.set('Authorization', `Bearer ${token}`);
      return request;
    },
    release() {
      // Not waited for: it ends only when the copy that was sent has been read as well.
      if (kept !== null && !kept.bodyUsed) kept.body?.cancel().catch(() => {});
    },
  };
}

function checkRequest(request: Request, origins: ReadonlySet<string>): void {
  const { protocol, origin } = new URL(request.url);
  // `blob:` has an origin too, and those of other schemes are all called `null`.
  if (!(protocol === 'https:' || protocol === 'http:') || !origins.has(origin)) {
    throw new GatelodgeClientError('forbidden-origin', `${origin} is not one of the client's origins`);
  }
  if (request.headers.has('authorization')) {
    throw new GatelodgeClientError('invalid-options', 'the request has an Authorization header of its own');
  }
}

/** What is not made used up by being sent once. Streams and iterables are. */
function isRepeatable(body: unknown): boolean {
  return (
    typeof body === 'string' ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body) ||
    body instanceof Blob ||
    body instanceof FormData ||
    body instanceof URLSearchParams
  );
}
