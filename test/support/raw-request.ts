import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

/**
 * Sends exactly these bytes and returns everything that comes back, one character a byte, until the other side closes or `until` stands in it.
 * For what an HTTP client would tidy up.
 * @param servername TLS with this server name; without it plain TCP
 */
export function rawRequest(
  port: number,
  bytes: string,
  { servername, until }: { servername?: string; until?: string } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket =
      servername === undefined
        ? connect(port, '127.0.0.1')
        : connectTls({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
    let answer = '';
    const finish = (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(10_000, () => socket.destroy(new Error(`no end of the answer: ${answer.slice(0, 500)}`)));
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      if (until !== undefined && answer.includes(until)) finish();
    });
    socket.on('end', finish);
    socket.on('error', (error: NodeJS.ErrnoException) => (answer === '' ? reject(error) : finish()));
    socket.on(servername === undefined ? 'connect' : 'secureConnect', () => socket.write(bytes, 'latin1'));
  });
}

/** The status code of a raw answer; 0 where there is none. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? 0);
}
