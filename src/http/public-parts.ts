import type { Context } from 'hono';
import type { Configuration } from '../config/schema.ts';
import type { HeaderFields } from '../domain/access-request.ts';
import type { AuditSink } from '../domain/audit.ts';
import type { Clock } from '../domain/clock.ts';
import { cookieValues } from '../domain/cookie-header.ts';
import type { CountGuess } from '../domain/login-attempts.ts';
import type { MaybePromise } from '../domain/maybe-promise.ts';
import type { AccessTokens } from '../flows/access-tokens.ts';
import type { ApiKeys } from '../flows/api-keys.ts';
import type { Directory } from '../flows/directory.ts';
import type { IssuedTokens } from '../flows/issued-tokens.ts';
import type { PasswordLogin } from '../flows/password-login.ts';
import type { Sessions } from '../flows/sessions.ts';
import type { SigningKeys } from '../flows/signing-keys.ts';
import type { TokenGrants } from '../flows/token-grants.ts';
import type { ShownTokenStatistics } from '../flows/token-statistics.ts';
import type { PluginPath } from '../plugins/plugin-api.ts';
import type { CallerDecisions } from './caller-decisions.ts';
import { sessionCookieName } from './cookies.ts';
import type { Csrf } from './csrf.ts';
import type { DeviceCookie } from './device-cookie.ts';
import type { Operation } from './management/operation.ts';
import type { Site } from './pages/layout.ts';
import type { SafeRedirect } from './redirects.ts';

/** The configuration once the default of `public_url` has been filled in. */
export type PublicConfiguration = Configuration & { readonly public_url: string };

/** What the listener knows of a request and a `Request` does not tell. */
export interface PublicBindings {
  /** Past the trusted proxies; null where it cannot be told. */
  readonly clientAddress: string | null;
  /** The request target exactly as it came (`IncomingMessage.url`); a `Request`'s own `url` has been rewritten. */
  readonly target?: string;
  /** The header fields as they stood on the wire, where a `Request` has joined what came twice. */
  readonly fields?: HeaderFields;
  /** Whether internal calls are for this caller; see direct-caller.ts. */
  readonly internal?: boolean;
}
export type PublicContext = Context<{ Bindings: PublicBindings }>;

/** What the public pages and calls are made of. */
export interface PublicDependencies {
  readonly configuration: PublicConfiguration;
  /** The service's secret, from which the forms' key is derived. */
  readonly secret: string;
  readonly login: PasswordLogin;
  readonly sessions: Sessions;
  readonly tokens: AccessTokens;
  readonly grants: TokenGrants;
  readonly issuedTokens: IssuedTokens;
  readonly tokenStatistics: () => Promise<readonly ShownTokenStatistics[]>;
  /** Counts a token or key that was no good. */
  readonly countGuess: CountGuess;
  readonly signingKeys: Pick<SigningKeys, 'publicJwks'>;
  readonly apiKeys: ApiKeys;
  readonly directory: Pick<Directory, 'byId' | 'byUsername'>;
  /** Who sends a call. */
  readonly callers: CallerDecisions;
  /** All plugins' own paths, below the base path. */
  readonly pluginPaths: readonly PluginPath[];
  /** Calls of other systems that are spoken here too, below the base path. */
  readonly mounted?: readonly Endpoint[];
  /** The configured logo as a `data:` URL. */
  readonly logo?: string | null;
  readonly clock: Clock;
  readonly audit: AuditSink;
  /** Told about failures that are ours: the client gets no more than a code. */
  readonly reportFailure: (error: unknown) => void;
}

/** The same with what is made of it once, at the start. */
export interface PublicParts extends PublicDependencies {
  /** Path of `public_url` without a slash at the end: empty at the root. */
  readonly base: string;
  /** Whose pages these are. */
  readonly site: Site;
  readonly csrf: Csrf;
  readonly device: DeviceCookie;
  readonly safeRedirect: SafeRedirect;
  readonly respond: Responder;
}

/** One call or page: path below the base path, and the method; GET covers HEAD. */
export interface Endpoint {
  /** Exact, but for at most one segment `{id}`. */
  readonly path: string;
  readonly method: string;
  /** @param id what stands in the place of `{id}` */
  readonly handle: (context: PublicContext, id: string) => MaybePromise<Response>;
  /** What the OpenAPI document says of it; without one it is not in there. */
  readonly operation?: Operation;
  /** Whether people open it: they are told of errors in a page, programs always in JSON. */
  readonly page?: true;
}

export interface ResponseOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly (string | null)[];
}

/** Every answer of ours is made here, so that none lacks its protective headers. */
export interface Responder {
  page(status: number, markup: unknown, options?: ResponseOptions): Promise<Response>;
  json(status: number, body: unknown, options?: ResponseOptions): Response;
  /** 204: done, and there is nothing to say. */
  nothing(): Response;
  /** 303: the browser goes on with GET, whatever it came with (RFC 9110 section 15.4.4). */
  redirect(location: string, options?: ResponseOptions): Response;
}

/** All values that the request carries under the session cookie's name. */
export function presentedSessions(parts: PublicParts, context: PublicContext): string[] {
  return cookieValues(context.req.header('cookie') ?? '', sessionCookieName(parts.configuration));
}

/** The client's address, null where the listener cannot tell. */
export function clientAddress(context: PublicContext): string | null {
  return context.env?.clientAddress ?? null;
}

export function requestTarget(context: PublicContext): string {
  return context.env?.target ?? context.req.url;
}
