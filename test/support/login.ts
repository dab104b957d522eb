import { type CookieJar, createCookieJar } from './cookie-jar.ts';
import { type Answer, ask } from './http-client.ts';

/**
 * Logs in as a person would, without a browser: opens the login page, fills in its form and sends it.
 * @param loginUrl the login page's whole URL, `rd` included
 * @returns the answer to the form (303 when it was right) and the cookies
 */
export async function logIn(
  loginUrl: string,
  username: string,
  password: string,
): Promise<{ answer: Answer; jar: CookieJar }> {
  const jar = createCookieJar();
  const page = await ask(loginUrl, { headers: { accept: 'text/html' } });
  jar.take(page);
  const fields = new URLSearchParams(hiddenFields(page.body.toString('utf8')));
  fields.set('username', username);
  fields.set('password', password);
  const { origin, pathname } = new URL(loginUrl);
  const answer = await ask(origin + pathname, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: jar.header(), origin },
    body: fields.toString(),
  });
  jar.take(answer);
  return { answer, jar };
}

function hiddenFields(page: string): [string, string][] {
  const fields: [string, string][] = [];
  for (const [input] of page.matchAll(/<input\b[^>]*>/g)) {
    if (!/\btype="?hidden\b/.test(input)) continue;
    const name = /\bname="?([\w-]+)/.exec(input)?.[1];
    const value = /\bvalue="([^"]*)"/.exec(input)?.[1] ?? '';
    if (name !== undefined) fields.push([name, unescapeHtml(value)]);
  }
  return fields;
}

function unescapeHtml(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll(/&#0*39;|&#x0*27;|&apos;/g, "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
