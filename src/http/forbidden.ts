import type { Reason } from '../domain/decision.ts';
import { forbiddenPage, type Refused } from './pages/refusal-pages.ts';
import { type Endpoint, type PublicParts, presentedSessions, requestTarget } from './public-parts.ts';
import { readRedirect } from './redirects.ts';

const STATUS: Readonly<Record<Refused, number>> = { challenge: 401, deny: 403, limited: 429, unavailable: 503 };
const OF_REASON: Partial<Record<Reason, Refused>> = {
  'rate-limited': 'limited',
  'store-unavailable': 'unavailable',
  overloaded: 'unavailable',
  'internal-error': 'unavailable',
};

/** `GET /forbidden?reason=&rd=`: where a browser is led that was refused by a front server which shows no page of ours. */
export function forbiddenEndpoints(parts: PublicParts): readonly Endpoint[] {
  const { site, csrf, safeRedirect, respond, sessions } = parts;
  return [
    {
      path: '/forbidden',
      method: 'GET',
      async handle(context) {
        const target = requestTarget(context);
        const reason = /[?&]reason=([a-z-]+)(?:&|$)/.exec(target.split(/[?&]rd=/, 1)[0] ?? '')?.[1] ?? '';
        // What anybody can write into a link chooses among our own words, and nothing more.
        const refused = Object.entries(OF_REASON).find(([name]) => name === reason)?.[1] ?? 'deny';
        // Where the store is away, this page is not the one to ask it again.
        const found = refused === 'deny' ? await sessions.find(presentedSessions(parts, context)) : null;
        const { field, setCookie } = csrf.issue(context.req.raw.headers);
        const redirect = safeRedirect(readRedirect(target));
        const markup = forbiddenPage({ site, refused, csrf: field, redirect, user: found?.user ?? null });
        return respond.page(STATUS[refused], markup, { cookies: [setCookie] });
      },
    },
  ];
}
