/**
 * All values that a Cookie header gives one name, in order (RFC 6265 section 5.4: there may be several, and nobody can tell
 * which host set which).
 */
export function cookieValues(header: string, name: string): string[] {
  const values: string[] = [];
  let at = 0;
  while (at < header.length) {
    let end = header.indexOf(';', at);
    if (end === -1) end = header.length;
    while (header.charCodeAt(at) === 0x20) at += 1;
    if (header.startsWith(name, at) && header.charCodeAt(at + name.length) === 0x3d) {
      values.push(header.slice(at + name.length + 1, end).trimEnd());
    }
    at = end + 1;
  }
  return values;
}
