import { html } from 'hono/html';
import type { User } from '../../domain/user.ts';
import { alarm, hidden, layout, type Markup, type Site } from './layout.ts';

/** The default page: who is signed in. */
export function homePage(page: { readonly site: Site; readonly csrf: string; readonly user: User }): Markup {
  const { user, site } = page;
  const facts: readonly (readonly [string, string])[] = [
    ['E-mail', user.email],
    ['Roles', user.roles.join(', ')],
    ['Groups', user.groups.join(', ')],
  ];
  const known = facts.filter(([, text]) => text !== '');
  return layout(
    site,
    'Signed in',
    html`<h1>You are signed in</h1>
<p class="quiet">as ${who(user)}</p>
${known.length === 0 ? '' : html`<dl>${known.map(([fact, text]) => html`<dt>${fact}</dt><dd>${text}</dd>`)}</dl>`}
<form method="post" action="${site.base}/logout">
${hidden(page.csrf, null)}
<button type="submit">Sign out</button>
</form>`,
  );
}

/** Asks before it signs out: a link or an image of somebody else's must not do it. */
export function logoutPage(page: {
  readonly site: Site;
  readonly csrf: string;
  readonly redirect: string | null;
  readonly user: User;
  readonly message: string | null;
}): Markup {
  const { site } = page;
  return layout(
    site,
    'Sign out',
    html`<h1>Sign out?</h1>
<p class="quiet">You are signed in as ${who(page.user)}. All applications behind this login are signed out with it.</p>
${alarm(page.message)}
<form method="post" action="${site.base}/logout">
${hidden(page.csrf, page.redirect)}
<button type="submit">Sign out</button>
</form>
<p class="more"><a href="${site.base}/">Stay signed in</a></p>`,
  );
}

/** The user name, and who that is. */
export function who(user: Pick<User, 'username' | 'name'>): Markup {
  const name = user.name === '' || user.name === user.username ? '' : html` (${user.name})`;
  return html`<strong>${user.username}</strong>${name}`;
}
