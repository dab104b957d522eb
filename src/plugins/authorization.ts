/** The Authorization header taken apart (RFC 9110 section 11.6.2): the scheme in lower case and the rest. */
export interface Authorization {
  readonly scheme: string;
  readonly credentials: string;
}

/** null where the header is missing; a header without a blank has a scheme and no credentials. */
export function readAuthorization(header: string | undefined): Authorization | null {
  if (header === undefined) return null;
  const blank = header.indexOf(' ');
  if (blank === -1) return { scheme: header.toLowerCase(), credentials: '' };
  return { scheme: header.slice(0, blank).toLowerCase(), credentials: header.slice(blank + 1).trim() };
}

/** The credentials of `Authorization: Bearer` (RFC 6750 section 2.1); null where there are none. */
export function bearerToken(header: string | undefined): string | null {
  // Nearly every token comes as `Bearer …`, and this is on the way of every check.
  if (header === undefined) return null;
  if (header.startsWith('Bearer ') && header.charCodeAt(7) !== 0x20) return header.slice(7);
  const authorization = readAuthorization(header);
  return authorization?.scheme === 'bearer' ? authorization.credentials : null;
}

/** User name and password of `Authorization: Basic` (RFC 7617 section 2, in UTF-8); null where it is anything else. */
export function basicCredentials(authorization: Authorization): { username: string; password: string } | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(authorization.credentials)) return null;
  let text: string;
  try {
    text = utf8.decode(Buffer.from(authorization.credentials, 'base64'));
  } catch {
    return null;
  }
  const colon = text.indexOf(':');
  return colon === -1 ? null : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
