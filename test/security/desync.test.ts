import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { APP, type Service, startService } from './service.ts';
import { checkBytes, exchange, viaNginx } from './wire.ts';

let service: Service;
beforeAll(async () => {
  service = await startService(`
auth_plugins: {session: {}, basic: {}}
paths:
  - {path: /public, authenticate: false}
  - {path: /}
`);
});
afterAll(() => service.stop());

/** Sends one after the other, each when the one before was answered; what came back until the other side closed. */
function inTurn(parts: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(service.port, '127.0.0.1');
    let text = '';
    let sent = 0;
    const next = () => {
      const part = parts[sent];
      sent += 1;
      if (part !== undefined) socket.write(part, 'latin1');
    };
    socket.on('connect', next);
    socket.on('data', (data: Buffer) => {
      text += data.toString('latin1');
      next();
    });
    socket.setTimeout(5_000, () => socket.destroy(new Error(`left open after ${text}`)));
    socket.on('close', () => resolve(text));
    socket.on('error', (error) => ('code' in error && text !== '' ? resolve(text) : reject(error)));
  });
}

/*
 * nginx hands a check its client's Content-Length unless it is told not to, and never the body; then it uses the connection
 * again. The next check would be eaten as the body, up to where the client wants it to begin.
 */
describe('a check that announces a body which does not come', () => {
  it('has no say in where the next check on its connection begins', async () => {
    const attackers = 'X-Rest: GET /validate HTTP/1.1';
    const rest = [
      'Host: gatelodge',
      ...['Method: GET', 'Proto: https', 'Host: app.example.com', 'Uri: /public'].map((one) => `X-Forwarded-${one}`),
    ];
    const next = checkBytes([...viaNginx(`${APP}/secret`), attackers, ...rest]);
    const eaten = next.indexOf('GET /validate HTTP/1.1', 10);
    const first = checkBytes([...viaNginx(`${APP}/public`), `Content-Length: ${eaten}`]);
    expect((await inTurn([first, next])).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
  });

  it.each(['Content-Length: 1', 'content-length: 0010', 'Transfer-Encoding: chunked'])(
    'ends its connection: %s',
    async (line) => {
      const [answer] = await exchange(service.port, checkBytes([...viaNginx(`${APP}/public`), line]));
      expect(answer?.status).toBe(200);
      expect(answer?.header('connection')).toEqual(['close']);
    },
  );

  it('costs nobody a connection who announces none', async () => {
    const check = checkBytes([...viaNginx(`${APP}/public`), 'Content-Length: 0']);
    const answers = await exchange(service.port, check.repeat(3), { answers: 3 });
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  });
});
