import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordAnswer } from '../../bench/answer.ts';
import { readOptions } from '../../bench/options.ts';
import { runParts } from '../../bench/parts.ts';
import { renderReport } from '../../bench/report.ts';
import { measureSessions, requestsOf, storeSessions } from '../../bench/sessions.ts';
import { prepareSite, type Stand, startGatelodge, startStand } from '../../bench/stand.ts';
import { measureStartUp } from '../../bench/start-up.ts';
import { measureThroughNginx } from '../../bench/through-nginx.ts';
import { measureWorkers } from '../../bench/workers.ts';
import { missing } from '../support/skip.ts';
import { NOTHING } from './nothing.ts';

const ENTRY = resolve(process.env['GATELODGE_ENTRY'] ?? 'src/bin.ts');
const SHORT = { ...readOptions([], {}), entry: ENTRY, rounds: 2, duration: 100, paced: 200, bursts: 1, starts: 2 };

let stand: Stand;
beforeAll(async () => {
  stand = await startStand(ENTRY);
});
afterAll(() => stand?.stop());

test('many sessions are stored, and each is asked about in turn', async () => {
  const site = await prepareSite();
  const secrets = storeSessions(site.database, 40);
  const process = await startGatelodge(ENTRY, site);
  try {
    const next = requestsOf(secrets);
    const users = new Set<string | undefined>();
    const requests = new Set<string>();
    for (let index = 0; index < 40; index += 1) {
      const request = next();
      requests.add(request.toString('latin1'));
      const { status, headers } = await recordAnswer(process.port, request);
      expect(status).toBe(200);
      users.add(headers[headers.indexOf('X-Auth-User') + 1]);
    }
    expect([requests.size, users.size]).toEqual([40, 40]);
    expect(requests).toContain(next().toString('latin1'));
  } finally {
    await process.stop();
    await site.remove();
  }
});

test('sessions, start and workers end in numbers', async () => {
  const sessions = await measureSessions(100, stand, SHORT);
  expect(sessions.first.rate).toBeGreaterThan(0);
  expect(sessions.after).toBeGreaterThan(20);
  const startUp = await measureStartUp(SHORT);
  expect(startUp.median).toBeGreaterThan(50);
  expect(startUp.slowest).toBeGreaterThanOrEqual(startUp.median);
  const workers = await measureWorkers(SHORT);
  expect(workers.first.cpu).toBeGreaterThan(0);
  const comparison = { ...workers, rate: 1.69, cpu: 0.949 };
  const report = renderReport(
    {
      ...NOTHING,
      sessions: [{ ...sessions, count: 100_000, after: 161 }],
      startUp: { ...startUp, median: 500 },
      workers: comparison,
    },
    SHORT,
    new Date(0),
  );
  expect(report).toContain('| 160 MB | **no** |');
  expect(report).toContain('| 500 | yes |');
  expect(report).toContain('| 1.69 × | 95 % | 1.7 × or 95 % | **no** |');
});

test.skipIf(missing('nginx', 'openssl'))('nginx asks, and both shares of the CPU time are told', async () => {
  const long = { ...SHORT, duration: 300 };
  const result = await measureThroughNginx(stand, long);
  const { comparison, first, second, alone } = result;
  expect(first.nginx + first.service).toBeCloseTo(comparison.first.cpu);
  for (const share of [first.nginx, first.service, second.nginx, second.service, alone.cpu])
    expect(share).toBeGreaterThan(0);
  const within = { ...comparison, cpu: 32 / 36 };
  const beyond = { ...comparison, cpu: 32 / 36.1 };
  const text = (one: typeof comparison) =>
    renderReport({ ...NOTHING, nginx: { ...result, comparison: one } }, SHORT, new Date(0));
  expect(text(within)).toContain('met: yes');
  expect(text(beyond)).toContain('met: **no**');
});

test('a part that fails is named, and the report is made all the same', async () => {
  const said: string[] = [];
  const results = await runParts({ ...SHORT, only: 'start-up', entry: 'missing.js' }, (line) => void said.push(line));
  expect(results.failed).toEqual(['start-up']);
  expect(said.join()).toContain('start-up failed');
  const report = renderReport(results, SHORT, new Date(0));
  expect(report).toContain('**Failed, and missing below: start-up.**');
  expect(report).toContain('## Workers');
});
