import type { ServerResponse } from 'node:http';
import type { AccessRequest, HeaderFields } from '../domain/access-request.ts';
import { requestUrl } from '../domain/access-request.ts';
import type { Decision } from '../domain/decision.ts';
import type { Identity } from '../domain/identity.ts';
import type { IdentityToken } from '../flows/identity-tokens.ts';
import { challengesFor, insufficientScope } from './challenges.ts';
import { type IdentityHeaders, renderIdentityHeaders } from './identity-headers.ts';
import { rateLimitFields } from './rate-limit-headers.ts';
import { redirectParameter } from './redirects.ts';
import type { Refusals } from './refusals.ts';

/** How a front server wants to be refused. nginx turns everything but 401 and 403 into 500. */
export type Speaks = 'nginx' | 'forwarded';

/** Turns a decision into an answer, in the one place where that happens. */
export type RenderDecision = (
  response: ServerResponse,
  decision: Decision,
  speaks: Speaks,
  request: AccessRequest | null,
  /** Of the check, which are there without a target too. */
  headers: HeaderFields,
  /** Of an allowed request: null where there is nobody to name, left out where identity JWTs are off. */
  token?: IdentityToken | null,
) => void;

/** On every answer. A length, or nginx and Caddy open a connection for each check. */
const ALWAYS = ['Content-Length', '0', 'Cache-Control', 'no-store'];

export function createRenderer(options: {
  readonly identityHeaders: IdentityHeaders;
  /** Whom an allowed request is, that is nobody's. */
  readonly anonymous: Identity | null;
  /** The login page's absolute URL. */
  readonly loginUrl: string;
  /** Without them, people are refused with empty answers, as programs are. */
  readonly refusals?: Refusals;
}): RenderDecision {
  const { identityHeaders, loginUrl, refusals } = options;
  const nobody = [...ALWAYS, ...renderIdentityHeaders(identityHeaders, options.anonymous)];
  // An identity is made once for a credential and never changed, so its headers are made once too.
  const rendered = new WeakMap<Identity, string[]>();

  function allowed(identity: Identity | null): string[] {
    if (identity === null) return nobody;
    let headers = rendered.get(identity);
    if (headers === undefined) {
      headers = [...ALWAYS, ...renderIdentityHeaders(identityHeaders, identity)];
      rendered.set(identity, headers);
    }
    return headers;
  }

  /** The same with a token, which an identity's requests to one host have in common until it is renewed. */
  const carried = new WeakMap<Identity, { readonly token: IdentityToken; readonly headers: string[] }>();
  function carrying(headers: readonly string[], identity: Identity | null, token: IdentityToken | null): string[] {
    if (identity === null || token === null) return withToken(headers, token);
    const last = carried.get(identity);
    if (last?.token === token) return last.headers;
    const made = withToken(headers, token);
    carried.set(identity, { token, headers: made });
    return made;
  }

  function loginLocation(request: AccessRequest | null, reason: string): string {
    if (request === null) return loginUrl;
    // Whoever has to prove themselves again must not be sent back at once because their session is alive.
    const prompt = reason === 'reauth-required' || reason === 'mfa-required' ? 'prompt=login&' : '';
    return `${loginUrl}?${prompt}${redirectParameter(requestUrl(request))}`;
  }

  return (response, decision, speaks, request, fields, token) => {
    if (decision.effect === 'allow') {
      const headers = allowed(decision.identity);
      response.writeHead(200, token === undefined ? headers : carrying(headers, decision.identity, token)).end();
      return;
    }
    const headers = ['X-Auth-Reason', decision.reason];
    switch (decision.effect) {
      case 'challenge': {
        const location = decision.login ? loginLocation(request, decision.reason) : null;
        if (speaks === 'forwarded' && location !== null && request !== null && isNavigation(request)) {
          // After a form was posted, the login page is to be fetched, not posted to (RFC 9110 section 15.4.4).
          const fetched = request.method === 'GET' || request.method === 'HEAD' || request.method === '';
          response.writeHead(fetched ? 302 : 303, [...ALWAYS, ...headers, 'Location', location]).end();
          return;
        }
        // nginx before 1.23 hands on the first line of several alone, so it is told all in one (RFC 9110 section 11.6.1).
        const each = challengesFor(decision, fields);
        const challenges = speaks === 'nginx' ? [each.join(', ')] : each;
        for (const challenge of challenges) if (challenge !== '') headers.push('WWW-Authenticate', challenge);
        if (speaks === 'nginx' && location !== null) headers.push('Location', location, 'X-Auth-Redirect', location);
        refuse(response, 401, headers, decision, speaks, request);
        return;
      }
      case 'deny':
        if (decision.reason === 'scope-missing') headers.push('WWW-Authenticate', insufficientScope());
        refuse(response, 403, headers, decision, speaks, request);
        return;
      case 'limited':
        headers.push('Retry-After', String(decision.retryAfter));
        // nginx hands none of it on.
        if (speaks !== 'nginx' && decision.quota !== null)
          headers.push(...rateLimitFields(decision.quota, decision.retryAfter));
        refuse(response, speaks === 'nginx' ? 403 : 429, headers, decision, speaks, request);
        return;
      case 'unavailable':
        refuse(response, speaks === 'nginx' ? 403 : 503, headers, decision, speaks, request);
    }
  };

  /** A program gets no body; a person who opens a page is told what happened, or the front server where to get that. */
  function refuse(
    response: ServerResponse,
    status: number,
    headers: string[],
    decision: Exclude<Decision, { effect: 'allow' }>,
    speaks: Speaks,
    request: AccessRequest | null,
  ): void {
    const tells = refusals !== undefined && request !== null && (speaks !== 'nginx' || status === 403);
    if (!tells || request.method === 'HEAD' || !isNavigation(request)) {
      response.writeHead(status, [...ALWAYS, ...headers]).end();
    } else if (speaks === 'nginx') {
      response.writeHead(status, [...ALWAYS, ...headers, 'X-Auth-Page', refusals.path(decision, request)]).end();
    } else {
      const page = refusals.page(decision, request);
      response.writeHead(status, [...page.headers, ...headers]).end(page.body);
    }
  }
}

/** Empty ones where there is no token: without them the client's own would reach the application. */
function withToken(headers: readonly string[], token: IdentityToken | null): string[] {
  return [...headers, 'X-Auth-Token', token?.text ?? '', 'Authorization', token?.bearer ?? ''];
}

/** A browser that goes to a page, and not a script, picture, stream or socket that could make nothing of a login page. */
export function isNavigation(request: AccessRequest): boolean {
  const mode = request.headers.get('sec-fetch-mode');
  if (mode !== undefined) return mode === 'navigate';
  return request.headers.all('accept').some((accept) => /(?:^|[\s,])text\/html(?=$|[\s;,])/i.test(accept));
}
