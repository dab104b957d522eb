/** The one style sheet of all pages. It stands in the page, and its hash in the policy: no request, no `unsafe-inline`. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f2f4f3;
  --card: #ffffff;
  --text: #17211d;
  --quiet: #55635c;
  --line: #8a978f;
  --hair: #dde3df;
  --accent: #14603f;
  --on-accent: #ffffff;
  --accent-strong: #0e4a30;
  --alarm: #9b1c1c;
  --alarm-back: #fdecea;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #121816;
    --card: #1b2320;
    --text: #e7edea;
    --quiet: #9fb0a8;
    --line: #6d7d75;
    --hair: #2d3833;
    --accent: #6fd6a4;
    --on-accent: #0c2418;
    --accent-strong: #93e5bd;
    --alarm: #ffb4ab;
    --alarm-back: #3b1614;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { font: 100%/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 1.25rem; background: var(--page); color: var(--text); }
main { width: 100%; max-width: 25rem; padding: 2rem; background: var(--card); border: 1px solid var(--hair); border-radius: 0.875rem; box-shadow: 0 1px 2px rgb(0 0 0 / 0.06), 0 12px 32px -16px rgb(0 0 0 / 0.25); }
h1 { margin: 0 0 0.5rem; font-size: 1.5rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.01em; text-wrap: balance; }
p { margin: 0 0 1rem; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
.quiet strong { color: var(--text); font-weight: 600; }
.alarm { margin: 1rem 0 0; padding: 0.75rem 0.875rem; border-left: 0.25rem solid var(--alarm); border-radius: 0.375rem; background: var(--alarm-back); color: var(--alarm); }
form { margin-top: 1.5rem; }
label { display: block; margin-bottom: 0.375rem; font-weight: 550; }
input[type="text"], input[type="password"] { display: block; width: 100%; min-height: 2.75rem; margin-bottom: 1.125rem; padding: 0.5rem 0.75rem; font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 0.5rem; }
.choice { display: flex; align-items: center; gap: 0.625rem; min-height: 2.75rem; margin-bottom: 0.75rem; font-weight: 400; }
input[type="checkbox"] { width: 1.25rem; height: 1.25rem; margin: 0; flex: none; accent-color: var(--accent); }
button, .button { display: block; width: 100%; min-height: 2.75rem; padding: 0.625rem 1rem; font: inherit; font-weight: 600; text-align: center; text-decoration: none; color: var(--on-accent); background: var(--accent); border: 1px solid transparent; border-radius: 0.5rem; cursor: pointer; }
button:hover, .button:hover { background: var(--accent-strong); }
a { color: var(--accent); }
:is(input, button, a):focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.brand { display: flex; align-items: center; gap: 0.75rem; margin: 0 0 1.5rem; font-weight: 600; }
.brand img { display: block; width: auto; max-width: 100%; height: 2.5rem; object-fit: contain; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0.375rem 1rem; margin: 0 0 1rem; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
.more { margin: 1.25rem 0 0; text-align: center; }
@media (max-width: 30rem) {
  body { padding: 0; place-items: stretch; background: var(--card); }
  main { max-width: none; padding: 2.5rem 1.25rem; border: 0; border-radius: 0; box-shadow: none; }
}
@media (forced-colors: active) { button, .button { border-color: ButtonText; } }
`;
