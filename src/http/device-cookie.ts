import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../domain/clock.ts';
import { cookieValues } from '../domain/cookie-header.ts';
import { deriveKey, keyedHash } from '../domain/secret.ts';
import { type CookieConfiguration, cookiesAreSecure } from './cookies.ts';

/**
 * Remembers a browser in which somebody has logged in, so that whoever locks the account from elsewhere does not lock out
 * its owner (OWASP calls it a device cookie). It lets nobody in: it gives failures of this browser a tally of their own.
 */
export interface DeviceCookie {
  /** The browser's id, where it has logged in with this name; null elsewhere. */
  read(headers: Headers, username: string): string | null;
  /** A Set-Cookie value for a browser that has just logged in. Whoever has an id keeps it, and its tally. */
  issue(headers: Headers, username: string): string;
}

/** A year, in seconds. */
const LIFETIME = 31_536_000;
const ID_BYTES = 12;
/** Id, when it was made (seconds since the epoch), and the signature over both and the name. */
const FORM = /^([A-Za-z0-9_-]{16})\.(\d{1,12})\.([A-Za-z0-9_-]{43})$/;

export function createDeviceCookie(configuration: CookieConfiguration, secret: string, clock: Clock): DeviceCookie {
  const key = deriveKey(secret, 'device');
  const secure = cookiesAreSecure(configuration);
  const name = `${secure ? '__Host-' : ''}${configuration.cookie.name}-device`;
  const attributes = `Path=/; Max-Age=${LIFETIME}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  const seconds = () => Math.floor(clock() / 1_000);
  const sign = (id: string, made: number, username: string) => keyedHash(key, `${id}\0${made}\0${username}`);

  function read(headers: Headers, username: string): string | null {
    for (const value of cookieValues(headers.get('cookie') ?? '', name)) {
      const [, id, made, signature] = FORM.exec(value) ?? [];
      if (id === undefined || made === undefined || signature === undefined) continue;
      if (seconds() - Number(made) >= LIFETIME) continue;
      const expected = Buffer.from(sign(id, Number(made), username));
      // Both are 43 characters, or FORM would not have matched.
      if (timingSafeEqual(expected, Buffer.from(signature))) return id;
    }
    return null;
  }

  return {
    read,
    issue(headers, username) {
      const id = read(headers, username) ?? randomBytes(ID_BYTES).toString('base64url');
      const made = seconds();
      return `${name}=${id}.${made}.${sign(id, made, username)}; ${attributes}`;
    },
  };
}
