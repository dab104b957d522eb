import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { PASSWORD } from './stand.ts';

/** Many people who log in at the same moment. */
export interface LoginBurst {
  /** All at once; resolves when each has a token. @throws Error where one is refused */
  logIn(): Promise<void>;
  close(): void;
}

/**
 * One connection each, made before, and one buffer each, ready before: who measures latencies meanwhile in the same thread
 * would else measure how long it takes to make the requests. (`fetch` takes 10 ms for 50 of them.)
 */
export async function openLoginBurst(port: number, usernames: readonly string[]): Promise<LoginBurst> {
  const all = await Promise.all(
    usernames.map(async (username) => {
      const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      return { socket, request: loginRequest(username) };
    }),
  );
  return {
    async logIn() {
      const answers = all.map(({ socket }) => answerOf(socket));
      for (const { socket, request } of all) socket.write(request);
      for (const status of await Promise.all(answers)) {
        if (status !== 200) throw new Error(`a login was answered ${status}`);
      }
    },
    close() {
      for (const { socket } of all) socket.destroy();
    },
  };
}

function loginRequest(username: string): Buffer {
  const body = JSON.stringify({ username, password: PASSWORD });
  const head = `POST /auth HTTP/1.1\r\nHost: auth.example.com\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
  return Buffer.from(`${head}\r\n\r\n${body}`);
}

/** The status of the next answer, when all of it is there. */
function answerOf(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    const read = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      const length = /^content-length: *(\d+)\r$/im.exec(text)?.[1];
      if (end === -1 || length === undefined || text.length < end + 4 + Number(length)) return;
      socket.off('data', read).off('close', lost);
      resolve(Number(text.slice(9, 12)));
    };
    const lost = (): void => reject(new Error('the server closed the connection of a login'));
    socket.on('data', read).on('close', lost);
  });
}
