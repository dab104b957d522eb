import { randomBytes, timingSafeEqual } from 'node:crypto';
import { cookieValues } from '../domain/cookie-header.ts';
import { deriveKey, keyedHash } from '../domain/secret.ts';
import { type CookieConfiguration, cookiesAreSecure } from './cookies.ts';

/** `foreign`: sent by another site's page. `stale`: the form or its cookie is missing or from another browser. */
export type CsrfVerdict = 'good' | 'foreign' | 'stale';

export interface Csrf {
  /** The form's hidden field, and the cookie to set where the browser has none yet. */
  issue(headers: Headers): { readonly field: string; readonly setCookie: string | null };
  check(headers: Headers, field: string | undefined): CsrfVerdict;
}

const NONCE_BYTES = 16;
const NONCE = /^[A-Za-z0-9_-]{22}$/;

/**
 * Signed double submit: a form is good together with the cookie it was made for, and only we can make one. The cookie
 * is kept as long as the browser keeps it, so that forms in several tabs all stay good. What the browser says about the
 * sender (Origin, Sec-Fetch-Site) is believed where it says no.
 */
export function createCsrf(configuration: CookieConfiguration & { readonly public_url: string }, secret: string): Csrf {
  const key = deriveKey(secret, 'csrf');
  const secure = cookiesAreSecure(configuration);
  const name = `${secure ? '__Host-' : ''}${configuration.cookie.name}-csrf`;
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  const origin = new URL(configuration.public_url).origin;

  const nonces = (headers: Headers) =>
    cookieValues(headers.get('cookie') ?? '', name).filter((value) => NONCE.test(value));

  return {
    issue(headers) {
      const [present] = nonces(headers);
      const nonce = present ?? randomBytes(NONCE_BYTES).toString('base64url');
      return {
        field: keyedHash(key, nonce),
        setCookie: present === undefined ? `${name}=${nonce}; ${attributes}` : null,
      };
    },

    check(headers, field) {
      // `null` is what sandboxed frames and redirected posts say: not ours.
      const from = headers.get('origin');
      if (from !== null && from !== origin) return 'foreign';
      const site = headers.get('sec-fetch-site');
      if (site !== null && site !== 'same-origin' && site !== 'none') return 'foreign';
      if (field === undefined) return 'stale';
      return nonces(headers).some((nonce) => sameText(keyedHash(key, nonce), field)) ? 'good' : 'stale';
    },
  };
}

function sameText(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
