import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { checkPolicy as findPolicyProblems, type PolicyFinding } from '../decision/policy.ts';
import { failureCode, fileFailure } from '../domain/system-failure.ts';
import type { PluginDefinition } from '../plugins/plugin-api.ts';
import { checkRules } from './check-rules.ts';
import { checkSettings } from './check-settings.ts';
import { type ConfigurationDocument, parseConfigurationText } from './document.ts';
import type { Environment } from './interpolate.ts';
import { type TypedInstance, typeInstances } from './load-plugins.ts';
import { checkInstance, instanceShape, type PluginInstanceConfiguration } from './plugin-instances.ts';
import type { Problem } from './problem.ts';
import { createReporter, type Reporter, reporterFor } from './reporter.ts';
import { resolveDocument, rootShape } from './resolve.ts';
import { salvage } from './salvage.ts';
import { type Configuration, configurationSchema } from './schema.ts';
import { reportRefusals, validate } from './validate.ts';

export type { PluginInstanceConfiguration };

export interface LoadedConfiguration {
  /** Deeply frozen; null where there is any error. Options of plugins are in `plugins` alone. */
  readonly configuration: Configuration | null;
  /** In the order of the file. Complete only where there is a configuration. */
  readonly plugins: readonly PluginInstanceConfiguration[];
  /** By place. */
  readonly problems: readonly Problem[];
  readonly file: string;
  /** null where the file could not be read or is no YAML. */
  readonly document: ConfigurationDocument | null;
}

export interface LoadInput {
  readonly file: string;
  /** Usually `process.env`. */
  readonly env: Environment;
  /** Instead of the file's content; an empty text is the configuration of all defaults. Paths are still relative to `file`. */
  readonly text?: string;
  /** Types besides the built-in ones that need no `module`. */
  readonly pluginTypes?: readonly PluginDefinition[];
  readonly checkPolicy?: (configuration: Pick<Configuration, 'paths'>) => readonly PolicyFinding[];
}

/**
 * Reads, resolves and checks a configuration. Never throws for what is wrong with it: everything that is wrong is in
 * `problems`, with its place.
 */
export async function loadConfiguration(input: LoadInput): Promise<LoadedConfiguration> {
  const { file, env } = input;
  const source = input.text === undefined ? readText(file) : { text: input.text, problem: null };
  if (source.text === null)
    return { configuration: null, plugins: [], problems: [source.problem], file, document: null };
  const parsed = parseConfigurationText(file, source.text);
  if (parsed.document === null)
    return { configuration: null, plugins: [], problems: parsed.problems, file, document: null };
  const { document } = parsed;
  const reporter = createReporter(document);
  const typed = await typeInstances(document, env, input.pluginTypes ?? [], reporter);
  const shapes = new Map(typed.map((instance) => [instance.instance, instanceShape(instance)]));
  const { data, substituted } = resolveDocument(document, env, rootShape(configurationSchema), shapes, reporter);

  const result = validate(configurationSchema, data);
  reportRefusals(result.refusals ?? [], [], document, reporter);
  const salvaged = salvage(
    data,
    (result.refusals ?? []).map((refusal) => refusal.remove),
  );
  const plugins: PluginInstanceConfiguration[] = [];
  for (const instance of sectionOf(data) === null ? DEFAULT_INSTANCES : typed) {
    const options = await checkInstance(
      instance,
      sectionOf(data)?.[instance.instance] ?? {},
      substituted,
      document,
      reporter,
    );
    if (options !== null) plugins.push({ ...instance, options: options.value });
  }
  if (salvaged !== null) {
    const { configuration, inFile } = salvaged;
    const ofRest = reporterFor(reporter, inFile);
    checkSettings(configuration, document, ofRest);
    checkRules(configuration, inFile, Object.keys(configuration.auth_plugins), document, ofRest);
    const origins = configuration.paths.map((_, index) => Number(inFile(['paths', index])[1]));
    checkSoundRules(configuration, origins, input.checkPolicy ?? findPolicyProblems, reporter);
  }
  const problems = reporter.problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const sound = result.refusals === null && !problems.some((problem) => problem.severity === 'error');
  const configuration = sound ? withoutOptions(withAbsolutePaths(result.value, file)) : null;
  return { configuration: freezeDeeply(configuration), plugins: freezeDeeply(plugins), problems, file, document };
}

const DEFAULT_INSTANCES: readonly TypedInstance[] = ['session', 'token', 'apikey'].map((type) => ({
  instance: type,
  type,
  definition: null,
}));

function readText(file: string): { text: string; problem: null } | { text: null; problem: Problem } {
  try {
    // The byte order mark is kept, so that offsets into the text stay offsets into the file.
    return {
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(file)),
      problem: null,
    };
  } catch (error) {
    const hint = failureCode(error) === 'ENOENT' ? ': gatelodge init makes one, -c names another' : '';
    const message = `the file cannot be read: ${fileFailure(error)}${hint}`;
    return {
      text: null,
      problem: { severity: 'error', file, line: 1, column: 1, path: '', code: 'unreadable-file', message },
    };
  }
}

function sectionOf(data: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof data !== 'object' || data === null || !('auth_plugins' in data)) return null;
  const section = data.auth_plugins;
  return typeof section === 'object' && section !== null ? { ...section } : {};
}

/** Rules in which something is wrong already would only be said to be wrong in further ways. */
function checkSoundRules(
  configuration: Configuration,
  origins: readonly number[],
  checkPolicy: NonNullable<LoadInput['checkPolicy']>,
  reporter: Reporter,
): void {
  const broken = new Set<number>();
  for (const problem of reporter.problems) {
    const index = problem.severity === 'error' ? /^paths\[(\d+)\]/.exec(problem.path)?.[1] : undefined;
    if (index !== undefined) broken.add(Number(index));
  }
  const kept = origins
    .map((origin, index) => ({ origin, rule: configuration.paths[index] }))
    .filter(({ origin }) => !broken.has(origin));
  const paths = kept.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
  for (const finding of checkPolicy({ paths })) {
    const path = ['paths', kept[finding.rule - 1]?.origin ?? finding.rule - 1];
    // The finding counts the rules it was given; people count those in the file.
    const message = finding.message.replace(
      /\brule (\d+)/g,
      (_, number: string) => `rule ${(kept[Number(number) - 1]?.origin ?? Number(number) - 1) + 1}`,
    );
    reporter.report(finding.code, finding.key === undefined ? path : [...path, finding.key], message);
  }
}

function withAbsolutePaths(configuration: Configuration, file: string): Configuration {
  const directory = dirname(resolve(file));
  const listen = configuration.listen.map((listener) =>
    'socket' in listener ? { ...listener, socket: resolve(directory, listener.socket) } : listener,
  );
  const { branding, data_dir: dataDir } = configuration;
  return {
    ...configuration,
    listen,
    data_dir: resolve(directory, dataDir),
    branding: branding.logo === undefined ? branding : { ...branding, logo: resolve(directory, branding.logo) },
  };
}

/** Options hold secrets, and are better held once. */
function withoutOptions(configuration: Configuration): Configuration {
  const instances = Object.entries(configuration.auth_plugins).map(([name, { type, module }]) => [
    name,
    { ...(type === undefined ? {} : { type }), ...(module === undefined ? {} : { module }) },
  ]);
  return { ...configuration, auth_plugins: Object.fromEntries(instances) };
}

/** Freezes maps and lists; what somebody else's schema made of options may hold objects with a life of their own. */
export function freezeDeeply<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) return value;
  Object.freeze(value);
  for (const item of Object.values(value)) freezeDeeply(item);
  return value;
}
