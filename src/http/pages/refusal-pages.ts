import { html } from 'hono/html';
import type { Effect } from '../../domain/decision.ts';
import type { User } from '../../domain/user.ts';
import { who } from './account-pages.ts';
import { hidden, layout, type Markup, type Site } from './layout.ts';

/** For people, where a program would get JSON. */
export function problemPage(page: { readonly site: Site; readonly status: number; readonly message: string }): Markup {
  const title = TITLES[page.status] ?? 'That did not work';
  return layout(
    page.site,
    title,
    html`<h1>${title}</h1>
<p class="quiet" role="alert">${page.message}</p>
<a class="button" href="${page.site.base}/">Go to the start page</a>`,
  );
}

const TITLES: Readonly<Record<number, string>> = {
  403: 'Refused',
  404: 'Page not found',
  429: 'Too many attempts',
  500: 'Something went wrong',
  503: 'Not available right now',
};

export type Refused = Exclude<Effect, 'allow'>;

/** What is said of each kind of refusal, wherever it is said. */
const WORDS: Readonly<Record<Refused, { readonly title: string; readonly text: string }>> = {
  challenge: {
    title: 'Sign-in needed',
    text: 'You are not signed in here, or what you signed in with was not accepted.',
  },
  deny: { title: 'You may not open this page', text: 'It is not open to you, or to nobody at this address.' },
  limited: { title: 'Too many requests', text: 'Wait a moment and try again.' },
  unavailable: {
    title: 'Not available right now',
    text: 'Whether you may open this page cannot be found out at the moment. Try again soon.',
  },
};

/**
 * gatelodge's own page about a refusal, to which front servers lead that cannot show one. It names the account, and offers
 * to sign out and in again on the way back to the same page.
 */
export function forbiddenPage(page: {
  readonly site: Site;
  readonly refused: Refused;
  readonly csrf: string;
  /** Where it was, checked already. */
  readonly redirect: string | null;
  readonly user: User | null;
}): Markup {
  const { site, refused, redirect, user } = page;
  const { title, text } = WORDS[refused];
  const target = redirect === null ? null : (URL.parse(redirect)?.host ?? null);
  const isDenied = refused === 'deny';
  const to = redirect === null ? '' : `?rd=${encodeURIComponent(redirect)}`;
  return layout(
    site,
    title,
    html`<h1>${title}</h1>
${target === null ? '' : html`<p class="quiet">on <strong>${target}</strong></p>`}
${isDenied && user !== null ? html`<p role="alert">You are signed in as ${who(user)}. This account may not open it.</p>` : html`<p role="alert">${text}</p>`}
${
  isDenied && user !== null
    ? html`<form method="post" action="${site.base}/logout">
${hidden(page.csrf, redirect)}
<input type="hidden" name="next" value="login">
<button type="submit">Sign in with another account</button>
</form>`
    : ''
}
${isDenied && user === null ? html`<a class="button" href="${site.base}/login${to}">Sign in</a>` : ''}
${redirect === null ? html`<p class="more"><a href="${site.base}/">Go to the start page</a></p>` : html`<p class="more"><a href="${redirect}">Try again</a></p>`}`,
  );
}

/**
 * The small page in a refused navigation, on the application's own origin, where no form of ours would be believed: it has
 * a link instead.
 * @param user whose account was refused; null where that is not known
 * @param switchUrl the login page that asks again and leads back; null where none can help
 */
export function refusalPage(page: {
  readonly name: string;
  readonly refused: Refused;
  readonly user: string | null;
  readonly switchUrl: string | null;
}): Markup {
  const { title, text } = WORDS[page.refused];
  return layout(
    { name: page.name, logo: null },
    title,
    html`<h1>${title}</h1>
<p role="alert">${page.user === null ? text : html`You are signed in as <strong>${page.user}</strong>. This account may not open it.`}</p>
${page.switchUrl === null ? '' : html`<a class="button" href="${page.switchUrl}">Sign in with another account</a>`}`,
  );
}
