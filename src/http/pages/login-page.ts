import { html } from 'hono/html';
import { alarm, layout, type Markup } from './layout.ts';

export interface LoginPage {
  readonly base: string;
  readonly csrf: string;
  /** Where it leads, checked already; null for the default page. */
  readonly redirect: string | null;
  /** What was typed before. A password never comes back. */
  readonly username: string;
  readonly remember: boolean;
  readonly message: string | null;
}

export function loginPage(page: LoginPage): Markup {
  const again = page.username !== '';
  const target = page.redirect === null ? null : (URL.parse(page.redirect)?.host ?? null);
  return layout(
    page.message === null ? 'Sign in' : 'Sign in: not yet',
    html`<h1>Sign in</h1>
${target === null ? '' : html`<p class="quiet">You go on to <strong>${target}</strong>.</p>`}
${alarm(page.message)}
<form method="post" action="${page.base}/login">
<input type="hidden" name="csrf" value="${page.csrf}">
<input type="hidden" name="rd" value="${page.redirect ?? ''}">
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
