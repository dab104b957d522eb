import { writeFile } from 'node:fs/promises';
import { rulesRequests } from './measure.ts';
import { RULE_COUNTS, readOptions } from './options.ts';
import { PARTS, runParts } from './parts.ts';
import { pinLoad } from './process.ts';
import { profileCosts, renderCosts, type Subject } from './profile.ts';
import { renderReport } from './report.ts';
import { ROWS } from './rows.ts';
import { ruleSet } from './rule-sets.ts';
import { RULES } from './stand.ts';

/** A row, or `rules`: the largest set. */
function subjectOf(name: string): Subject {
  if (name === 'rules') {
    const set = ruleSet(Math.max(...RULE_COUNTS));
    return { rules: set.rules, status: 200, requests: (credentials) => rulesRequests(set, credentials) };
  }
  const row = ROWS.find((known) => known.name === name);
  if (row === undefined) throw new TypeError(`there is no row ${name}`);
  return { rules: RULES, status: row.status, requests: (credentials) => [row.request(credentials)], ...row.own };
}

const options = readOptions(process.argv.slice(2), process.env);
if (options.only !== null && !PARTS.includes(options.only)) throw new TypeError(`there are only ${PARTS.join(', ')}`);
pinLoad();
if (options.profile === null) {
  const results = await runParts(options, (line) => void process.stderr.write(`${line}\n`));
  const report = renderReport(results, options, new Date());
  // A part of the truth, or a hurried one, does not take the place of the whole.
  if (options.only === null && !options.quick) await writeFile(`${import.meta.dirname}/../docs/benchmarks.md`, report);
  else process.stdout.write(report);
  if (results.failed.length > 0) process.exitCode = 1;
} else {
  process.stdout.write(`${renderCosts(await profileCosts(subjectOf(options.profile), options.entry))}\n`);
}
