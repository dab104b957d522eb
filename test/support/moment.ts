import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A moment, in ms, in which all that is under way in this process comes about. In many small waits: a process that was held up for
 * longer than that would find its one timer due before it has looked at what arrived.
 */
export async function moment(time: number): Promise<void> {
  const SLICES = 10;
  for (let slice = 0; slice < SLICES; slice += 1) await sleep(time / SLICES);
}
