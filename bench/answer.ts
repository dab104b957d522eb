import { once } from 'node:events';
import { createConnection } from 'node:net';

/** An answer as it came, to be given again. */
export interface RecordedAnswer {
  readonly status: number;
  /** Names and values in turn, without those that every `node:http` server adds by itself. */
  readonly headers: readonly string[];
}
/** An answer of anybody's. */
export interface SeenAnswer extends RecordedAnswer {
  /** Bytes of its content. */
  readonly content: number;
}

const ADDED_BY_NODE = new Set(['date', 'connection', 'keep-alive']);

/**
 * Takes down the answer that the bare server is to give as well.
 * @throws where it has content, which a check's answer needs not and which would cost the bare server too
 */
export async function recordAnswer(port: number, request: Buffer): Promise<RecordedAnswer> {
  const { status, headers, content } = await seeAnswer(port, request);
  if (content !== 0) throw new Error(`an answer to a check has content: ${status}`);
  return { status, headers };
}

/**
 * Sends one whole request on a connection of its own.
 * @throws where the answer does not say how long it is: the load client could not tell where it ends
 */
export async function seeAnswer(port: number, request: Buffer): Promise<SeenAnswer> {
  const socket = createConnection(port, '127.0.0.1');
  socket.write(request);
  let text = '';
  while (!text.includes('\r\n\r\n')) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]; // 'data' of a socket without an encoding is one Buffer
    text += chunk.toString('latin1');
  }
  socket.destroy();
  const [head = ''] = text.split('\r\n\r\n', 1);
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = lines.flatMap((line) => {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    return ADDED_BY_NODE.has(name.toLowerCase()) ? [] : [name, line.slice(colon + 1).trim()];
  });
  const length = headers.findIndex((name, at) => at % 2 === 0 && name.toLowerCase() === 'content-length');
  if (length < 0) throw new Error(`an answer has no Content-Length: ${statusLine}`);
  return { status: Number(statusLine.split(' ')[1]), headers, content: Number(headers[length + 1]) };
}
