import { hash } from 'node:crypto';
import { STYLE } from './pages/style.ts';
import type { Responder, ResponseOptions } from './public-parts.ts';

/** Nothing of ours may be kept: a login page after logout, a token in a proxy. */
export const EVERYWHERE = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  // Not `no-referrer`, under which browsers send `Origin: null` with our own forms.
  'Referrer-Policy': 'same-origin',
};

/** What a page of ours may do: show its own style and pictures that stand in it. @param forms where its forms may lead */
export function pagePolicy(forms: string): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
    'img-src data:',
    `form-action ${forms}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

/** @param allowedRedirects form-action names them because Chromium holds it against the redirect after the form too */
export function createResponder(allowedRedirects: readonly string[]): Responder {
  const policy = pagePolicy(["'self'", ...allowedRedirects].join(' '));

  const answer = (
    status: number,
    body: string,
    options: ResponseOptions | undefined,
    own: Readonly<Record<string, string>>,
  ) =>
    // With its length told, no answer is chunked, whatever the listener makes of a Response's stream.
    new Response(body, {
      status,
      headers: collect(options, { ...own, 'Content-Length': String(Buffer.byteLength(body)) }),
    });

  return {
    async page(status, markup, options) {
      return answer(status, String(await markup), options, {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': policy,
        'X-Frame-Options': 'DENY',
        'Cross-Origin-Opener-Policy': 'same-origin',
      });
    },
    json: (status, body, options) =>
      answer(status, JSON.stringify(body), options, { 'Content-Type': 'application/json' }),
    nothing: () => new Response(null, { status: 204, headers: collect(undefined, {}) }),
    redirect: (location, options) => answer(303, '', options, { Location: location }),
  };
}

/** A plugin's own answer with the headers that every answer has, except where the plugin set them itself. */
export function withCommonHeaders(response: Response): Response {
  // Plugins are other people's code. `instanceof` would refuse what fetch() returns under the server's own Response class.
  if (typeof response !== 'object' || !('body' in response && 'headers' in response))
    throw new TypeError('not a Response');
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(EVERYWHERE)) if (!headers.has(name)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

function collect(options: ResponseOptions | undefined, own: Readonly<Record<string, string>>): Headers {
  const headers = new Headers({ ...EVERYWHERE, ...own, ...options?.headers });
  for (const cookie of options?.cookies ?? []) if (cookie !== null) headers.append('Set-Cookie', cookie);
  return headers;
}
