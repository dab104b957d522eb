import type { Reason } from '../domain/decision.ts';
import { isForEverybody, type Refused, refusalPage } from './pages/refusal-pages.ts';
import { clientAddress, type Endpoint, type PublicParts, presentedSessions, requestTarget } from './public-parts.ts';
import { readRedirect } from './redirects.ts';

const STATUS: Readonly<Record<Refused, number>> = {
  challenge: 401,
  deny: 403,
  closed: 403,
  limited: 429,
  unavailable: 503,
};
const OF_REASON: Partial<Record<Reason, Refused>> = {
  'rate-limited': 'limited',
  'store-unavailable': 'unavailable',
  overloaded: 'unavailable',
  'internal-error': 'unavailable',
};

/**
 * `GET /forbidden?reason=&rd=`: the page about a refusal, which nginx fetches for a browser and shows at the address that
 * was refused.
 */
export function forbiddenEndpoints(parts: PublicParts): readonly Endpoint[] {
  const { site, safeRedirect, respond, sessions, configuration } = parts;
  return [
    {
      path: '/forbidden',
      method: 'GET',
      page: true,
      async handle(context) {
        const target = requestTarget(context);
        const reason = /[?&]reason=([a-z-]+)(?:&|$)/.exec(target.split(/[?&]rd=/, 1)[0] ?? '')?.[1] ?? '';
        // What anybody can write into a link chooses among our own words, and nothing more.
        const refused: Refused = isForEverybody(reason)
          ? 'closed'
          : (Object.entries(OF_REASON).find(([name]) => name === reason)?.[1] ?? 'deny');
        // Where the store is away, this page is not the one to ask it again.
        const found =
          refused === 'deny' ? await sessions.find(presentedSessions(parts, context), clientAddress(context)) : null;
        const redirect = safeRedirect(readRedirect(target));
        const back = redirect === null ? '' : `&rd=${encodeURIComponent(redirect)}`;
        const switchUrl = refused === 'deny' ? `${configuration.public_url}/login?prompt=login${back}` : null;
        const markup = refusalPage({ site, refused, user: found?.user ?? null, switchUrl, redirect });
        return respond.page(STATUS[refused], markup);
      },
    },
  ];
}
