import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { countConnections } from './behind-nginx.ts';
import { measureLogins } from './logins.ts';
import { measureRow, measureRules, type RowResult, rulesRequests, warmUp } from './measure.ts';
import { type Options, RULE_COUNTS, readOptions } from './options.ts';
import { pinLoad } from './process.ts';
import { profileCosts, renderCosts, type Subject } from './profile.ts';
import { type Results, renderReport } from './report.ts';
import { ROWS } from './rows.ts';
import { ruleSet } from './rule-sets.ts';
import { RULES, startStand } from './stand.ts';

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function measureRows(options: Options): Promise<RowResult[]> {
  const rows = ROWS.filter(({ name }) => wanted(options, name));
  if (rows.length === 0) return [];
  const stand = await startStand(options.entry);
  try {
    await warmUp(stand, 4 * options.duration);
    const results: RowResult[] = [];
    for (const row of rows) {
      const result = await measureRow(row, stand, options);
      const { comparison, p50, p99 } = result;
      say(
        `${row.name}: ${shares(comparison)}, CPU ${comparison.first.cpu.toFixed(1)} / ${comparison.second.cpu.toFixed(1)} µs, p50 ${p50.toFixed(2)} p99 ${p99.toFixed(2)} ms`,
      );
      results.push(result);
    }
    return results;
  } finally {
    await stand.stop();
  }
}

async function measureRuleCounts(options: Options): Promise<Results['rules']> {
  if (!wanted(options, 'rules')) return [];
  const few = ruleSet(10);
  const fewStand = await startStand(options.entry, few.rules);
  const results: { count: number; comparison: RowResult['comparison'] }[] = [];
  try {
    for (const count of RULE_COUNTS) {
      const many = ruleSet(count);
      const manyStand = await startStand(options.entry, many.rules);
      const comparison = await measureRules(many, manyStand, few, fewStand, options).finally(() => manyStand.stop());
      say(`${count} rules: ${shares(comparison)} of 10 rules`);
      results.push({ count, comparison });
    }
  } finally {
    await fewStand.stop();
  }
  return results;
}

async function measureBusy(options: Options): Promise<Results['logins']> {
  if (!wanted(options, 'logins')) return null;
  const stand = await startStand(options.entry);
  const result = await measureLogins(stand, options).finally(() => stand.stop());
  say(
    `logins: p99 ${result.idle.toFixed(2)} ms idle, ${result.during.toFixed(2)} ms during, ratio ${result.ratio.toFixed(1)}, ${result.burst.toFixed(0)} ms a burst`,
  );
  return result;
}

async function measureConnections(options: Options): Promise<Results['connections']> {
  if (!wanted(options, 'nginx')) return null;
  const connections = await countConnections(options.entry);
  say(connections === null ? 'nginx: not installed' : `nginx: ${connections} connections`);
  return connections;
}

function wanted({ only }: Options, name: string): boolean {
  return only === null || only === name;
}

function shares({ rate, cpu }: { readonly rate: number; readonly cpu: number }): string {
  return `rate ${(rate * 100).toFixed(1)} %, CPU ${(cpu * 100).toFixed(1)} %`;
}

/** A row, or `rules`: the largest set. */
function subjectOf(name: string): Subject {
  if (name === 'rules') {
    const set = ruleSet(Math.max(...RULE_COUNTS));
    return { rules: set.rules, status: 200, requests: (credentials) => rulesRequests(set, credentials) };
  }
  const row = ROWS.find((known) => known.name === name);
  if (row === undefined) throw new TypeError(`there is no row ${name}`);
  return { rules: RULES, status: row.status, requests: (credentials) => [row.request(credentials)] };
}

const options = readOptions(process.argv.slice(2), process.env);
const PARTS = [...ROWS.map(({ name }) => name), 'rules', 'logins', 'nginx'];
if (options.only !== null && !PARTS.includes(options.only)) throw new TypeError(`there are only ${PARTS.join(', ')}`);
const [load = Number.NaN] = loadavg();
pinLoad();
if (options.profile === null) {
  const results: Results = {
    rows: await measureRows(options),
    rules: await measureRuleCounts(options),
    logins: await measureBusy(options),
    load,
    connections: await measureConnections(options),
  };
  if (options.only === null) {
    const report = renderReport(results, options, new Date());
    if (options.quick) process.stdout.write(report);
    else await writeFile(`${import.meta.dirname}/../docs/benchmarks.md`, report);
  }
} else {
  process.stdout.write(`${renderCosts(await profileCosts(subjectOf(options.profile), options.entry))}\n`);
}
