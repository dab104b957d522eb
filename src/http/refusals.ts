import { html } from 'hono/html';
import { type AccessRequest, requestUrl } from '../domain/access-request.ts';
import type { Decision } from '../domain/decision.ts';
import { isPromise } from '../domain/maybe-promise.ts';
import type { Markup } from './pages/layout.ts';
import { isForEverybody, type Refused, refusalPage } from './pages/refusal-pages.ts';
import { redirectParameter } from './redirects.ts';
import { pagePolicy } from './responses.ts';

/** What a person sees who opens a page and is refused. */
export interface Refusals {
  /** For front servers that hand on what we answer: the page and its header fields. */
  page(decision: Exclude<Decision, { effect: 'allow' }>, request: AccessRequest): { headers: string[]; body: string };
  /** For those that do not (nginx): path and query of gatelodge's own page about it, for them to fetch. */
  path(decision: Exclude<Decision, { effect: 'allow' }>, request: AccessRequest): string;
}

/** Stand in the ready pages for what differs; no template of ours contains them. */
const USER = '\u0001';
const URL_BACK = '\u0002';

/**
 * Every page is made at the start but for two places in it: a check that is refused costs two replacements.
 * @param options.publicUrl of gatelodge, without a slash at the end
 * @param options.login whether the login page can let anybody in
 */
export function createRefusals(options: {
  readonly name: string;
  readonly publicUrl: string;
  readonly login: boolean;
}): Refusals {
  const { name, publicUrl, login } = options;
  const base = new URL(publicUrl).pathname.replace(/\/$/, '');
  const ready = (refused: Refused, user: string | null = null) =>
    text(
      refusalPage({
        site: { name, logo: null },
        refused,
        user: user === null ? null : { username: user, name: '' },
        switchUrl: user !== null && login ? URL_BACK : null,
        redirect: null,
      }),
    );
  const plain: Readonly<Record<Refused, string>> = {
    challenge: ready('challenge'),
    deny: ready('deny'),
    closed: ready('closed'),
    limited: ready('limited'),
    unavailable: ready('unavailable'),
  };
  const denied = ready('deny', USER);
  const fields = [
    ...['Content-Type', 'text/html; charset=utf-8', 'Cache-Control', 'no-store'],
    ...['Content-Security-Policy', pagePolicy("'none'"), 'X-Content-Type-Options', 'nosniff'],
  ];

  return {
    page(decision, request) {
      const identity = decision.effect === 'deny' ? decision.identity : null;
      const back = `${publicUrl}/login?prompt=login&${redirectParameter(requestUrl(request))}`;
      const body =
        identity === null
          ? plain[isForEverybody(decision.reason) ? 'closed' : decision.effect]
          : denied.replace(URL_BACK, () => escaped(back)).replace(USER, () => escaped(identity.username));
      return { headers: [...fields, 'Content-Length', String(Buffer.byteLength(body))], body };
    },
    path: (decision, request) =>
      `${base}/forbidden?reason=${decision.reason}&${redirectParameter(requestUrl(request))}`,
  };
}

function text(markup: Markup): string {
  if (isPromise(markup)) throw new TypeError('a page of ours waits for nothing');
  return markup.toString();
}

function escaped(value: string): string {
  return text(html`${value}`);
}
