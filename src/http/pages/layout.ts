import { html, raw } from 'hono/html';
import { STYLE } from './style.ts';

/** What hono's `html` makes: text that is escaped already. */
export type Markup = ReturnType<typeof html>;

/** Whose pages these are, and where. */
export interface Site {
  /** Path of `public_url` without a slash at the end. */
  readonly base: string;
  /** Empty: nobody says. */
  readonly name: string;
  /** As a `data:` URL. */
  readonly logo: string | null;
}

// Our own constant, and its bytes are what the policy's hash is of, so it must not be escaped.
const style = raw(`<style>${STYLE}</style>`);

/** A whole page. The title is what a screen reader says first, so what went wrong belongs into it. */
export function layout(site: Pick<Site, 'name' | 'logo'>, title: string, content: Markup): Markup {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}${site.name === '' ? '' : ` · ${site.name}`}</title>
<link rel="icon" href="data:,">
${style}
</head>
<body>
<main>
${brand(site)}${content}
</main>
</body>
</html>
`;
}

function brand({ name, logo }: Pick<Site, 'name' | 'logo'>): Markup | '' {
  if (name === '' && logo === null) return '';
  // Beside its own name a logo says nothing more.
  const picture = logo === null ? '' : html`<img src="${logo}" alt="${name === '' ? 'Logo' : ''}" height="40">`;
  return html`<p class="brand">${picture}${name === '' ? '' : html`<span>${name}</span>`}</p>
`;
}

/** Read out at once when the page comes; empty where there is nothing to say. */
export function alarm(message: string | null): Markup | '' {
  return message === null ? '' : html`<p class="alarm" id="alarm" role="alert">${message}</p>`;
}

/** Fields that every form of ours has. */
export function hidden(csrf: string, redirect: string | null): Markup {
  return html`<input type="hidden" name="csrf" value="${csrf}">
<input type="hidden" name="rd" value="${redirect ?? ''}">`;
}
