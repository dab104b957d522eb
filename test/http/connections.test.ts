import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { boundConnections, mostConnections } from '../../src/http/connections.ts';
import { portOf } from '../support/free-port.ts';
import { moment } from '../support/moment.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const FORM = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n';
const opened: (Server | Socket)[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) 'closeAllConnections' in one ? one.close().closeAllConnections() : one.destroy();
});

interface Client {
  /** Resolves when so much of the answers has come. */
  send(text: string, until: string): Promise<void>;
  readonly closed: boolean;
}

/** A server that holds four connections. */
async function stage(answer: RequestListener = (_message, response) => response.end('answered')) {
  let gone = 0;
  const server = createServer((message, response) => {
    if (!message.socket.destroyed) answer(message, response);
  });
  boundConnections(server, 4, (count) => {
    gone += count;
  });
  opened.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  const open = async (): Promise<Client> => {
    const socket = connect(portOf(server.address()), '127.0.0.1');
    opened.push(socket);
    let said = '';
    let closed = false;
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      closed = true;
    });
    // Accepted, not only in the system's queue: the next one comes after it.
    await Promise.all([once(server, 'connection'), once(socket, 'connect')]);
    return {
      async send(text, until) {
        socket.write(text);
        while (!said.includes(until)) await once(socket, 'data');
        said = '';
      },
      get closed() {
        return closed;
      },
    };
  };
  return { open, gone: () => gone };
}
/** What is closed by the other side is seen a moment later. */
const soon = () => moment(100);
const closedOf = async (clients: readonly Client[]) => {
  await soon();
  return clients.map(({ closed }) => closed);
};

it('closes for a new connection whoever has sent nothing for longest', async () => {
  const { open, gone } = await stage();
  const used = await open();
  await used.send(REQUEST, 'answered');
  const silent = [await open(), await open(), await open()];
  await moment(150);
  const next = await open();
  expect(await closedOf([used, ...silent, next])).toEqual([false, true, false, false, false]);
  await next.send(REQUEST, 'answered');
  expect(gone()).toBe(1);
});

it('closes none whose request may be here already, where anybody else can go', async () => {
  const { open } = await stage();
  const used: Client[] = [];
  for (let count = 0; count < 3; count += 1) {
    const client = await open();
    await client.send(REQUEST, 'answered');
    used.push(client);
  }
  const newcomers = [await open(), await open(), await open(), await open()];
  expect(await closedOf([...used, ...newcomers])).toEqual([true, true, true, false, false, false, false]);
  await Promise.all(newcomers.map((client) => client.send(REQUEST, 'answered')));
});

it('closes then who still sends, then who has been idle for longest', async () => {
  const { open } = await stage();
  const clients: Client[] = [];
  for (let count = 0; count < 4; count += 1) clients.push(await open());
  const [first, second, third, fourth] = clients;
  for (const client of [second, first, third]) await client?.send(REQUEST, 'answered');
  // Answered already, and its body never comes.
  await fourth?.send(FORM, 'answered');
  const fifth = await open();
  await fifth.send(REQUEST, 'answered');
  expect(await closedOf(clients)).toEqual([false, false, false, true]);
  const sixth = await open();
  expect(await closedOf(clients)).toEqual([false, true, false, true]);
  await sixth.send(REQUEST, 'answered');
  await first?.send(REQUEST, 'answered');
  await open();
  expect(await closedOf([...clients, fifth, sixth])).toEqual([false, true, true, true, false, false]);
});

it('never closes what is being answered: then the new one has to go', async () => {
  const finish: (() => void)[] = [];
  const { open } = await stage((_message, response) => finish.push(() => response.end('answered')));
  const clients: Client[] = [];
  const answers: Promise<void>[] = [];
  for (let count = 0; count < 4; count += 1) {
    const client = await open();
    clients.push(client);
    answers.push(client.send(REQUEST, 'answered'));
  }
  while (finish.length < 4) await soon();
  const late = await open();
  expect(await closedOf([...clients, late])).toEqual([false, false, false, false, true]);
  for (const one of finish) one();
  await Promise.all(answers);
});

it('begins no more than a few requests that are sent ahead, and gives such a connection up', async () => {
  let begun = 0;
  const { open } = await stage((_message, response) => {
    begun += 1;
    setTimeout(() => response.end('answered'), 20);
  });
  const [greedy, modest] = [await open(), await open()];
  await modest.send(REQUEST.repeat(4), 'answered');
  expect(begun).toBe(4);
  void greedy.send(REQUEST.repeat(1_000), 'never').catch(() => {});
  await vi.waitFor(() => expect(greedy.closed).toBe(true), 10_000);
  expect(modest.closed).toBe(false);
  expect(begun).toBeLessThan(20);
});

it('shares out the files that the system allows', () => {
  expect(mostConnections(1)).toBeGreaterThan(100);
  expect(mostConnections(4)).toBeLessThanOrEqual(mostConnections(1) / 4);
});
