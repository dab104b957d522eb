import type { PeerResult } from './peers.ts';
import { fixed, percent, table, whole } from './report-cells.ts';
import type { Results } from './results.ts';

export function renderPeers({ peers, missing }: Results): string {
  if (peers.length === 0 && missing.length === 0) return 'Not measured: `npm run bench -- --peers`.';
  const lines = missing.map((name) => `- **${name}**: not found on the PATH, not measured.`).join('\n');
  if (peers.length === 0) return lines;
  const head =
    'program | checks/s | CPU µs | behind nginx: requests/s | nginx CPU µs | service CPU µs | together | MB | gatelodge costs';
  return `${table(head, peers.flatMap(peerRows))}
${lines === '' ? '' : `\n${lines}\n`}
Checks of a live session by cookie, each program on the same core in turn with the gatelodge of the line above it, with the configuration in
bench/peers. *gatelodge costs*: its CPU time a check over the program's, directly and behind nginx. MB (10⁶ bytes) are resident memory.
They do different things for it: oauth2-proxy and Vouch Proxy have the whole session in the cookie and can't end one, Authelia's is in memory.`;
}

function peerRows({ name, direct, behind, memory }: PeerResult): readonly (readonly string[])[] {
  const cells = (side: 'first' | 'second'): readonly string[] => {
    const costs = [whole(direct[side].rate), fixed(direct[side].cpu)];
    if (behind === null) return [...costs, '', '', '', '', whole(memory[side])];
    const { nginx, service } = behind[side];
    const together = [fixed(nginx), fixed(service), fixed(behind.comparison[side].cpu)];
    return [...costs, whole(behind.comparison[side].rate), ...together, whole(memory[side])];
  };
  const ratios = [direct.cpu, ...(behind === null ? [] : [behind.comparison.cpu])].map((cpu) => percent(1 / cpu));
  return [
    ['gatelodge', ...cells('first'), ''],
    [name, ...cells('second'), ratios.join(', ')],
  ];
}
