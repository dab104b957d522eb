import { Agent, type ClientRequest, type IncomingHttpHeaders, request } from 'node:http';

/** What came of requests that were sent without a pause. */
export interface Outcome {
  /** How often each thing happened. */
  readonly counts: Readonly<Record<string, number>>;
  readonly total: number;
  /** How long 99 in 100 took at most, and the slowest, in ms. */
  readonly p99: number;
  readonly slowest: number;
}
export interface Load {
  /** How many are done so far. */
  readonly total: number;
  /** Sends no more, waits for what is under way, and tells everything. */
  stop(): Promise<Outcome>;
}

/** Does so many things at a time, each again as soon as it is done. @param once says what happened; it does not reject */
export function startLoad(parallel: number, once: (lane: number) => Promise<string>): Load {
  const counts: Record<string, number> = {};
  const took: number[] = [];
  let going = true;
  const lanes = Array.from({ length: parallel }, async (_, lane) => {
    while (going) {
      const began = performance.now();
      const what = await once(lane);
      took.push(performance.now() - began);
      counts[what] = (counts[what] ?? 0) + 1;
    }
  });
  return {
    get total() {
      return took.length;
    },
    async stop() {
      going = false;
      await Promise.all(lanes);
      const sorted = took.sort((a, b) => a - b);
      const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
      return { counts, total: sorted.length, p99: at(0.99), slowest: at(1) };
    },
  };
}

/** One check, told by its status and whom it found: `200 alice`; or what failed. */
export function checkOnce(
  base: string,
  {
    path = '/open',
    headers = {},
    agent = false,
  }: { path?: string; headers?: Record<string, string>; agent?: Agent | false },
): Promise<string> {
  const about = { 'x-original-url': `https://app.example.com${path}`, 'x-original-method': 'GET' };
  return getOnce(`${base}/validate`, { headers: { ...about, ...headers }, agent }, ({ status, headers: told }) =>
    `${status} ${told['x-auth-user'] ?? ''}`.trim(),
  );
}

/** One GET. @returns what `tell` makes of its answer, or what failed */
export function getOnce(
  url: string,
  { headers = {}, agent = false }: { headers?: Record<string, string>; agent?: Agent | false },
  tell: (answer: { status: number; headers: IncomingHttpHeaders }) => string,
): Promise<string> {
  return new Promise((resolve) => {
    request(url, { agent, headers, timeout: 15_000 }, (response) => {
      response.resume();
      response.on('end', () => resolve(tell({ status: response.statusCode ?? 0, headers: response.headers })));
      response.on('error', (error) => resolve(error.message));
    })
      .on('timeout', function timedOut(this: ClientRequest) {
        this.destroy(new Error('no answer in 15 s'));
      })
      .on('error', (error) => resolve(error.message))
      .end();
  });
}

/** Half of the lanes on connections that stay, half on a new one each time. */
export function checkLoad(base: string, parallel = 8): Load {
  const agent = new Agent({ keepAlive: true });
  const load = startLoad(parallel, (lane) => checkOnce(base, { agent: lane % 2 === 0 && agent }));
  return {
    get total() {
      return load.total;
    },
    async stop() {
      const outcome = await load.stop();
      agent.destroy();
      return outcome;
    },
  };
}
