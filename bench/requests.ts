/** A check as nginx asks it with the recipes in deploy/nginx: its own header fields, then those of the client. */
export interface Check {
  readonly host: string;
  readonly target: string;
  readonly client: 'browser' | 'program';
  /** Header fields with the credential. */
  readonly credential: Readonly<Record<string, string>>;
}

const BROWSER = {
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language': 'en-US,en;q=0.7,de;q=0.3',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  Referer: 'https://app.example.com/orders?page=2',
  'Upgrade-Insecure-Requests': '1',
  'Sec-Fetch-Dest': 'document',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Site': 'same-origin',
  'Sec-Fetch-User': '?1',
};
const PROGRAM = {
  'User-Agent': 'orders-sync/4.2 (linux; amd64)',
  Accept: 'application/json',
  'Accept-Language': 'en',
  'Accept-Encoding': 'gzip',
  'Content-Type': 'application/json',
  'X-Request-Id': '5f0c5a6e9a1b4c39',
  Traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
};
/** What else is in a browser's cookie jar. */
export const OTHER_COOKIES = '_ga=GA1.1.1184561210.1763800000; theme=dark; csrftoken=k3WqHn0x0YVq7yH2bqYyQvT4';

/** The whole request, 14 to 19 header fields. `path` is where the service takes checks. */
export function checkRequest(check: Check, path = '/validate/nginx'): Buffer {
  const { host, target } = check;
  return wholeRequest(path, {
    'X-Original-URL': `https://${host}${target}`,
    'X-Original-Method': 'GET',
    Host: host,
    'X-Forwarded-Host': host,
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-For': '203.0.113.7',
    ...clientFields(check),
  });
}

/** What the client sends to the front server, which makes the check of it. */
export function clientRequest(check: Check): Buffer {
  return wholeRequest(check.target, { Host: check.host, ...clientFields(check) });
}

function clientFields({ client, credential }: Check): Readonly<Record<string, string>> {
  return { ...(client === 'browser' ? { ...BROWSER, Cookie: OTHER_COOKIES } : PROGRAM), ...credential };
}

function wholeRequest(target: string, fields: Readonly<Record<string, string>>): Buffer {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
}
