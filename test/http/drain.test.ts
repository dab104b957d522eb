import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { listenAt } from '../../src/http/listener.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

async function stage() {
  const server = createServer((_message, response) => response.end('answered'));
  const { address, stop } = await listenAt(server, { host: '127.0.0.1', port: 0 });
  const open = async (): Promise<{ socket: Socket; said: () => string; closed: Promise<unknown> }> => {
    const socket = connect(Number(new URL(address).port), '127.0.0.1');
    let said = '';
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const closed = once(socket, 'close');
    await once(socket, 'connect');
    return { socket, said: () => said, closed };
  };
  return { stop, open };
}

it('answers a request on a connection that was made before it was told to stop, then closes', async () => {
  const { stop, open } = await stage();
  const [fresh, used] = [await open(), await open()];
  used.socket.write(REQUEST);
  await sleep(50);
  const stopped = stop(5_000);
  await sleep(100);
  fresh.socket.write(REQUEST);
  await stopped;
  await Promise.all([fresh.closed, used.closed]);
  expect(fresh.said()).toMatch(/^HTTP\/1\.1 200 .*answered/s);
});

it('does not wait long for connections that send nothing', async () => {
  const { stop, open } = await stage();
  const { closed } = await open();
  const began = performance.now();
  await stop(5_000);
  await closed;
  expect(performance.now() - began).toBeLessThan(4_000);
});

it('ends everything at the deadline', async () => {
  const { stop, open } = await stage();
  const { socket, closed } = await open();
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nContent-');
  await sleep(30);
  const began = performance.now();
  await stop(200);
  await closed;
  expect(performance.now() - began).toBeLessThan(8_000);
});
