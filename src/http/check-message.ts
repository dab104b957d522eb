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

/**
 * Whether a check says that a body follows. Nobody waits for it, and a front server that hands on its client's length without
 * its body (nginx, where nothing blanks it) would have the next check taken for it: after such a check the connection ends.
 */
export function announcesBody(raw: readonly string[]): boolean {
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    if (name.length === 14) {
      if (name.toLowerCase() === 'content-length' && !/^0+$/.test(raw[at + 1] ?? '')) return true;
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') return true;
  }
  return false;
}
