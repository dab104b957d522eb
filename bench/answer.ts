import { once } from 'node:events';
import { createConnection } from 'node:net';

/** An answer as it came, to be given again. */
export interface RecordedAnswer {
  readonly status: number;
  /** Names and values in turn, without those that every `node:http` server adds by itself. */
  readonly headers: readonly string[];
}

const ADDED_BY_NODE = new Set(['date', 'connection', 'keep-alive']);

/**
 * Sends one whole request on a connection of its own and takes the answer down.
 * @throws where the answer has content: the load client could not tell where it ends
 */
export async function recordAnswer(port: number, request: Buffer): Promise<RecordedAnswer> {
  const socket = createConnection(port, '127.0.0.1');
  socket.write(request);
  let text = '';
  while (!text.includes('\r\n\r\n')) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]; // 'data' of a socket without an encoding is one Buffer
    text += chunk.toString('latin1');
  }
  socket.destroy();
  const [head = '', content] = text.split('\r\n\r\n', 2);
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = lines.flatMap((line) => {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    return ADDED_BY_NODE.has(name.toLowerCase()) ? [] : [name, line.slice(colon + 1).trim()];
  });
  const length = headers[headers.findIndex((name, at) => at % 2 === 0 && name.toLowerCase() === 'content-length') + 1];
  if (content !== '' || length !== '0') throw new Error(`an answer to a check has content: ${statusLine}`);
  return { status: Number(statusLine.split(' ')[1]), headers };
}
