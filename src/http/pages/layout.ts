import { html, raw } from 'hono/html';
import { STYLE } from './style.ts';

/** What hono's `html` makes: text that is escaped already. */
export type Markup = ReturnType<typeof html>;

// Our own constant, and its bytes are what the policy's hash is of, so it must not be escaped.
const style = raw(`<style>${STYLE}</style>`);

/** A whole page. The title is what a screen reader says first, so what went wrong belongs into it. */
export function layout(title: string, content: Markup): Markup {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="data:,">
${style}
</head>
<body>
<main>
${content}
</main>
</body>
</html>
`;
}

/** Read out at once when the page comes; empty where there is nothing to say. */
export function alarm(message: string | null): Markup | '' {
  return message === null ? '' : html`<p class="alarm" id="alarm" role="alert">${message}</p>`;
}
