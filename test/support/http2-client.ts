import { once } from 'node:events';
import { connect } from 'node:http2';

/** Asks over HTTP/2, as `ask` does over HTTP/1.1, and resolves to the status. Rejects where the server does not speak it. */
export async function askHttp2(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const { host, hostname, port, pathname, search } = new URL(url);
  const session = connect(`https://127.0.0.1:${port}`, { servername: hostname, rejectUnauthorized: false });
  try {
    const stream = session.request({ ...headers, ':path': pathname + search, ':authority': host });
    const [answer] = await once(stream, 'response');
    stream.resume();
    await once(stream, 'end');
    return Number(answer[':status']);
  } finally {
    session.destroy();
  }
}
