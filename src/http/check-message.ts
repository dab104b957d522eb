import { IncomingMessage } from 'node:http';

/**
 * A check reads its header fields from the wire (`rawHeaders`), so the object that Node makes of all of them, a seventh of
 * what a bare answer costs, is made of no more than the server itself looks at. Every other request has all of them.
 */
export class CheckMessage extends IncomingMessage {}

const ordinary = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, 'headers');

// On the prototype and not in the class: there it would hide Node's own accessor, and TypeScript has `headers` as a field.
if (ordinary !== undefined) {
  Object.defineProperty(CheckMessage.prototype, 'headers', {
    ...ordinary,
    get(this: CheckMessage) {
      if (!isCheck(this.url ?? '')) return ordinary.get?.call(this);
      const headers = readByServer(this.rawHeaders);
      Object.defineProperty(this, 'headers', { value: headers });
      return headers;
    },
  });
}

/** Whether a request target is below `/validate`: exactly, since a base path may begin like it. */
export function isCheck(url: string): boolean {
  return url.startsWith('/validate') && (url.length === 9 || url.charCodeAt(9) === 0x2f || url.charCodeAt(9) === 0x3f);
}

/** `Host`, without which HTTP/1.1 is refused, and `Expect`, which wants an answer before the body. */
function readByServer(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    if (name.length !== 4 && name.length !== 6) continue;
    const lower = name.toLowerCase();
    if (lower === 'host' || lower === 'expect') headers[lower] = raw[at + 1] ?? '';
  }
  return headers;
}
