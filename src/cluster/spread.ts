import { GatelodgeError } from '../domain/errors.ts';
import type { Primary } from './worker.ts';

/**
 * Has the other workers catch up with what this one has committed. What is revoked is refused by all of them when whoever
 * revoked it is told so, and none of them reads anything for a check.
 * @returns a function that rejects with `store-unavailable` where one does not answer: it may go on with what it knew
 */
export function createSpread(primary: Primary): () => Promise<void> {
  let last = 0;
  const waiting = new Map<number, (well: boolean) => void>();
  primary.onMessage((message) => {
    if (message.kind !== 'spread-done') return;
    waiting.get(message.id)?.(message.well);
    waiting.delete(message.id);
  });

  function ask(): Promise<void> {
    last += 1;
    const id = last;
    return new Promise((resolve, reject) => {
      const unheard = (cause?: unknown) =>
        reject(new GatelodgeError('store-unavailable', 'not every process has heard of the change', { cause }));
      waiting.set(id, (well) => (well ? resolve() : unheard()));
      primary.send({ kind: 'spread', id }, (error) => {
        if (error !== null && waiting.delete(id)) unheard(error);
      });
    });
  }

  let asking: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  return () => {
    // One question for all that was committed while another is on its way, which may be too early for it.
    if (asking === null) {
      asking = ask().finally(() => {
        asking = null;
      });
      return asking;
    }
    next ??= asking
      .catch(() => {})
      .then(() => {
        next = null;
        asking = ask().finally(() => {
          asking = null;
        });
        return asking;
      });
    return next;
  };
}
