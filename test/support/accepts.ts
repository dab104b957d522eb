import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Whether something listens on the port of 127.0.0.1. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** Whether the port of 127.0.0.1 has a certificate for the name. */
export function handshakes(port: number, servername: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTls({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
    socket.on('secureConnect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
