import cluster from 'node:cluster';
import type { ToPrimary, ToWorker } from './messages.ts';

/** The process that started this one. */
export interface Primary {
  send(message: ToPrimary, sent?: (error: Error | null) => void): void;
  onMessage(listener: (message: ToWorker) => void): void;
  /** From now on this process ends when it has nothing more to do: listening for messages has kept it alive. */
  leave(): void;
}

/** null where this process is nobody's worker. */
export function primaryOf(): Primary | null {
  if (!cluster.isWorker) return null;
  return {
    send(message, sent = () => {}) {
      if (process.send === undefined || !process.connected) sent(new Error('not connected'));
      else process.send(message, undefined, undefined, sent);
    },
    // Nobody but the primary, which is this same program, is at the other end.
    onMessage: (listener) => void process.on('message', (message) => listener(message as ToWorker)),
    leave: () => process.channel?.unref(),
  };
}
