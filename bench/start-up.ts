import type { Options } from './options.ts';
import { SEVERAL_CORES } from './process.ts';
import { prepareSite, startGatelodge } from './stand.ts';
import { median } from './statistics.ts';
import { residentMemory } from './usage.ts';

export interface StartUpResult {
  readonly starts: number;
  /** From the start of the process until /readyz answers 200, in ms. */
  readonly median: number;
  readonly slowest: number;
  /** In MB: before the first check. */
  readonly memory: number;
}

/** Starts on data that is there already, on all cores that the machine has, as in production. */
export async function measureStartUp({ entry, starts }: Options): Promise<StartUpResult> {
  const site = await prepareSite();
  const times: number[] = [];
  const memories: number[] = [];
  try {
    for (let index = 0; index < starts; index += 1) {
      const { pid, readyAfter, stop } = await startGatelodge(entry, site, { cores: SEVERAL_CORES });
      times.push(readyAfter);
      memories.push(residentMemory(pid));
      await stop();
    }
  } finally {
    await site.remove();
  }
  return { starts, median: median(times), slowest: Math.max(...times), memory: median(memories) };
}
