import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Comparison, Side } from './compare.ts';
import { compareWarm, sideOf } from './measure.ts';
import type { Options } from './options.ts';
import { SEVERAL_CORES } from './process.ts';
import { checkRequest } from './requests.ts';
import { pageCheck } from './rows.ts';
import { prepareSite, type Site, startGatelodge } from './stand.ts';
import { cpuTime, familyOf } from './usage.ts';

/** In ms. */
const PATIENCE = 30_000;
const POLL = 20;

/** Two workers beside one, with a live session. */
export async function measureWorkers(options: Options): Promise<Comparison> {
  const stops: (() => Promise<void>)[] = [];
  const side = async (workers: number): Promise<Side> => {
    const site = await prepareSite();
    stops.push(site.remove);
    const process = await startWorkers(options.entry, site, workers);
    stops.push(process.stop);
    const { client } = await sideOf(process, [checkRequest(pageCheck(site.credentials.session))], 200);
    const family = familyOf(process.pid);
    return { client, cpuTime: () => family.reduce((sum, pid) => sum + cpuTime(pid), 0) };
  };
  try {
    return await compareWarm(await side(2), await side(1), options);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** Waits for all workers, not for the first: connections stay with the one that takes them. */
async function startWorkers(entry: string, site: Site, workers: number): ReturnType<typeof startGatelodge> {
  const log = join(site.directory, 'log');
  const output = openSync(log, 'a');
  const process = await startGatelodge(entry, site, { workers, cores: SEVERAL_CORES, output });
  closeSync(output);
  for (let left = PATIENCE; !readFileSync(log, 'utf8').includes('service.ready'); left -= POLL) {
    if (left <= 0) {
      await process.stop();
      throw new Error('not all workers started');
    }
    await wait(POLL);
  }
  return process;
}
