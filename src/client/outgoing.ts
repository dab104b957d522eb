import { GatelodgeClientError } from './errors.ts';

/** A request that can be made once, and where its body allows it, again. */
export interface Outgoing {
  /** The caller's own. */
  readonly signal: AbortSignal | null;
  /** False where the body is used up by being sent once. */
  readonly repeatable: boolean;
  /** The request with this credential. @throws TypeError where it was made before and is not repeatable */
  make(token: string): Request;
  /** The body once more, for where a redirect leads. @throws TypeError where it is used up */
  bodyAgain(): NonNullable<RequestInit['body']> | null;
  /** Lets go of a body that was kept for another time. */
  release(): void;
}

/**
 * Takes the arguments of `fetch`. The credential goes to these origins and nowhere else.
 * @throws GatelodgeClientError `forbidden-origin`, or `invalid-options` where there is an `Authorization` already
 * @throws TypeError as `fetch` does for what is no request
 */
export function prepareRequest(
  input: string | URL | Request,
  init: RequestInit | undefined,
  origins: ReadonlySet<string>,
): Outgoing {
  // Made a text once: an object that only looks like a URL could be another one each time.
  const target = input instanceof Request ? input : String(input);
  const body = init?.body ?? null;
  const kept = body === null && target instanceof Request && target.body !== null ? target : null;
  const repeatable = body === null || isRepeatable(body);

  function build(): Request {
    const request = new Request(kept === null ? target : kept.clone(), init);
    checkRequest(request, origins);
    return request;
  }
  // Before anybody is asked for a token.
  let first: Request | null = build();

  return {
    signal: init?.signal ?? (input instanceof Request ? input.signal : null),
    repeatable,
    make(token) {
      if (first === null && !repeatable) throw new TypeError('a stream cannot be sent again');
      const request = first ?? build();
      first = null;
      request.headers.set('Authorization', `Bearer ${token}`);
      return request;
    },
    bodyAgain() {
      if (!repeatable) throw new TypeError('a stream cannot be sent again');
      return body ?? kept?.clone().body ?? null;
    },
    release() {
      // Not waited for: it ends only when the copies that were sent have been read as well.
      if (kept !== null && !kept.bodyUsed) kept.body?.cancel().catch(() => {});
    },
  };
}

function checkRequest(request: Request, origins: ReadonlySet<string>): void {
  const { protocol, origin, username, password } = new URL(request.url);
  // Fetch, "new Request", step 5.2, but Deno and Bun take it; Deno then sends this instead of the header.
  if (username !== '' || password !== '') throw new TypeError('the URL includes credentials');
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
