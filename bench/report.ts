import { arch, cpus, platform } from 'node:os';
import type { LoginsResult } from './logins.ts';
import type { RowResult } from './measure.ts';
import { CONNECTIONS, MODERATE_RATE, type Options } from './options.ts';
import { PINNED } from './process.ts';
import { fixed, met, percent, table, whole, yes } from './report-cells.ts';
import { renderNginx, renderSessions, renderStartUp, renderWorkers } from './report-operations.ts';
import { renderPeers } from './report-peers.ts';
import type { Results, RulesResult } from './results.ts';
import { LOGINS } from './stand.ts';

const RULES_TARGET = 0.95;
const LOGINS_TARGET = 3;

/** docs/benchmarks.md. */
export function renderReport(results: Results, options: Options, now: Date): string {
  const { rows, rules, logins, load, failed } = results;
  return `# Benchmarks

Written by \`npm run bench\` on ${now.toISOString().slice(0, 10)}${options.quick ? ', **in a hurry (`--quick`): too short to be quoted**' : ''}.

${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores, ${platform()} ${arch()}, Node.js ${process.versions.node}.
${PINNED ? 'The server ran on core 0 alone, the load on core 1.' : '**Server and load shared all cores: `taskset` or a second core is missing.**'}
Load average before the start: ${load.toFixed(1)}${load > 0.5 ? ' (**others were at work on this machine**)' : ''}.
${failed.length === 0 ? '' : `\n**Failed, and missing below: ${failed.join(', ')}.** The run's standard error says why.\n`}
What counts are the ratios. Each is of two servers that were loaded in turn in one run, so a slower machine, or a neighbour on it, changes
both. Absolute numbers hold for this machine on this day.

## Checks

${table(`check | checks/s | CPU µs | bare checks/s | bare CPU µs | rate | CPU | ms at full load | ms at ${MODERATE_RATE}/s | target | met`, rows.map(rowCells))}

${rows.map(({ row }) => `- **${row.name}**: ${row.what}.`).join('\n')}

- *bare*: a \`node:http\` server that reads the same requests, decides nothing and gives exactly the same status and header fields. It is
  what every service on Node.js pays at least.
- *rate*: gatelodge's checks a second over the bare server's. *CPU*: the bare server's CPU time for an answer over gatelodge's, from
  \`/proc/PID/stat\`, all threads. Both are medians over ${options.rounds} pairs of neighbouring rounds of ${options.duration / 1_000} s in the order A B B A. The target is met where one of the two reaches it.
- *ms*: the time of an answer, p50 / p99 / p99.9. *Full load* is ${CONNECTIONS} keep-alive connections, each of which asks again as soon as it
  is answered: most of that time is waiting in line. *At ${MODERATE_RATE}/s* a request's time counts from when it was due.

The requests are what nginx sends with the recipes in deploy/nginx, 14 to 19 header fields with a browser's or a program's own among them. The
log is on, at its default level, and goes to /dev/null: every refusal writes its line. Rows ask one process, which has seen all kinds
of checks before; those that need other settings have one of their own. Passwords and tokens are remembered for a minute, so a few checks of those rows pay for verifying again.

## Rules

${table('rules | checks/s | with 10 rules | rate | CPU | target | met', rules.map(rulesCells))}

Checks of a live session. The rules are literal paths and regular expressions in five kinds, half of them on a few hosts and half on many,
and ten of them, from all over the file, are asked about: what differs is how many there are, not how much memory the requests touch.
(Where all ten thousand are asked about in turn, each is cold in the processor's caches, and a check takes about a quarter longer.)
Two processes, loaded in turn as above.

## While passwords are hashed

${logins === null ? 'Not measured.' : loginsText(logins)}

## Behind nginx

${renderNginx(results)}

## Sessions

${renderSessions(results)}

## Start

${renderStartUp(results)}

## Workers

${renderWorkers(results)}

## Beside other programs

${renderPeers(results)}

## Run it

\`\`\`sh
npm run bench                         # everything but what follows, in ten minutes; writes this page
npm run bench -- --long               # a million sessions as well
npm run bench -- --peers              # other programs as well, where they are on the PATH
npm run bench -- --quick              # a fifth of the time, prints and writes nothing
npm run bench -- --only session       # one row, or: rules, logins, nginx, connections, sessions, start-up, workers, peers
npm run bench -- --profile session    # where a check's time goes, by function
\`\`\`

The load comes from \`bench/load-client.ts\`, a client on raw sockets without pipelining. It costs its core less for a request than any
server on Node.js for an answer, so the server is what is measured; general load generators cost more than that.
`;
}

function rowCells({ row, comparison, p50, p99, p999 }: RowResult): readonly string[] {
  const { first, second, rate, cpu } = comparison;
  return [
    row.name,
    ...[whole(first.rate), fixed(first.cpu), whole(second.rate), fixed(second.cpu), percent(rate), percent(cpu)],
    latencies(comparison),
    latencies({ p50, p99, p999 }),
    ...(row.target === null ? ['', ''] : [percent(row.target), met(comparison, row.target)]),
  ];
}

function rulesCells({ count, comparison }: RulesResult): readonly string[] {
  const { first, second, rate, cpu } = comparison;
  const numbers = [whole(count), whole(first.rate), whole(second.rate), percent(rate), percent(cpu)];
  return [...numbers, percent(RULES_TARGET), met(comparison, RULES_TARGET)];
}

function latencies({ p50, p99, p999 }: { p50: number; p99: number; p999: number }): string {
  return [p50, p99, p999].map((value) => value.toFixed(2)).join(' / ');
}

function loginsText({ idle, during, ratio, burst }: LoginsResult): string {
  return `${LOGINS} \`POST /auth\` with good passwords at once, which took ${(burst / 1_000).toFixed(1)} s on the one core that the checks had too, while checks of a session came at ${MODERATE_RATE}/s.
The connections were there before and the requests ready, so that making them does not delay the checks that are measured.

${table('p99 ms before | p99 ms during | ratio | target | met', [
  [idle.toFixed(2), during.toFixed(2), fixed(ratio), `below ${LOGINS_TARGET}`, yes(ratio < LOGINS_TARGET)],
])}`;
}
