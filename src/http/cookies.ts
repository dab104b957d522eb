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

/** All values of one name in a Cookie header, in order: a cookie planted from a neighbouring host stands beside ours. */
export function cookieValues(header: string | undefined, name: string): string[] {
  const values: string[] = [];
  if (header === undefined) return values;
  for (let at = 0; at < header.length; ) {
    const semicolon = header.indexOf(';', at);
    const end = semicolon === -1 ? header.length : semicolon;
    let start = at;
    while (header.charCodeAt(start) === 0x20 || header.charCodeAt(start) === 0x09) start += 1;
    const equals = start + name.length;
    if (equals < end && header.charCodeAt(equals) === 0x3d && header.startsWith(name, start)) {
      values.push(header.slice(equals + 1, end).trimEnd());
    }
    at = end + 1;
  }
  return values;
}
