import { arch, cpus, platform } from 'node:os';
import { CHECKS } from './behind-nginx.ts';
import type { Comparison } from './compare.ts';
import type { LoginsResult } from './logins.ts';
import type { RowResult } from './measure.ts';
import { CONNECTIONS, MODERATE_RATE, type Options } from './options.ts';
import { PINNED } from './process.ts';
import { LOGINS } from './stand.ts';

export interface Results {
  readonly rows: readonly RowResult[];
  readonly rules: readonly { readonly count: number; readonly comparison: Comparison }[];
  readonly logins: LoginsResult | null;
  /** The machine's load average of the last minute before the bench began: near 0 where it had the machine for itself. */
  readonly load: number;
  /** null where there is no nginx. */
  readonly connections: number | null;
}

const RULES_TARGET = 0.95;
const LOGINS_TARGET = 3;
const CONNECTIONS_TARGET = 10;

/** docs/benchmarks.md. */
export function renderReport({ rows, rules, logins, load, connections }: Results, options: Options, now: Date): string {
  return `# Benchmarks

Written by \`npm run bench\` on ${now.toISOString().slice(0, 10)}${options.quick ? ', **in a hurry (`--quick`): too short to be quoted**' : ''}.

${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores, ${platform()} ${arch()}, Node.js ${process.versions.node}.
${PINNED ? 'The server ran on core 0 alone, the load on core 1.' : '**Server and load shared all cores: `taskset` or a second core is missing.**'}
Load average before the start: ${load.toFixed(1)}${load > 0.5 ? ' (**others were at work on this machine**)' : ''}.

What counts are the ratios. Each is of two servers that were loaded in turn in one run, so a slower machine, or a neighbour on it, changes
both. Absolute numbers hold for this machine on this day.

## Checks

| check | checks/s | CPU µs | bare checks/s | bare CPU µs | rate | CPU | p50, p99 ms at full load | p50, p99 ms at ${MODERATE_RATE}/s | target | met |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|
${rows.map(rowLine).join('\n')}

${rows.map(({ row }) => `- **${row.name}**: ${row.what}.`).join('\n')}

- *bare*: a \`node:http\` server that reads the same requests, decides nothing and gives exactly the same status and header fields. It is
  what every service on Node.js pays at least.
- *rate*: gatelodge's checks a second over the bare server's. *CPU*: the bare server's CPU time for an answer over gatelodge's, from
  \`/proc/PID/stat\`, all threads. Both are medians over ${options.rounds} pairs of neighbouring rounds of ${options.duration / 1_000} s in the order A B B A. The target is met where one of the two reaches it.
- *full load*: ${CONNECTIONS} keep-alive connections, each of which asks again as soon as it is answered: most of that time is waiting in line.
  *At ${MODERATE_RATE}/s* a request's time counts from when it was due.

The requests are what nginx sends with the recipes in deploy/nginx, 14 to 19 header fields with a browser's or a program's own among them. The
log is on, at its default level, and goes to /dev/null: every refusal writes its line. All rows ask one process, which has seen all kinds
of checks before. Passwords and tokens are remembered for a minute, so a few checks of those rows pay for verifying again.

## Rules

| rules | checks/s | with 10 rules | rate | CPU | target | met |
|--:|--:|--:|--:|--:|--:|---|
${rules.map(({ count, comparison }) => `| ${count.toLocaleString('en')} | ${whole(comparison.first.rate)} | ${whole(comparison.second.rate)} | ${percent(comparison.rate)} | ${percent(comparison.cpu)} | ${percent(RULES_TARGET)} | ${met(comparison, RULES_TARGET)} |`).join('\n')}

Checks of a live session. The rules are literal paths and regular expressions in five kinds, half of them on a few hosts and half on many,
and ten of them, from all over the file, are asked about: what differs is how many there are, not how much memory the requests touch.
(Where all ten thousand are asked about in turn, each is cold in the processor's caches, and a check takes about a quarter longer.)
Two processes, loaded in turn as above.

## While passwords are hashed

${logins === null ? 'Not measured.' : loginsText(logins)}

## Behind nginx

${connections === null ? 'Not measured: nginx or openssl is not installed.' : `${CHECKS.toLocaleString('en')} checks of 8 clients at once, allowed and refused, with deploy/nginx/minimal.conf: nginx opened **${connections}** connections to gatelodge (target: at most ${CONNECTIONS_TARGET}; ${yes(connections <= CONNECTIONS_TARGET)}).`}

## Run it

\`\`\`sh
npm run bench                         # everything, writes this page
npm run bench -- --quick              # a tenth of the time, prints and writes nothing
npm run bench -- --only session       # one row, or: rules, logins, nginx
npm run bench -- --profile session    # where a check's time goes, by function
\`\`\`

The load comes from \`bench/load-client.ts\`, a client on raw sockets without pipelining. It costs its core less for a request than any
server on Node.js for an answer, so the server is what is measured; general load generators cost more than that.
`;
}

function rowLine({ row, comparison, p50, p99 }: RowResult): string {
  const { first, second } = comparison;
  const cells = [
    row.name,
    whole(first.rate),
    first.cpu.toFixed(1),
    whole(second.rate),
    second.cpu.toFixed(1),
    percent(comparison.rate),
    percent(comparison.cpu),
    `${comparison.p50.toFixed(2)}, ${comparison.p99.toFixed(2)}`,
    `${p50.toFixed(2)}, ${p99.toFixed(2)}`,
    row.target === null ? '' : percent(row.target),
    row.target === null ? '' : met(comparison, row.target),
  ];
  return `| ${cells.join(' | ')} |`;
}

function loginsText({ idle, during, ratio, burst }: LoginsResult): string {
  return `${LOGINS} \`POST /auth\` with good passwords at once, which took ${(burst / 1_000).toFixed(1)} s on the one core that the checks had too, while checks of a session came at ${MODERATE_RATE}/s.

| p99 ms before | p99 ms during | ratio | target | met |
|--:|--:|--:|--:|---|
| ${idle.toFixed(2)} | ${during.toFixed(2)} | ${ratio.toFixed(1)} | below ${LOGINS_TARGET} | ${yes(ratio < LOGINS_TARGET)} |`;
}

/** Rate or CPU time: where the machine is noisy, the rate suffers from neighbours and the CPU time hardly does. */
function met({ rate, cpu }: Pick<Comparison, 'rate' | 'cpu'>, target: number): string {
  return yes(rate >= target || cpu >= target);
}

function yes(is: boolean): string {
  return is ? 'yes' : '**no**';
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function percent(value: number): string {
  return `${(value * 100).toFixed(0)} %`;
}
