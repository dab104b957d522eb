import { html } from 'hono/html';
import type { User } from '../../domain/user.ts';
import { alarm, layout, type Markup } from './layout.ts';

/** The default page: who is signed in. */
export function homePage(page: { readonly base: string; readonly csrf: string; readonly user: User }): Markup {
  return layout(
    'Signed in',
    html`<h1>You are signed in</h1>
<p class="quiet">as ${who(page.user)}</p>
<form method="post" action="${page.base}/logout">
<input type="hidden" name="csrf" value="${page.csrf}">
<button type="submit">Sign out</button>
</form>`,
  );
}

/** Asks before it signs out: a link or an image of somebody else's must not do it. */
export function logoutPage(page: {
  readonly base: string;
  readonly csrf: string;
  readonly redirect: string | null;
  readonly user: User;
  readonly message: string | null;
}): Markup {
  return layout(
    'Sign out',
    html`<h1>Sign out?</h1>
<p class="quiet">You are signed in as ${who(page.user)}. All applications behind this login are signed out with it.</p>
${alarm(page.message)}
<form method="post" action="${page.base}/logout">
<input type="hidden" name="csrf" value="${page.csrf}">
<input type="hidden" name="rd" value="${page.redirect ?? ''}">
<button type="submit">Sign out</button>
</form>
<p class="more"><a href="${page.base}/">Stay signed in</a></p>`,
  );
}

/** For people, where a program would get JSON. */
export function problemPage(page: {
  readonly base: string;
  readonly status: number;
  readonly message: string;
}): Markup {
  const title = TITLES[page.status] ?? 'That did not work';
  return layout(
    title,
    html`<h1>${title}</h1>
<p class="quiet" role="alert">${page.message}</p>
<a class="button" href="${page.base}/">Go to the start page</a>`,
  );
}

const TITLES: Readonly<Record<number, string>> = {
  403: 'Refused',
  404: 'Page not found',
  429: 'Too many attempts',
  500: 'Something went wrong',
  503: 'Not available right now',
};

function who(user: User): Markup {
  const name = user.name === '' || user.name === user.username ? '' : html` (${user.name})`;
  return html`<strong>${user.username}</strong>${name}`;
}
