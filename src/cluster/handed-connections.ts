import type { Worker } from 'node:cluster';

/** A connection that this process has accepted and keeps until a worker has said that it took it. */
interface Connection {
  close(): void;
}

/** How Node.js's cluster module hands a connection over, and what comes back. It is not documented: what is not in this form is let pass. */
interface HandOver {
  readonly cmd: 'NODE_CLUSTER';
  readonly act?: string;
  readonly seq?: number;
  readonly ack?: number;
}

/**
 * Gives connections to another worker that were on their way to this one when it died. Node.js forgets them: neither
 * answered nor closed, their clients would wait until they give up (nodejs/node#21746).
 * @param others whether any other worker takes connections
 */
export function keepHandedConnections(worker: Worker, others: () => boolean): void {
  const child = worker.process;
  const handed = new Map<number, Connection>();
  // It is called with one set of parameters or another; all of them are passed on.
  const send = child.send.bind(child) as (...parameters: readonly unknown[]) => boolean;
  child.send = (...parameters: readonly unknown[]) => {
    const [message, connection] = parameters;
    if (isHandOver(message) && message.act === 'newconn' && message.seq !== undefined && isConnection(connection))
      handed.set(message.seq, connection);
    return send(...parameters);
  };
  child.on('internalMessage', (message: unknown) => {
    if (isHandOver(message) && message.ack !== undefined) handed.delete(message.ack);
  });
  // Node.js waits for a dead worker's word about what was on its way to it, and so never takes it out of the round.
  const giveBack = () => {
    worker.disconnect();
    for (const [seq, connection] of [...handed]) {
      handed.delete(seq);
      // What a worker says that is about to end: Node.js then asks the next one.
      if (others()) child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: seq, accepted: false });
      else connection.close();
    }
  };
  // A whole turn of the event loop later everything is read that it had still said.
  child.once('exit', () => setImmediate(() => setImmediate(giveBack)));
}

function isHandOver(message: unknown): message is HandOver {
  return typeof message === 'object' && message !== null && 'cmd' in message && message.cmd === 'NODE_CLUSTER';
}

function isConnection(handle: unknown): handle is Connection {
  return typeof handle === 'object' && handle !== null && 'close' in handle && typeof handle.close === 'function';
}
