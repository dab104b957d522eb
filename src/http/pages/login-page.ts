import { html } from 'hono/html';
import { alarm, hidden, layout, type Markup, type Site } from './layout.ts';

export interface LoginPage {
  readonly site: Site;
  readonly csrf: string;
  /** Where it leads, checked already; null for the default page. */
  readonly redirect: string | null;
  /** What was typed before. A password never comes back. */
  readonly username: string;
  readonly remember: boolean;
  /** Who is signed in and is asked again. */
  readonly signedInAs: string | null;
  readonly message: string | null;
}

export function loginPage(page: LoginPage): Markup {
  const again = page.username !== '';
  const target = page.redirect === null ? null : (URL.parse(page.redirect)?.host ?? null);
  return layout(
    page.site,
    page.message === null ? 'Sign in' : 'Sign in: not yet',
    html`<h1>Sign in</h1>
${target === null ? '' : html`<p class="quiet">to continue to <strong>${target}</strong></p>`}
${page.signedInAs === null ? '' : html`<p class="quiet">You are signed in as <strong>${page.signedInAs}</strong>. Sign in again, or with another account.</p>`}
${alarm(page.message)}
<form method="post" action="${page.site.base}/login">
${hidden(page.csrf, page.redirect)}
<label for="username">User name</label>
<input type="text" id="username" name="username" value="${page.username}" autocomplete="username" autocapitalize="none" spellcheck="false" required${described(page)}${again ? '' : html` autofocus`}>
<label for="password">Password</label>
<input type="password" id="password" name="password" autocomplete="current-password" required${described(page)}${again ? html` autofocus` : ''}>
<label class="choice" for="remember"><input type="checkbox" id="remember" name="remember" value="1"${page.remember ? html` checked` : ''}>Keep me signed in on this device</label>
<button type="submit">Sign in</button>
</form>`,
  );
}

function described(page: LoginPage): Markup | '' {
  return page.message === null ? '' : html` aria-describedby="alarm"`;
}
