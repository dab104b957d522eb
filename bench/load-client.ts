import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';

/** What one run of the load saw. */
export interface Sample {
  readonly answers: number;
  readonly seconds: number;
  /** Of each answer, in ms. */
  readonly latencies: readonly number[];
}

/**
 * A keep-alive HTTP/1.1 client that costs its core a few microseconds a request, so that the server is what is measured. It can do so
 * little because it knows how much content each answer has, for most checks none: it reads no header field.
 */
export interface LoadClient {
  /** Every connection asks again as soon as it has its answer, for `duration` ms. */
  saturate(duration: number): Promise<Sample>;
  /** The same until `count` requests, at least one a connection, were asked and answered. */
  exhaust(count: number): Promise<Sample>;
  /**
   * Asks `rate` times a second until `done`, whether or not answers come. Latency counts from when a request was due, not from when a
   * connection was free for it, or a slow server would hide its own slowness.
   */
  pace(rate: number, done: Promise<unknown>): Promise<Sample>;
  close(): void;
}

export interface LoadOptions {
  readonly port: number;
  /** The next whole request. It is written at once, so the buffer may be used again when twice as many as connections were asked for. */
  readonly next: () => Buffer;
  /** What every answer must have; any other ends the run. */
  readonly status: number;
  /** Bytes of content that every answer has. */
  readonly content?: number;
  readonly connections: number;
}

interface Connection {
  readonly socket: Socket;
  /** When the request it waits for was sent or due, by `performance.now()`. */
  since: number;
  /** Whether the status line of the answer was seen. */
  begun: boolean;
  /** How much of the content is still to come; null as long as the header has not ended. */
  left: number | null;
}

/** For `LoadOptions.next`: each of the requests in turn. */
export function inTurn(requests: readonly Buffer[]): () => Buffer {
  let turn = 0;
  return () => {
    const request = requests[turn];
    turn = turn + 1 < requests.length ? turn + 1 : 0;
    if (request === undefined) throw new RangeError('no requests');
    return request;
  };
}

export async function openLoadClient({
  port,
  next,
  status,
  content = 0,
  connections,
}: LoadOptions): Promise<LoadClient> {
  let latencies: number[] = [];
  let answered: (connection: Connection) => void = () => undefined;
  let failed: (error: Error) => void = () => undefined;

  const send = (connection: Connection, since: number): void => {
    connection.since = since;
    connection.begun = false;
    connection.left = null;
    connection.socket.write(next());
  };
  const read = (connection: Connection, length: number, bytes: Uint8Array): void => {
    if (!connection.begun) {
      const got = statusOf(bytes);
      if (got !== status) {
        failed(new Error(`the answer was ${got}, not ${status}`));
        return;
      }
      connection.begun = true;
    }
    if (connection.left !== null) connection.left -= length;
    else connection.left = leftBehind(bytes, length, content);
    if (connection.left !== 0) return;
    latencies.push(performance.now() - connection.since);
    answered(connection);
  };
  const open = async (): Promise<Connection> => {
    let connection: Connection | null = null;
    const callback = (length: number, bytes: Uint8Array): boolean => {
      if (connection !== null) read(connection, length, bytes);
      return true;
    };
    const socket = createConnection({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer: Buffer.allocUnsafe(65_536), callback },
    });
    socket.on('error', (error) => failed(error));
    socket.on('end', () => failed(new Error('the server closed a connection')));
    await once(socket, 'connect');
    connection = { socket, since: 0, begun: false, left: null };
    return connection;
  };
  const all = await Promise.all(Array.from({ length: connections }, open));

  const run = (begin: (finish: () => void) => void): Promise<Sample> => {
    latencies = [];
    const started = performance.now();
    return new Promise((resolve, reject) => {
      failed = reject;
      begin(() => resolve({ answers: latencies.length, seconds: (performance.now() - started) / 1_000, latencies }));
    });
  };
  /** @param more whether one more is to be asked */
  const busily = (more: (now: number) => boolean): Promise<Sample> =>
    run((finish) => {
      let busy = all.length;
      answered = (connection) => {
        const now = performance.now();
        if (more(now)) return send(connection, now);
        busy -= 1;
        if (busy === 0) finish();
      };
      for (const connection of all) send(connection, performance.now());
    });

  return {
    saturate(duration) {
      const end = performance.now() + duration;
      return busily((now) => now < end);
    },
    exhaust(count) {
      let left = count - all.length;
      return busily(() => {
        left -= 1;
        return left >= 0;
      });
    },
    pace: (rate, done) =>
      run((finish) => {
        const idle = [...all];
        const late: number[] = [];
        let ended = false;
        let due = performance.now();
        void done.finally(() => {
          ended = true;
        });
        answered = (connection) => {
          const since = late.shift();
          if (since === undefined) idle.push(connection);
          else send(connection, since);
        };
        // Not a timer, which knows only whole milliseconds: the load generator has its core for itself and may spin.
        const tick = (): void => {
          for (const now = performance.now(); !ended && due <= now; due += 1_000 / rate) {
            const connection = idle.pop();
            if (connection === undefined) late.push(due);
            else send(connection, due);
          }
          if (ended && idle.length === all.length) finish();
          else setImmediate(tick);
        };
        tick();
      }),
    close() {
      failed = () => undefined;
      for (const { socket } of all) socket.destroy();
    },
  };
}

/** The three digits of `HTTP/1.1 200 OK`. */
function statusOf(bytes: Uint8Array): number {
  const digit = (at: number): number => (bytes[at] ?? 0) - 0x30;
  return digit(9) * 100 + digit(10) * 10 + digit(11);
}

/** How much of the content is not in the chunk in which the header ends; null where that does not end in it. */
function leftBehind(bytes: Uint8Array, length: number, content: number): number | null {
  for (let here = content; here >= 0; here -= 1) if (endsHeader(bytes, length - here)) return content - here;
  return null;
}

function endsHeader(bytes: Uint8Array, length: number): boolean {
  return (
    bytes[length - 1] === 0x0a && bytes[length - 2] === 0x0d && bytes[length - 3] === 0x0a && bytes[length - 4] === 0x0d
  );
}
