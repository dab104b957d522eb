/** The URL to go on to, as it stands, or null where it is none that we lead to. Non-ASCII is percent-encoded. */
export type SafeRedirect = (raw: string | null) => string | null;

/** Front servers' own limit for a header line; a longer Location would be a 502 there. */
const LONGEST = 8_192;
const ABSOLUTE = /^(https?):\/\/([^/?#]*)/i;
const PATTERN = /^(https?):\/\/(\*\.)?([^:]+)(?::(\d+))?$/;

interface AllowedOrigin {
  readonly scheme: string;
  readonly anyBelow: boolean;
  readonly host: string;
  readonly port: string;
}

/**
 * Judges where login and logout may lead. Allowed are paths and URLs of `publicUrl`'s origin and the origins of
 * `allowed_redirects`; never login or logout themselves, which would go round in circles.
 */
export function createSafeRedirect(options: {
  readonly publicUrl: string;
  readonly allowedRedirects: readonly string[];
}): SafeRedirect {
  const own = new URL(options.publicUrl);
  const base = own.pathname.replace(/\/+$/, '');
  const allowed = options.allowedRedirects.map(parsePattern);

  const isOwnForm = (url: URL) => {
    if (url.origin !== own.origin) return false;
    const path = percentDecode(url.pathname).replace(/\/+$/, '');
    return path === `${base}/login` || path === `${base}/logout`;
  };

  return (raw) => {
    if (raw === null) return null;
    const text = toAscii(Buffer.from(raw).toString('latin1'));
    // Browsers drop tabs and line breaks inside a URL and blanks around it, and so see another URL than we do.
    if (text.length > LONGEST || !/^[\x21-\x7e]+$/.test(text)) return null;
    // They also read a backslash as a slash, though not in the query, where it is data.
    if (/^[^?]*\\/.test(text)) return null;
    if (text.startsWith('/')) {
      const url = text.startsWith('//') ? null : URL.parse(text, own);
      return url === null || url.origin !== own.origin || isOwnForm(url) ? null : text;
    }
    const [, scheme, authority] = ABSOLUTE.exec(text) ?? [];
    const url = URL.parse(text);
    if (url === null || scheme === undefined || authority === undefined) return null;
    // What we read as the host must be what a browser reads as the host: no user name, no encoded or odd spelling.
    const port = url.port === '' ? standardPort(url.protocol) : url.port;
    const spelled = authority.toLowerCase();
    if (spelled !== url.host && spelled !== `${url.hostname}:${port}`) return null;
    const good = url.origin === own.origin || allowed.some((origin) => covers(origin, url, port));
    return good && !isOwnForm(url) ? text : null;
  };
}

/**
 * The `rd` parameter of a raw request target; null where there is none. A value that begins with http:// or https:// was
 * not percent-encoded, so its own `&` parameters look like ours: it is taken with the whole rest of the query.
 * A plus sign is itself: a blank cannot stand in a URL.
 */
export function readRedirect(target: string): string | null {
  const question = target.indexOf('?');
  if (question === -1) return null;
  const query = target.slice(question + 1);
  for (let at = 0; at !== -1 && at < query.length; ) {
    const end = query.indexOf('&', at);
    if (query.startsWith('rd=', at)) {
      const rest = query.slice(at + 3);
      if (/^https?:\/\//i.test(rest)) return rest;
      return toAscii(percentDecode(query.slice(at + 3, end === -1 ? undefined : end)));
    }
    at = end === -1 ? -1 : end + 1;
  }
  return null;
}

/**
 * The parameter that `readRedirect` reads.
 * @param url a character for each byte, as header fields come: some clients send a query's letters as they are
 */
export function redirectParameter(url: string): string {
  const encoded = /[\x80-\xff]/.test(url)
    ? url.replace(/[^\x80-\xff]+|[\x80-\xff]/g, (part) => (part < '\x80' ? encodeURIComponent(part) : toAscii(part)))
    : encodeURIComponent(url);
  return `rd=${encoded}`;
}

function parsePattern(pattern: string): AllowedOrigin {
  const [, scheme = '', star, host = '', port] = PATTERN.exec(pattern) ?? [];
  return {
    scheme: `${scheme}:`,
    anyBelow: star !== undefined,
    host: host.toLowerCase(),
    port: port ?? standardPort(`${scheme}:`),
  };
}

function covers(origin: AllowedOrigin, url: URL, port: string): boolean {
  if (url.protocol !== origin.scheme || port !== origin.port || origin.host === '') return false;
  if (!origin.anyBelow) return url.hostname === origin.host;
  const suffix = `.${origin.host}`;
  return url.hostname.length > suffix.length && url.hostname.endsWith(suffix) && !url.hostname.startsWith('.');
}

function standardPort(protocol: string): string {
  return protocol === 'https:' ? '443' : '80';
}

/** To bytes, each as one character; what is no good percent-encoding stays as it is. */
function percentDecode(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Bytes beyond ASCII (a character each) percent-encoded, as RFC 3986 wants them in a URL. */
function toAscii(bytes: string): string {
  return bytes.replace(/[^\0-\x7f]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
