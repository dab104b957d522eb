import { html } from 'hono/html';
import type { DenyReason, Effect } from '../../domain/decision.ts';
import type { User } from '../../domain/user.ts';
import { who } from './account-pages.ts';
import { layout, type Markup, type Site } from './layout.ts';

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

/** What pages tell apart: `closed` is refused to everybody, so no other account would help. */
export type Refused = Exclude<Effect, 'allow'> | 'closed';

/** Reasons that hold for everybody. */
const FOR_EVERYBODY: readonly DenyReason[] = [
  'deny-rule',
  'no-rule',
  'ambiguous-path',
  'malformed-request',
  'untrusted-peer',
];

/** @param reason also any text, such as a link's */
export const isForEverybody = (reason: string): boolean => FOR_EVERYBODY.some((one) => one === reason);

/** What is said of each kind of refusal, wherever it is said. */
const WORDS: Readonly<Record<Refused, { readonly title: string; readonly text: string }>> = {
  challenge: {
    title: 'Sign-in needed',
    text: 'You are not signed in here, or what you signed in with was not accepted.',
  },
  deny: { title: 'You may not open this page', text: 'Your account may not open it, or you are not signed in here.' },
  closed: {
    title: 'Nobody may open this page',
    text: 'It is closed, whoever asks. If you think that it should be open, tell whoever runs this site.',
  },
  limited: { title: 'Too many requests', text: 'Wait a moment and try again.' },
  unavailable: {
    title: 'Not available right now',
    text: 'Whether you may open this page cannot be found out at the moment. Try again soon.',
  },
};

/**
 * What a person sees whose navigation was refused. It stands on the application's origin, so its links are whole URLs, and it
 * has no form: from there none of ours would be believed.
 */
export function refusalPage(page: {
  readonly site: Pick<Site, 'name' | 'logo'>;
  readonly refused: Refused;
  /** Whose account was refused; null where that is not known. */
  readonly user: Pick<User, 'username' | 'name'> | null;
  /** The login page, which asks again, ends the present session and leads back; null where none can help. */
  readonly switchUrl: string | null;
  /** Where it was, checked already; null where that is where the browser is. */
  readonly redirect: string | null;
}): Markup {
  const { refused, user, switchUrl, redirect } = page;
  const { title, text } = WORDS[refused];
  return layout(
    page.site,
    title,
    html`<h1>${title}</h1>
<p role="alert">${user === null ? text : html`You are signed in as ${who(user)}. This account may not open it.`}</p>
${switchUrl === null ? '' : html`<a class="button" href="${switchUrl}">Sign in${user === null ? '' : ' with another account'}</a>`}
${redirect === null ? '' : html`<p class="more"><a href="${redirect}">Try again</a></p>`}`,
  );
}
