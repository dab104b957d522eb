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
 * little because answers to checks have no content: they end where their header ends.
 */
export interface LoadClient {
  /** Every connection asks again as soon as it has its answer, for `duration` ms. */
  saturate(duration: number): Promise<Sample>;
  /**
   * Asks `rate` times a second until `done`, whether or not answers come. Latency counts from when a request was due, not from when a
   * connection was free for it, or a slow server would hide its own slowness.
   */
  pace(rate: number, done: Promise<unknown>): Promise<Sample>;
  close(): void;
}

export interface LoadOptions {
  readonly port: number;
  /** Whole requests, asked in turn. */
  readonly requests: readonly Buffer[];
  /** What every answer must have; any other ends the run. */
  readonly status: number;
  readonly connections: number;
}

interface Connection {
  readonly socket: Socket;
  /** When the request it waits for was sent or due, by `performance.now()`. */
  since: number;
  /** Whether the status line of the answer was seen. */
  begun: boolean;
}

export async function openLoadClient({ port, requests, status, connections }: LoadOptions): Promise<LoadClient> {
  let turn = 0;
  let latencies: number[] = [];
  let answered: (connection: Connection) => void = () => undefined;
  let failed: (error: Error) => void = () => undefined;

  const send = (connection: Connection, since: number): void => {
    const request = requests[turn];
    turn = turn + 1 < requests.length ? turn + 1 : 0;
    if (request === undefined) throw new RangeError('no requests');
    connection.since = since;
    connection.begun = false;
    connection.socket.write(request);
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
    if (!endsHeader(bytes, length)) return;
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
    connection = { socket, since: 0, begun: false };
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

  return {
    saturate: (duration) =>
      run((finish) => {
        const end = performance.now() + duration;
        let busy = all.length;
        answered = (connection) => {
          const now = performance.now();
          if (now < end) return send(connection, now);
          busy -= 1;
          if (busy === 0) finish();
        };
        for (const connection of all) send(connection, performance.now());
      }),
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

function endsHeader(bytes: Uint8Array, length: number): boolean {
  return (
    bytes[length - 1] === 0x0a && bytes[length - 2] === 0x0d && bytes[length - 3] === 0x0a && bytes[length - 4] === 0x0d
  );
}
