import type { PluginDefinition } from '../plugins/plugin-api.ts';
import type { StandardResult } from '../plugins/standard-schema.ts';
import type { KeyPath } from './key-path.ts';
import type { Reporter } from './reporter.ts';

/**
 * Holds an instance's options against the schema of somebody else's plugin.
 * @param substituted JSON key paths of texts from the environment, which may mean numbers or booleans
 * @returns null where something was reported
 */
export async function validateForeign(
  definition: PluginDefinition,
  options: Readonly<Record<string, unknown>>,
  prefix: KeyPath,
  substituted: ReadonlySet<string>,
  reporter: Reporter,
): Promise<{ value: unknown } | null> {
  try {
    const result = await definition.options['~standard'].validate(options);
    if (result.issues === undefined) return { value: result.value };
    const converted = convertSubstituted(options, result.issues, prefix, substituted);
    const second = converted === null ? result : await definition.options['~standard'].validate(converted);
    if (second.issues === undefined) return { value: second.value };
    const texts = scalarTexts(options);
    const placed = second.issues.map((issue) => ({ issue, path: [...prefix, ...issuePath(issue)] }));
    for (const { issue, path } of placed.filter((entry) => !reporter.isRefused(entry.path))) {
      // The schema is somebody else's, and its message may quote what it was given.
      const quotes = texts.some((text) => issue.message.includes(text));
      reporter.report('invalid-value', path, quotes ? 'the plugin does not accept this' : issue.message.slice(0, 300));
    }
  } catch {
    reporter.report('plugin-failed', prefix, 'the plugin failed while it looked at its options', { part: 'key' });
  }
  return null;
}

type Issue = NonNullable<StandardResult<unknown>['issues']>[number];

function issuePath(issue: Issue): KeyPath {
  const steps = (issue.path ?? []).map((step) => (typeof step === 'object' ? step.key : step));
  return steps.map((step) => (typeof step === 'number' ? step : String(step)));
}

/** The options with those refused texts that came from the environment as the numbers or booleans they may mean. */
function convertSubstituted(
  options: Readonly<Record<string, unknown>>,
  issues: readonly Issue[],
  prefix: KeyPath,
  substituted: ReadonlySet<string>,
): Record<string, unknown> | null {
  const copy = structuredClone(options);
  let changed = false;
  for (const path of issues.map(issuePath)) {
    const last = path.at(-1);
    if (last === undefined || !substituted.has(JSON.stringify([...prefix, ...path]))) continue;
    // What has a substituted text at the path's end has maps and lists on the way.
    const parent = path
      .slice(0, -1)
      .reduce<unknown>((value, step) => (value as Record<string | number, unknown>)[step], copy) as Record<
      string | number,
      unknown
    >;
    const text = parent[last];
    if (text === 'true' || text === 'false') parent[last] = text === 'true';
    else if (typeof text === 'string' && /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text)) parent[last] = Number(text);
    else continue;
    changed = true;
  }
  return changed ? copy : null;
}

/** What a message must not contain. Single characters and digits are in every message and give nothing away. */
function scalarTexts(value: unknown): string[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(scalarTexts);
  const text = String(value);
  return text.length > 2 && typeof value !== 'boolean' ? [text] : [];
}
