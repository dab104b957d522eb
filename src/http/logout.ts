import { readForm } from './bodies.ts';
import { clearedSessionCookie } from './cookies.ts';
import { foreignForm } from './login.ts';
import { homePage, logoutPage } from './pages/account-pages.ts';
import {
  clientAddress,
  type Endpoint,
  type PublicContext,
  type PublicParts,
  presentedSessions,
  requestTarget,
} from './public-parts.ts';
import { readRedirect } from './redirects.ts';

/** `GET /`, `GET /logout?rd=` (asks first) and `POST /logout`. */
export function logoutEndpoints(parts: PublicParts): readonly Endpoint[] {
  const { base, site, csrf, safeRedirect, respond, configuration, sessions } = parts;
  const find = (context: PublicContext) => sessions.find(presentedSessions(parts, context), clientAddress(context));

  async function home(context: PublicContext): Promise<Response> {
    const found = await find(context);
    if (found === null) return respond.redirect(`${base}/login`);
    const { field, setCookie } = csrf.issue(context.req.raw.headers);
    return respond.page(200, homePage({ site, csrf: field, user: found.user }), { cookies: [setCookie] });
  }

  async function ask(
    context: PublicContext,
    status: number,
    wish: string | null,
    message: string | null,
  ): Promise<Response> {
    const redirect = safeRedirect(wish);
    const found = await find(context);
    if (found === null) return respond.redirect(redirect ?? `${base}/login`);
    const { field, setCookie } = csrf.issue(context.req.raw.headers);
    const markup = logoutPage({ site, csrf: field, redirect, user: found.user, message });
    return respond.page(status, markup, { cookies: [setCookie] });
  }

  async function submit(context: PublicContext): Promise<Response> {
    const fields = await readForm(context.req.raw);
    const verdict = csrf.check(context.req.raw.headers, fields.get('csrf'));
    if (verdict === 'foreign') throw foreignForm(configuration.public_url);
    const wish = fields.get('rd') ?? readRedirect(requestTarget(context));
    if (verdict === 'stale') return ask(context, 403, wish, 'This form had grown old. Please sign out again.');

    const found = await find(context);
    await sessions.endPresented(presentedSessions(parts, context));
    if (found !== null) {
      const { user, session } = found;
      parts.audit({ event: 'logout', user: user.username, session: session.id, address: clientAddress(context) });
    }
    return respond.redirect(safeRedirect(wish) ?? `${base}/login`, { cookies: [clearedSessionCookie(configuration)] });
  }

  return [
    { path: '/', method: 'GET', handle: home, page: true },
    { path: '', method: 'GET', handle: home, page: true },
    {
      path: '/logout',
      method: 'GET',
      handle: (context) => ask(context, 200, readRedirect(requestTarget(context)), null),
      page: true,
    },
    { path: '/logout', method: 'POST', handle: submit, page: true },
  ];
}
