import { readForm } from './bodies.ts';
import { sessionCookie } from './cookies.ts';
import { loginPage } from './pages/login-page.ts';
import { HttpProblem, problemOf } from './problems.ts';
import {
  clientAddress,
  type Endpoint,
  type PublicContext,
  type PublicParts,
  presentedSessions,
  requestTarget,
} from './public-parts.ts';
import { tooManyHeaders } from './rate-limit-headers.ts';
import { readRedirect } from './redirects.ts';

const REFUSED = 'User name or password is wrong.';
const STALE = 'This form had grown old. Please sign in again.';

interface FormState {
  readonly redirect: string | null;
  readonly username: string;
  readonly remember: boolean;
  readonly signedInAs: string | null;
  readonly message: string;
}

/** `GET /login?rd=` and `POST /login`. */
export function loginEndpoints(parts: PublicParts): readonly Endpoint[] {
  const { base, site, csrf, device, safeRedirect, respond, configuration } = parts;

  function form(context: PublicContext, status: number, state: Partial<FormState>, headers = {}): Promise<Response> {
    const { field, setCookie } = csrf.issue(context.req.raw.headers);
    const fields = { redirect: null, username: '', remember: false, signedInAs: null, message: null, ...state };
    const markup = loginPage({ site, csrf: field, ...fields });
    return respond.page(status, markup, { headers, cookies: [setCookie] });
  }

  async function show(context: PublicContext): Promise<Response> {
    const target = requestTarget(context);
    const redirect = safeRedirect(readRedirect(target));
    // A rule may want the password again although the session lives; then going back at once would go round in circles.
    const again = /[?&]prompt=login(?:&|$)/.test(target.split(/[?&]rd=/, 1)[0] ?? '');
    const live = await parts.sessions.find(presentedSessions(parts, context), clientAddress(context));
    if (live !== null && !again) return respond.redirect(redirect ?? `${base}/`);
    return form(context, 200, { redirect, signedInAs: live?.user.username ?? null });
  }

  async function submit(context: PublicContext): Promise<Response> {
    const fields = await readForm(context.req.raw);
    const verdict = csrf.check(context.req.raw.headers, fields.get('csrf'));
    if (verdict === 'foreign') throw foreignForm(configuration.public_url);
    const username = fields.get('username') ?? '';
    const password = fields.get('password') ?? '';
    const remember = fields.has('remember');
    const redirect = safeRedirect(fields.get('rd') ?? readRedirect(requestTarget(context)));
    const again = (status: number, message: string, headers = {}) =>
      form(context, status, { redirect, username, remember, message }, headers);

    if (verdict === 'stale') return again(403, STALE);
    if (username === '' || password === '') return again(400, 'Enter your user name and your password.');
    try {
      const { headers } = context.req.raw;
      const known = device.read(headers, username);
      const address = clientAddress(context);
      const result = await parts.login.login({ username, password, address, device: known, way: 'form' });
      if (result.kind === 'refused') return again(401, REFUSED);
      if (result.kind === 'limited') {
        const headers = tooManyHeaders(result.retryAfter, result.quota ?? null);
        return again(429, `Too many attempts. Try again ${inWords(result.retryAfter)}.`, headers);
      }
      // Always a new session, and the one sent along ends: nobody gets in with a cookie that was there before (fixation).
      await parts.sessions.endPresented(presentedSessions(parts, context));
      const { cookieValue, session } = await parts.sessions.start(result.user, { remember });
      if (!(await parts.login.isStillGood(result.user, password))) {
        await parts.sessions.end(session.id);
        return again(401, REFUSED);
      }
      const cookie = sessionCookie(configuration, cookieValue, remember ? configuration.session.remember : null);
      return respond.redirect(redirect ?? `${base}/`, { cookies: [cookie, device.issue(headers, username)] });
    } catch (error) {
      const problem = problemOf(error);
      if (problem.status !== 503) throw error;
      if (problem.code !== 'overloaded') parts.reportFailure(error);
      return again(503, problem.message, problem.headers);
    }
  }

  return [
    { path: '/login', method: 'GET', handle: show, page: true },
    { path: '/login', method: 'POST', handle: submit, page: true },
  ];
}

/** Says where the form should have come from: whoever opened the page under another name needs to know it. */
export function foreignForm(publicUrl: string): HttpProblem {
  return new HttpProblem(
    'forbidden',
    `This form was not sent from ${new URL(publicUrl).origin}. Open the page there and try again.`,
  );
}

function inWords(seconds: number): string {
  return seconds < 90 ? `in ${seconds} second${seconds === 1 ? '' : 's'}` : `in ${Math.ceil(seconds / 60)} minutes`;
}
