import { CHECKS } from './behind-nginx.ts';
import { NGINX } from './nginx.ts';
import { PINNED } from './process.ts';
import { fixed, percent, table, whole, yes } from './report-cells.ts';
import type { Results } from './results.ts';

const CONNECTIONS_TARGET = 10;
/** As 36 µs to 32, nginx and the service together. */
const NGINX_TARGET = 36 / 32;
const MEMORY_TARGET = { sessions: 100_000, megabytes: 160 };
const START_TARGET = 500;
/** Of two workers beside one: of the rate where there are cores for both, of the CPU time where the load shares them. */
const WORKERS_TARGET = { rate: 1.7, cpu: 0.95 };
const NOT_MEASURED = 'Not measured.';

export function renderNginx({ nginx, connections }: Results): string {
  if (nginx === null && connections === null)
    return NGINX === null ? 'Not measured: nginx is not installed.' : NOT_MEASURED;
  const costs = nginx === null ? NOT_MEASURED : nginxTable(nginx);
  if (connections === null) return costs;
  return `${costs}

${whole(CHECKS)} checks of 8 clients at once, allowed and refused, with deploy/nginx/minimal.conf: nginx opened **${connections}** connections to gatelodge (target: at most ${CONNECTIONS_TARGET}; ${yes(connections <= CONNECTIONS_TARGET)}).`;
}

function nginxTable({ alone, comparison, first, second }: NonNullable<Results['nginx']>): string {
  const ratio = 1 / comparison.cpu;
  const rows = [
    ['nothing: no auth_request', whole(alone.rate), fixed(alone.cpu), '', fixed(alone.cpu), ''],
    ['bare `node:http`', whole(comparison.second.rate), fixed(second.nginx), fixed(second.service)],
    ['gatelodge', whole(comparison.first.rate), fixed(first.nginx), fixed(first.service)],
  ];
  rows[1]?.push(fixed(comparison.second.cpu), '1.00');
  rows[2]?.push(fixed(comparison.first.cpu), ratio.toFixed(2));
  return `${table('nginx asks | requests/s | nginx CPU µs | service CPU µs | together | of bare', rows)}

Pages of a live session, an empty file that nginx serves itself, with the check of deploy/nginx: one nginx process and the service on one
core. Target: at most 36 µs together where bare \`node:http\` takes 32, that is ${NGINX_TARGET.toFixed(3)} of it; met: ${yes(ratio <= NGINX_TARGET)}.`;
}

export function renderSessions({ sessions }: Results): string {
  if (sessions.length === 0) return NOT_MEASURED;
  const cells = ({ count, before, after, first, comparison }: Results['sessions'][number]): readonly string[] => {
    const { sessions: most, megabytes } = MEMORY_TARGET;
    const target = count === most ? [`${megabytes} MB`, yes(after <= megabytes)] : ['', ''];
    const numbers = [whole(before), whole(after), fixed(first.cpu), fixed(comparison.first.cpu)];
    return [whole(count), ...numbers, percent(comparison.rate), percent(comparison.cpu), ...target];
  };
  const head =
    'sessions | MB after the start | MB with all in memory | CPU µs first check | CPU µs later | rate | CPU | target | met';
  return `${table(head, sessions.map(cells))}

All sessions are in the store. The first check of each reads it there, the later ones, in turn, find it in memory; *rate* and *CPU* are
these beside a process that is asked about one session, as above. MB (10⁶ bytes) are resident memory of the whole process, under load.`;
}

export function renderStartUp({ startUp }: Results): string {
  if (startUp === null) return NOT_MEASURED;
  const { starts, median, slowest, memory } = startUp;
  const row = [
    `${starts} starts`,
    whole(median),
    whole(slowest),
    whole(memory),
    String(START_TARGET),
    yes(median <= START_TARGET),
  ];
  return `${table('from the start to /readyz | p50 ms | slowest ms | MB | target | met', [row])}

On data that is there already, on all cores.`;
}

export function renderWorkers({ workers }: Results): string {
  if (workers === null) return NOT_MEASURED;
  const { first, second, rate, cpu } = workers;
  const reached = yes(rate >= WORKERS_TARGET.rate || cpu >= WORKERS_TARGET.cpu);
  const target = `${WORKERS_TARGET.rate} × or ${percent(WORKERS_TARGET.cpu)}`;
  const rows = [
    ['1', whole(second.rate), fixed(second.cpu), '', '', '', ''],
    ['2', whole(first.rate), fixed(first.cpu), `${rate.toFixed(2)} ×`, percent(cpu), target, reached],
  ];
  return `${table('workers | checks/s | CPU µs | rate | CPU | target | met', rows)}

${PINNED ? 'With two cores the load takes one of them: then a rate of 1.7 × cannot be, and an unchanged CPU time a check says that it would be.' : ''}
The CPU time is that of all processes of the service.`;
}
