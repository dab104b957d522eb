import { nearName } from './near-name.ts';

/** What clients send: RFC 9110, WebDAV and its kin, and a few older ones that servers still take. */
const REGISTERED = `
  ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE
  NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE
  UNBIND UNLINK UNLOCK UNSUBSCRIBE
`
  .trim()
  .split(/\s+/);

/**
 * A misspelt method would never come, and the rule would silently not hold. Methods that nobody has registered are taken as they
 * stand, unless they are next to one that somebody has.
 * @returns what is wrong with the name, or null
 */
export function whyNoMethod(method: string): string | null {
  if (REGISTERED.includes(method)) return null;
  if (REGISTERED.includes(method.toUpperCase())) return 'methods are case-sensitive: write it in capitals';
  if (/^(?:\*|any|all)$/i.test(method)) return 'no such method: a rule without `methods` is about every method';
  // One keystroke, or letters in another order: LIST, which some services have, is two from LINK.
  const letters = (text: string) => [...text].toSorted().join('');
  const near = REGISTERED.find((known) => letters(known) === letters(method)) ?? nearName(method, REGISTERED, 1);
  return near === null ? null : `no such method: did you mean ${near}?`;
}
