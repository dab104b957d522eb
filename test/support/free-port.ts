import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below those that systems give to whoever does not care (32768 on Linux, 49152 elsewhere): among them, a port that was free a moment
 * ago may be the near end of another test's connection by the time a program listens. No `fetch` refuses a port in here.
 */
const [FIRST, END] = [11_000, 32_000];

/** A TCP port on 127.0.0.1 that was free a moment ago, for programs that must be told their port. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    server.listen(randomInt(FIRST, END), '127.0.0.1');
    const taken = await once(server, 'listening').then(
      () => false,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE') return true;
        throw error;
      },
    );
    if (taken) continue;
    const port = portOf(server.address());
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** The port of a listening TCP server's `address()`. */
export function portOf(address: string | { port: number } | null): number {
  if (address === null || typeof address === 'string') throw new Error('not listening on TCP');
  return address.port;
}
