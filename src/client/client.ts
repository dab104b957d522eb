import { GatelodgeClientError } from './errors.ts';
import { type ClientOptions, HEADER_SAFE, readOptions } from './options.ts';
import { prepareRequest } from './outgoing.ts';
import { sendAndFollow } from './redirects.ts';
import { createTokenCalls } from './token-calls.ts';
import { createTokenKeeper } from './token-keeper.ts';
import { unlessAborted } from './waiting.ts';

/**
 * What programs import from `gatelodge/client`. Needs nothing but what Node.js 20, browsers, Deno and Bun have in common, and
 * imports nothing from the rest of gatelodge.
 */

export type { ClientErrorCode, ClientErrorDetails } from './errors.ts';
export type { ClientOptions, Credentials } from './options.ts';
export type { Tokens } from './token-calls.ts';
export { GatelodgeClientError };

export interface Client {
  /**
   * `fetch` with a credential that is good now. Needs no `this`, so it can be handed to libraries.
   *
   * A 401 of the application is answered with a new token and one more attempt, where the body can be sent again: every body
   * but streams and iterables. What it says then is handed back, whatever it is.
   * @throws GatelodgeClientError where the credential must not go there, or none is to be had
   * @throws what `fetch` throws: TypeError, the signal's reason
   */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /**
   * Has gatelodge take back the tokens that this client holds, and forgets its credentials; `fetch` then throws `logged-out`.
   * An API key goes on being good: see `revoke`. Where it fails, it may be called again.
   * @throws GatelodgeClientError
   */
  readonly logout: (options?: { readonly signal?: AbortSignal | undefined }) => Promise<void>;
  /**
   * Has gatelodge take back any token or API key (RFC 7009), such as one that has leaked.
   * @throws GatelodgeClientError
   */
  readonly revoke: (token: string, options?: { readonly signal?: AbortSignal | undefined }) => Promise<void>;
}

/** Asks nobody anything until it is used. @throws GatelodgeClientError `invalid-options` */
export function createClient(options: ClientOptions): Client {
  const settings = readOptions(options);
  const calls = createTokenCalls(settings);
  const keeper = createTokenKeeper(settings, calls);

  return {
    async fetch(input, init) {
      const outgoing = prepareRequest(input, init, settings.origins);
      try {
        const token = await keeper.token(outgoing.signal);
        const request = outgoing.make(token);
        const response = await sendAndFollow(outgoing, request, settings.fetch);
        if (response.status !== 401 || isFromElsewhere(response, request)) return response;
        const another = await keeper.another(token, outgoing.signal).catch((error: unknown) => {
          discard(response);
          throw error;
        });
        if (another === null || !outgoing.repeatable) return response;
        discard(response);
        const second = await sendAndFollow(outgoing, outgoing.make(another), settings.fetch);
        if (second.status === 401) keeper.didNotHelp();
        return second;
      } finally {
        outgoing.release();
      }
    },
    async logout({ signal } = {}) {
      signal?.throwIfAborted();
      await unlessAborted(keeper.logOut(), signal ?? null);
    },
    async revoke(token, { signal } = {}) {
      signal?.throwIfAborted();
      if (!HEADER_SAFE.test(token)) throw new GatelodgeClientError('invalid-options', 'that is no token');
      await unlessAborted(calls.revoke(token), signal ?? null);
    },
  };
}

/** After a redirect to another origin the credential was not there: its 401 says nothing about it. */
function isFromElsewhere(response: Response, request: Request): boolean {
  // A Response that somebody made has no URL.
  return response.url !== '' && new URL(response.url).origin !== new URL(request.url).origin;
}

/** Frees the connection. */
function discard(response: Response): void {
  response.body?.cancel().catch(() => {});
}
