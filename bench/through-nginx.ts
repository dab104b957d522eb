import { readFile } from 'node:fs/promises';
import { copyRecipes } from '../test/support/nginx.ts';
import { recordAnswer } from './answer.ts';
import { type Comparison, measureLoad, type Side, type Totals } from './compare.ts';
import { compareWarm, sideOf } from './measure.ts';
import { type MeasuredNginx, startNginx } from './nginx.ts';
import type { Options } from './options.ts';
import { type MeasuredProcess, startBare } from './process.ts';
import { checkRequest, clientRequest } from './requests.ts';
import { pageCheck } from './rows.ts';
import type { Stand } from './stand.ts';
import { cpuTime } from './usage.ts';

/** CPU time a request, in µs. */
export interface Shares {
  readonly nginx: number;
  readonly service: number;
}
/** Two services, each behind an nginx of its own. CPU times are nginx's and the service's together. */
export interface BackedComparison {
  readonly comparison: Comparison;
  readonly first: Shares;
  readonly second: Shares;
}
export interface NginxResult extends BackedComparison {
  /** nginx that asks nobody. */
  readonly alone: Totals;
}

/** A service, the nginx before it, and what a client asks. */
export interface Backed {
  readonly nginx: MeasuredNginx;
  readonly service: MeasuredProcess;
  readonly request: Buffer;
}

/** A live session behind nginx with the recipe: gatelodge beside a bare server with the same answer. */
export async function measureThroughNginx(stand: Stand, options: Options): Promise<NginxResult> {
  const check = pageCheck(stand.credentials.session);
  const bare = await startBare(await recordAnswer(stand.process.port, checkRequest(check)));
  const started: MeasuredNginx[] = [];
  try {
    const request = clientRequest(check);
    const [ours, bares] = [await startRecipe(stand.process.port), await startRecipe(bare.port)];
    started.push(ours, bares);
    const alone = await sideOf({ ...ours, port: ours.alone }, [request], 200);
    await alone.client.saturate(options.duration);
    const unasked = await measureLoad(alone, (client) => client.saturate(2 * options.duration));
    alone.client.close();
    const first = { nginx: ours, service: stand.process, request };
    return { ...(await compareBacked(first, { nginx: bares, service: bare, request }, options)), alone: unasked };
  } finally {
    for (const nginx of started) await nginx.stop();
    await bare.stop();
  }
}

/** nginx with deploy/nginx before a service on a port. */
export async function startRecipe(port: number): Promise<MeasuredNginx> {
  const site = await readFile(`${import.meta.dirname}/gatelodge.nginx.conf`, 'utf8');
  // Only gatelodge's own parts of the recipes are included; the other places are named in files that nobody reads here.
  const unused = { tlsPort: 1, plainPort: 1, applicationPort: 1 };
  return startNginx(site, (directory) =>
    copyRecipes(directory, { ...unused, gatelodgePort: port, socketDirectory: directory }),
  );
}

export async function compareBacked(first: Backed, second: Backed, options: Options): Promise<BackedComparison> {
  const used = [first, second].map(({ nginx, service }) => ({
    nginx: cpuTime(nginx.pid),
    service: cpuTime(service.pid),
  }));
  const comparison = await compareWarm(await backedSide(first), await backedSide(second), options);
  const shares = ({ nginx, service }: Backed, before: Shares | undefined, { cpu }: Totals): Shares => {
    const [ofNginx, ofService] = [
      cpuTime(nginx.pid) - (before?.nginx ?? 0),
      cpuTime(service.pid) - (before?.service ?? 0),
    ];
    return { nginx: (cpu * ofNginx) / (ofNginx + ofService), service: (cpu * ofService) / (ofNginx + ofService) };
  };
  return {
    comparison,
    first: shares(first, used[0], comparison.first),
    second: shares(second, used[1], comparison.second),
  };
}

async function backedSide({ nginx, service, request }: Backed): Promise<Side> {
  const { client } = await sideOf(nginx, [request], 200);
  return { client, cpuTime: () => cpuTime(nginx.pid) + cpuTime(service.pid) };
}
