import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '../test/support/temp-dir.ts';
import { inTurn, openLoadClient } from './load-client.ts';
import { CONNECTIONS } from './options.ts';
import { type Credentials, type StandOptions, startStand } from './stand.ts';

/** What V8's profiler writes, as far as it is read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  /** In µs, by the machine's monotonic clock. */
  readonly startTime: number;
  readonly samples: readonly number[];
  /** In µs, from the sample before. */
  readonly timeDeltas: readonly number[];
}

export interface Cost {
  readonly place: string;
  /** In µs: in the function itself, and with everything that it called. */
  readonly self: number;
  readonly total: number;
}

/** What is asked while the profiler looks. */
export interface Subject extends Pick<StandOptions, 'settings' | 'fill'> {
  readonly rules: readonly string[];
  readonly status: number;
  readonly requests: (credentials: Credentials) => readonly Buffer[];
}

/** In ms. */
const TIMES = { warmUp: 2_000, duration: 6_000 };
/** Not the server's work. */
const NOT_WORK = new Set(['(root)', '(program)', '(idle)']);

/** Loads a service under V8's profiler, and returns the costs of an answer by function. */
export async function profileCosts(
  { status, requests, ...site }: Subject,
  entry: string,
  times = TIMES,
): Promise<readonly Cost[]> {
  const directory = await tempDir();
  try {
    const nodeOptions = ['--cpu-prof', `--cpu-prof-dir=${directory.path}`, '--cpu-prof-interval=250'];
    const stand = await startStand(entry, { ...site, nodeOptions });
    let answers: number;
    let from: number;
    let to: number;
    try {
      const client = await openLoadClient({
        port: stand.process.port,
        next: inTurn(requests(stand.credentials)),
        status,
        connections: CONNECTIONS,
      });
      await client.saturate(times.warmUp);
      from = monotonic();
      ({ answers } = await client.saturate(times.duration));
      to = monotonic();
      client.close();
    } finally {
      await stand.stop();
    }
    const [file] = await readdir(directory.path);
    // The profiler's own file.
    return costs(JSON.parse(await readFile(join(directory.path, file ?? ''), 'utf8')) as CpuProfile, {
      from,
      to,
      answers,
    });
  } finally {
    await directory.remove();
  }
}

/** µs on the clock that all processes of the machine have in common. */
function monotonic(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

/** Costs by function, the largest first. A function that calls itself is counted once. `from` and `to` in µs, as `startTime`. */
export function costs(
  profile: CpuProfile,
  { from, to, answers }: { readonly from: number; readonly to: number; readonly answers: number },
): readonly Cost[] {
  const selfOf = new Map<number, number>();
  let at = profile.startTime;
  profile.samples.forEach((id, index) => {
    const delta = profile.timeDeltas[index] ?? 0;
    at += delta;
    if (at >= from && at <= to) selfOf.set(id, (selfOf.get(id) ?? 0) + delta);
  });
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const found = new Map<string, { self: number; total: number }>();
  const visit = (id: number, above: ReadonlySet<string>): number => {
    const node = nodes.get(id);
    if (node === undefined) return 0;
    const { functionName, url, lineNumber } = node.callFrame;
    const place =
      `${functionName === '' ? '(anonymous)' : functionName} ${shortened(url)}${url === '' ? '' : `:${lineNumber + 1}`}`.trim();
    const below = new Set(above).add(place);
    const self = selfOf.get(id) ?? 0;
    let total = self;
    for (const child of node.children ?? []) total += visit(child, below);
    const known = found.get(place) ?? { self: 0, total: 0 };
    found.set(place, { self: known.self + self, total: known.total + (above.has(place) ? 0 : total) });
    return total;
  };
  const [root] = profile.nodes;
  if (root !== undefined) visit(root.id, new Set());
  return [...found]
    .filter(([place]) => !NOT_WORK.has(place))
    .map(([place, { self, total }]) => ({ place, self: self / answers, total: total / answers }))
    .sort((one, other) => other.self - one.self);
}

/** Two tables: where the time is spent, and what gatelodge's own functions cost with all they call. */
export function renderCosts(all: readonly Cost[]): string {
  const line = ({ place, self, total }: Cost): string =>
    `${self.toFixed(2).padStart(8)} ${total.toFixed(2).padStart(8)}  ${place}`;
  const own = all
    .filter(({ place, total }) => /(?:dist|src)\//.test(place) && total >= 0.05)
    .sort((one, other) => other.total - one.total);
  const head = '    self    total  function (µs an answer)';
  return [
    'everything, by its own time',
    head,
    ...all.slice(0, 40).map(line),
    '',
    'gatelodge, with what it calls',
    head,
    ...own.slice(0, 50).map(line),
  ].join('\n');
}

function shortened(url: string): string {
  return url.replace(/^.*\/((?:dist|src|node_modules)\/.*)$/, '$1');
}
