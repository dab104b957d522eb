import { type ConfigurationDocument, placeOf } from '../config/document.ts';
import { formatKeyPath, type KeyPath } from '../config/key-path.ts';
import type { LoadedConfiguration } from '../config/load.ts';
import type { Problem, ProblemCode } from '../config/problem.ts';
import type { Configuration, PolicyTest } from '../config/schema.ts';
import { parseNetwork } from '../domain/network.ts';
import { explain } from '../flows/explain.ts';
import { assume, userOfFile } from './assumed.ts';
import { type OpenGate, openGate, PluginNotMade } from './open-gate.ts';
import { readRequest } from './request-url.ts';

/**
 * Runs the `tests` of a sound configuration by the code that decides live, and tells those that came out differently. They
 * run in their order and in one moment, so that a rate limit counts over them. Users are those of the file: what a test
 * says must not depend on somebody's database.
 */
export async function runPolicyTests({ configuration, plugins, document }: LoadedConfiguration): Promise<Problem[]> {
  if (configuration === null || document === null) return [];
  const now = Date.now();
  let open: OpenGate;
  try {
    open = await openGate(configuration, plugins, () => now);
  } catch (error) {
    if (!(error instanceof PluginNotMade)) throw error;
    return [problemAt(document, ['auth_plugins', error.instance], 'plugin-failed', error.message)];
  }
  const problems: Problem[] = [];
  try {
    for (const [index, test] of configuration.tests.entries()) {
      const failure = await runTest(open, configuration, test);
      if (failure !== null) problems.push(problemAt(document, ['tests', index], 'test-failed', failure));
    }
  } finally {
    await open.close();
  }
  return problems;
}

/** What came out differently; null where nothing did. */
async function runTest(
  { gate, origin }: OpenGate,
  configuration: Configuration,
  test: PolicyTest,
): Promise<string | null> {
  const blank = test.request.indexOf(' ');
  const [method, url] = [test.request.slice(0, blank), test.request.slice(blank + 1)];
  // The schema takes a network too, of which the first address stands for all.
  const ip = test.ip === undefined ? null : (parseNetwork(test.ip)?.address ?? null);
  const request = readRequest({ url, method, ip, headers: test.headers ?? {}, origin });
  if (request === null) return 'no URL that a front server could ask about';
  const known = test.as?.user === undefined ? null : userOfFile(configuration, test.as.user);
  const explanation = await explain(gate, request, assume(test.as ?? {}, known, gate.clock()));
  const { decision, reason, rule, plugin_path: own } = explanation;
  if (decision === test.expect && (test.reason === undefined || test.reason === reason)) return null;
  const expected = test.reason === undefined ? test.expect : `${test.expect} (${test.reason})`;
  const by = own !== null ? 'one of its own paths' : rule === null ? 'no rule' : `rule ${rule}`;
  return `expected ${expected}, got ${decision}${reason === null ? '' : ` (${reason})`} by ${by}`;
}

function problemAt(document: ConfigurationDocument, path: KeyPath, code: ProblemCode, message: string): Problem {
  const part = code === 'plugin-failed' ? 'key' : 'value';
  return {
    severity: 'error',
    file: document.file,
    ...placeOf(document, path, part),
    path: formatKeyPath(path),
    code,
    message,
  };
}
