import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { portOf } from './free-port.ts';

/** What stands where gatelodge should, and how badly it does its job. */
export type Misbehaviour = 'silent' | 'status-500' | 'hangs-up' | 'garbage' | 'stops-halfway';
export interface StandIn {
  readonly port: number;
  misbehave(how: Misbehaviour): void;
  stop(): Promise<void>;
}

const SAYS: Readonly<Record<Exclude<Misbehaviour, 'silent'>, string>> = {
  'status-500': 'HTTP/1.1 500 Internal Server Error\r\nX-Auth-User: alice\r\nContent-Length: 0\r\n\r\n',
  'hangs-up': '',
  garbage: 'alice is fine, let her in\r\n\r\n',
  'stops-halfway': 'HTTP/1.1 200 OK\r\nX-Auth-User: alice\r\nX-Auth-',
};

/** Takes connections on 127.0.0.1 and misbehaves on each as soon as something is asked. */
export async function startStandIn(): Promise<StandIn> {
  let how: Misbehaviour = 'silent';
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', () => {
      if (how === 'silent') return;
      if (how === 'status-500') socket.write(SAYS[how]);
      else socket.end(SAYS[how]);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server.address()),
    misbehave(next) {
      how = next;
      for (const socket of open) socket.destroy();
    },
    async stop() {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  };
}
