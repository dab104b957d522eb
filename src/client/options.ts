import { GatelodgeClientError } from './errors.ts';
import type { Tokens } from './token-calls.ts';

/** What proves who the program is. A refresh token is tried first; what else is given is used when it is refused. */
export type Credentials =
  | {
      /** An API key, `glk_…`. It needs no token: it is sent itself. */
      readonly key: string;
      readonly refreshToken?: string | null | undefined;
      readonly username?: never;
      readonly password?: never;
    }
  | {
      readonly username: string;
      readonly password: string;
      readonly refreshToken?: string | null | undefined;
      readonly key?: never;
    }
  | {
      readonly refreshToken: string;
      readonly key?: never;
      readonly username?: never;
      readonly password?: never;
    };

export type ClientOptions = Credentials & {
  /** gatelodge's `public_url`, with its path: `https://auth.example.com` or `https://app.example.com/gatelodge`. */
  readonly url: string | URL;
  /** Where the credential may be sent, such as `https://app.example.com`. Default: the origin of `url` alone. */
  readonly origins?: readonly (string | URL)[] | undefined;
  /** Allows `http:` beyond this machine, where everybody on the way reads the credential. Default false. */
  readonly insecure?: boolean | undefined;
  /** How long gatelodge may take to answer one call, in ms. Default 10,000. Requests to the application have no limit but their own signal. */
  readonly timeout?: number | undefined;
  /**
   * Called with every new set of tokens, so that a program can store the refresh token; the one before it is spent.
   * It is waited for before the new token is used.
   */
  readonly onTokens?: ((tokens: Tokens) => unknown) | undefined;
  /** What sends requests, both to gatelodge and to the application. Default: the platform's `fetch`. */
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined;
  /** Milliseconds of a clock that nobody sets. Default: `performance.now`. */
  readonly clock?: (() => number) | undefined;
};

/** Options that were checked. */
export interface Settings {
  /** Without a slash at the end. */
  readonly url: string;
  readonly origins: ReadonlySet<string>;
  readonly key: string | null;
  readonly login: { readonly username: string; readonly password: string } | null;
  readonly refreshToken: string | null;
  /** ms */
  readonly timeout: number;
  readonly onTokens: ((tokens: Tokens) => unknown) | null;
  readonly fetch: (request: Request) => Promise<Response>;
  readonly clock: () => number;
}

const DEFAULT_TIMEOUT = 10_000;
/** setTimeout takes no more: a longer time would end at once. */
const LONGEST_TIMEOUT = 2_147_483_647;
/** Visible ASCII: anything else is no credential of gatelodge's, and `Headers` would repeat it in its error. */
export const HEADER_SAFE = /^[\x21-\x7e]+$/;
const API_KEY = /^glk_[\x21-\x7e]+$/;

/** @throws GatelodgeClientError `invalid-options`; it names the option and never its value */
export function readOptions(options: ClientOptions): Settings {
  const insecure = options.insecure === true;
  const base = readUrl('url', options.url, insecure);
  if (base.search !== '' || base.hash !== '') throw invalid('url must have no query and no fragment');
  const { origins = [base.origin], timeout = DEFAULT_TIMEOUT, onTokens, fetch, clock } = options;
  if (!Array.isArray(origins)) throw invalid('origins must be a list');
  if (typeof timeout !== 'number' || !(timeout > 0 && timeout <= LONGEST_TIMEOUT))
    throw invalid('timeout must be a number of milliseconds');
  for (const [name, value] of Object.entries({ onTokens, fetch, clock })) {
    if (value !== undefined && typeof value !== 'function') throw invalid(`${name} must be a function`);
  }
  return {
    url: base.href.replace(/\/+$/, ''),
    origins: new Set(origins.map((origin) => readOrigin(origin, insecure))),
    ...readCredentials(options),
    timeout,
    onTokens: onTokens ?? null,
    // Looked up at each call: browsers refuse to run it as another object's method.
    fetch: fetch ?? ((request) => globalThis.fetch(request)),
    clock: clock ?? (() => performance.now()),
  };
}

// Programs in JavaScript have no types to hold them, so the values are looked at as they are.
function readCredentials(options: ClientOptions): Pick<Settings, 'key' | 'login' | 'refreshToken'> {
  const key = readText('key', options.key);
  const username = readText('username', options.username);
  const password = readText('password', options.password);
  const refreshToken = readText('refreshToken', options.refreshToken);
  if (key !== null && !API_KEY.test(key)) throw invalid('key must be an API key: glk_…');
  if (refreshToken !== null && !HEADER_SAFE.test(refreshToken)) throw invalid('refreshToken is not a refresh token');
  if ((username === null) !== (password === null)) throw invalid('username and password belong together');
  if (key !== null && username !== null) throw invalid('give a key, or a username and a password');
  if (key === null && username === null && refreshToken === null) {
    throw invalid('give a key, a username and a password, or a refreshToken');
  }
  return { key, login: username === null || password === null ? null : { username, password }, refreshToken };
}

function readText(name: string, value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string' || value === '') throw invalid(`${name} must be a text that is not empty`);
  return value;
}

function readOrigin(value: unknown, insecure: boolean): string {
  const url = readUrl('origins', value, insecure);
  // A path would be believed to be a limit, and it is none.
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') throw invalid('origins are scheme, host and port');
  return url.origin;
}

function readUrl(name: string, value: unknown, insecure: boolean): URL {
  let url: URL;
  try {
    url = new URL(String(value));
  } catch {
    throw invalid(`${name} must be absolute, such as https://app.example.com`);
  }
  if (url.hostname.includes('*')) throw invalid(`${name} knows no wildcards`);
  if (url.username !== '' || url.password !== '') throw invalid(`${name} must hold no user name and no password`);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && (insecure || isLoopback(url.hostname)))) return url;
  throw invalid(
    url.protocol === 'http:' ? `${name} must be https, or loopback; else set insecure` : `${name} must be https`,
  );
}

/** After the URL parser, which knows every spelling of an address. Names below `localhost` may still be somebody else's in DNS. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function invalid(message: string): GatelodgeClientError {
  return new GatelodgeClientError('invalid-options', message);
}
