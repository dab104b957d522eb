import { readBadge } from './badge.js';

/** Far more than a badge needs. */
const MOST_BYTES = 1024;

/**
 * The plugin's own page: a form that takes a badge and puts it into a cookie. A link that carried the badge would do so
 * too, but URLs end up in logs and histories, and mail scanners open them.
 *
 * @param {import('./options.js').BadgeOptions} options
 * @param {string} cookie its name
 * @param {() => number} clock ms since the epoch
 * @returns {import('gatelodge/plugin').PluginPath}
 */
export function redeemPath(options, cookie, clock) {
  const security = {
    'Content-Type': 'text/html; charset=utf-8',
    // Chromium holds form-action against the redirect after the form as well.
    'Content-Security-Policy': `default-src 'none'; form-action 'self' ${new URL(options.home).origin}; frame-ancestors 'none'`,
  };
  /** @param {number} status @param {string} message */
  const page = (status, message) => new Response(form(message), { status, headers: security });

  return {
    path: options.path,
    methods: ['GET', 'POST'],
    description: 'Takes a visitor badge and puts it into a cookie',
    async handle(request) {
      if (request.method !== 'POST') return page(200, '');
      // Another site's page must not give this browser somebody else's badge.
      if (!['same-origin', 'none', null].includes(request.headers.get('sec-fetch-site')))
        return page(403, 'Please use this form.');
      const length = Number(request.headers.get('content-length') ?? Number.NaN);
      if (!(length <= MOST_BYTES)) return page(413, 'That is no badge.');
      const text = new URLSearchParams(await request.text()).get('badge')?.trim() ?? '';
      const badge = readBadge(text, options.secret);
      const seconds = badge === null ? 0 : Math.floor((badge.endsAt - clock()) / 1000);
      if (badge === null || seconds <= 0) return page(401, 'This badge is not valid, or not any more.');
      const domain = options.cookie_domain === null ? '' : `; Domain=${options.cookie_domain}`;
      const setCookie = `${cookie}=${text}; Path=/${domain}; Max-Age=${seconds}; Secure; HttpOnly; SameSite=Lax`;
      // An empty text, not null, so that the answer has a length: null would be sent chunked.
      return new Response('', { status: 303, headers: { Location: options.home, 'Set-Cookie': setCookie } });
    },
  };
}

/** @param {string} message a fixed text; what somebody sent is never shown */
function form(message) {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Visitor badge</title></head>
<body><main><h1>Visitor badge</h1><p role="status">${message}</p>
<form method="post"><label>Badge <input name="badge" autocomplete="off" required></label> <button>Enter</button></form></main></body></html>
`;
}
