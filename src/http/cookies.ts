import type { Configuration } from '../config/schema.ts';

/** The configuration after the default of `public_url` was filled in. */
export type CookieConfiguration = Pick<Configuration, 'cookie' | 'public_url'>;

export function cookiesAreSecure(configuration: CookieConfiguration): boolean {
  const { secure } = configuration.cookie;
  return secure === 'auto' ? configuration.public_url?.toLowerCase().startsWith('https:') === true : secure;
}

/** The prefixes make browsers refuse a cookie that another host or a plain connection planted (RFC 6265bis section 4.1.3). */
export function sessionCookieName(configuration: CookieConfiguration): string {
  const { name, domain } = configuration.cookie;
  if (!cookiesAreSecure(configuration)) return name;
  return `${domain === null ? '__Host-' : '__Secure-'}${name}`;
}

/** A Set-Cookie value. @param maxAge in ms; null for a cookie that ends with the browser */
export function sessionCookie(configuration: CookieConfiguration, value: string, maxAge: number | null): string {
  const { domain, same_site: sameSite } = configuration.cookie;
  return [
    `${sessionCookieName(configuration)}=${value}`,
    'Path=/',
    ...(domain === null ? [] : [`Domain=${domain.replace(/^\./, '')}`]),
    ...(maxAge === null ? [] : [`Max-Age=${Math.floor(maxAge / 1_000)}`]),
    'HttpOnly',
    ...(cookiesAreSecure(configuration) ? ['Secure'] : []),
    `SameSite=${sameSite.charAt(0).toUpperCase()}${sameSite.slice(1)}`,
  ].join('; ');
}

/** The Set-Cookie value that makes the browser forget the session. */
export function clearedSessionCookie(configuration: CookieConfiguration): string {
  return sessionCookie(configuration, '', 0);
}
