import { resolve } from 'node:path';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordAnswer } from '../../bench/answer.ts';
import { measureLogins } from '../../bench/logins.ts';
import { measureRow, measureRules, rulesRequests } from '../../bench/measure.ts';
import { readOptions } from '../../bench/options.ts';
import { profileCosts } from '../../bench/profile.ts';
import { renderReport } from '../../bench/report.ts';
import { ROWS } from '../../bench/rows.ts';
import { ruleSet } from '../../bench/rule-sets.ts';
import { type Credentials, RULES, type Stand, startStand } from '../../bench/stand.ts';
import { NOTHING } from './nothing.ts';

const ENTRY = resolve(process.env['GATELODGE_ENTRY'] ?? 'src/bin.ts');
const SHORT = { ...readOptions([], {}), entry: ENTRY, rounds: 2, duration: 100, paced: 200, bursts: 1 };

let stand: Stand;
beforeAll(async () => {
  stand = await startStand(ENTRY);
});
afterAll(() => stand?.stop());

test('every row is answered as it says, and as the user it says', { timeout: 60_000 }, async () => {
  for (const row of ROWS) {
    const own = row.own === undefined ? null : await startStand(ENTRY, row.own);
    const { process, credentials } = own ?? stand;
    const { status, headers } = await recordAnswer(process.port, row.request(credentials)).finally(() => own?.stop());
    if (row.name === 'token-encrypted') expect(credentials.token['Authorization']?.split('.')).toHaveLength(5);
    expect([row.name, status]).toEqual([row.name, row.status]);
    const user = headers[headers.indexOf('X-Auth-User') + 1];
    const method = headers[headers.indexOf('X-Auth-Method') + 1];
    if (row.name === 'refusal') expect(headers).toContain('X-Auth-Redirect');
    else if (row.name === 'public') expect([user, method]).toEqual(['', '']);
    else
      expect([user, method]).toEqual(
        row.name.startsWith('jwt')
          ? ['8d7f2c', 'mobile']
          : ['user-0', row.name.replace('rate-limited', 'session').replace(/-.*/, '')],
      );
  }
});

test('the row of identity JWTs is answered with one', async () => {
  const row = ROWS.find(({ name }) => name === 'session-identity-jwt');
  if (row?.own === undefined) throw new Error('there is no such row');
  const signing = await startStand(ENTRY, row.own);
  try {
    const { headers } = await recordAnswer(signing.process.port, row.request(signing.credentials));
    const token = headers[headers.indexOf('X-Auth-Token') + 1];
    expect(headers[headers.indexOf('Authorization') + 1]).toBe(`Bearer ${token}`);
    expect(decodeProtectedHeader(token ?? '').alg).toBe('RS512');
    expect((await measureRow(row, signing, SHORT)).comparison.rate).toBeGreaterThan(0);
  } finally {
    await signing.stop();
  }
});

test('every rule of a set is reached', async () => {
  const set = ruleSet(10);
  const few = await startStand(ENTRY, { rules: set.rules });
  try {
    for (const request of new Set(rulesRequests(set, few.credentials).map((bytes) => bytes.toString('latin1')))) {
      expect(await recordAnswer(few.process.port, Buffer.from(request, 'latin1'))).toMatchObject({ status: 200 });
    }
    const comparison = await measureRules(set, few, set, few, SHORT);
    expect(comparison.rate).toBeGreaterThan(0);
  } finally {
    await few.stop();
  }
});

test('rows and logins end in a report', async () => {
  const [row] = ROWS;
  if (row === undefined) throw new Error('there are no rows');
  const result = await measureRow(row, stand, SHORT);
  expect(result.comparison.first.rate).toBeGreaterThan(0);
  expect(result.comparison.second.rate).toBeGreaterThan(0);
  const logins = await measureLogins(stand, SHORT);
  expect(logins.during).toBeGreaterThan(0);
  const met = { ...result, comparison: { ...result.comparison, rate: 0.5, cpu: 0.85 } };
  const missed = { ...result, comparison: { ...result.comparison, rate: 0.849, cpu: 0.5 } };
  const results = { ...NOTHING, rows: [met, missed], logins: { ...logins, ratio: 3 }, load: 3, connections: 11 };
  const report = renderReport(results, SHORT, new Date(0));
  const cells = report
    .split('\n')
    .filter((line) => line.startsWith('| session'))
    .map((line) => line.split(' | '));
  expect(cells.map((line) => [line[5], line[6], line.at(-1)])).toEqual([
    ['50 %', '85 %', 'yes |'],
    ['85 %', '50 %', '**no** |'],
  ]);
  expect(report).toContain('| 3.0 | below 3 | **no** |');
  expect(report).toContain('**11** connections');
  expect(report).toContain('1970-01-01');
  expect(report).toContain('others were at work');
});

test('the profile names the functions that decide', async () => {
  const [row] = ROWS;
  if (row === undefined) throw new Error('there are no rows');
  const requests = (credentials: Credentials) => [row.request(credentials)];
  const found = await profileCosts({ rules: RULES, status: row.status, requests }, ENTRY, {
    warmUp: 200,
    duration: 1_000,
  });
  expect(found.some(({ place, total }) => place.includes('decision/decide') && total > 0)).toBe(true);
});
