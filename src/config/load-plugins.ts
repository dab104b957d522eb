import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire, findPackageJSON } from 'node:module';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isAlias, isMap, isScalar } from 'yaml';
import type { PluginDefinition } from '../plugins/plugin-api.ts';
import { type ConfigurationDocument, keyText, locate } from './document.ts';
import { type Environment, interpolate } from './interpolate.ts';
import type { KeyPath } from './key-path.ts';
import { nearName } from './near-name.ts';
import { BUILT_IN_OPTIONS, isBuiltIn } from './plugin-options.ts';
import type { Reporter } from './reporter.ts';

/** A configured instance and the type it was found to be of. */
export interface TypedInstance {
  readonly instance: string;
  readonly type: string;
  /** null for the built-in types, whose options this package knows. */
  readonly definition: PluginDefinition | null;
}

/**
 * Finds the type of every instance under `auth_plugins`, in order, and imports the modules that are named there. What
 * cannot be found or imported is reported and left out; without the key there are none.
 */
export async function typeInstances(
  document: ConfigurationDocument,
  env: Environment,
  pluginTypes: readonly PluginDefinition[],
  reporter: Reporter,
): Promise<TypedInstance[]> {
  const section = locate(document, ['auth_plugins'])?.value;
  const map = isAlias(section) ? document.targets.get(section) : section;
  if (!isMap(map)) return [];
  const instances = new Map<string, TypedInstance>();
  for (const pair of map.items) {
    const instance = keyText(pair);
    if (instance === null || instances.has(instance)) continue;
    const path = ['auth_plugins', instance];
    const module = textAt(document, [...path, 'module'], env);
    const type = textAt(document, [...path, 'type'], env);
    if (module === null || type === null) continue;
    const definition =
      module === undefined
        ? pluginTypes.find((known) => known.type === (type ?? instance))
        : await importDefinition(module, document.file, [...path, 'module'], reporter);
    if (definition === null) continue;
    if (definition === undefined && !isBuiltIn(type ?? instance)) {
      reportUnknownType(type ?? instance, [...path, ...(type === undefined ? [] : ['type'])], pluginTypes, reporter);
      continue;
    }
    if (definition !== undefined && module !== undefined && type !== undefined && definition.type !== type) {
      reporter.report('unknown-plugin-type', [...path, 'type'], 'the module’s plugin has another type');
      continue;
    }
    instances.set(instance, { instance, type: definition?.type ?? type ?? instance, definition: definition ?? null });
  }
  return [...instances.values()];
}

function reportUnknownType(
  type: string,
  path: KeyPath,
  pluginTypes: readonly PluginDefinition[],
  reporter: Reporter,
): void {
  const known = [...Object.keys(BUILT_IN_OPTIONS), ...pluginTypes.map((definition) => definition.type)];
  const near = nearName(type, known);
  const hint =
    near === null ? `there are ${known.join(', ')}; somebody else’s needs \`module\`` : `did you mean ${near}?`;
  reporter.report('unknown-plugin-type', path, `no such plugin type: ${hint}`, {
    part: path.length === 2 ? 'key' : 'value',
  });
}

/** A text option before anything is validated; undefined where it is not given, null where it is nothing that can be used. */
function textAt(document: ConfigurationDocument, path: KeyPath, env: Environment): string | null | undefined {
  const located = locate(document, path);
  if (located === null || located.fromFile) return undefined;
  const node = isAlias(located.value) ? document.targets.get(located.value) : located.value;
  if (!isScalar(node) || typeof node.value !== 'string' || node.value === '') return null;
  const result = interpolate(node.value, env);
  return result.missing.length > 0 || result.malformed ? null : result.text;
}

async function importDefinition(
  specifier: string,
  file: string,
  path: KeyPath,
  reporter: Reporter,
): Promise<PluginDefinition | null> {
  const url = moduleUrl(specifier, dirname(resolve(file)));
  if (url === null) {
    reporter.report('plugin-failed', path, 'no such file beside the configuration, and no such installed package');
    return null;
  }
  let exported: unknown;
  try {
    // A module namespace object has whatever its author exports.
    exported = ((await import(url)) as { default?: unknown }).default;
  } catch (error) {
    reporter.report(
      'plugin-failed',
      path,
      `the module cannot be loaded (${error instanceof Error ? error.name : 'it threw no error'}${codeOf(error)})`,
    );
    return null;
  }
  if (isPluginDefinition(exported)) return exported;
  reporter.report(
    'plugin-failed',
    path,
    'the module’s default export is no plugin: type, description, options (a Standard Schema) and create are needed',
  );
  return null;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : '';
}

function isPluginDefinition(value: unknown): value is PluginDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { type, description, create, options } = value as Partial<Record<keyof PluginDefinition, unknown>>;
  if (typeof type !== 'string' || type === '' || typeof description !== 'string' || typeof create !== 'function')
    return false;
  if ((typeof options !== 'object' && typeof options !== 'function') || options === null || !('~standard' in options))
    return false;
  const standard = options['~standard'];
  return (
    typeof standard === 'object' &&
    standard !== null &&
    'validate' in standard &&
    typeof standard.validate === 'function'
  );
}

/** The URL of a file beside the configuration, or of a package installed for it or for the working directory. */
function moduleUrl(specifier: string, directory: string): string | null {
  const file = resolve(directory, specifier);
  if (existsSync(file) && statSync(file).isFile()) return pathToFileURL(file).href;
  if (/^[./]/.test(specifier)) return null;
  for (const base of [directory, process.cwd()]) {
    const from = pathToFileURL(resolve(base, 'package.json')).href;
    try {
      return pathToFileURL(createRequire(from).resolve(specifier)).href;
    } catch {
      const url = importOnlyPackage(specifier, from);
      if (url !== null) return url;
    }
  }
  return null;
}

/** `createRequire` does not see packages that export themselves to `import` alone. */
function importOnlyPackage(specifier: string, from: string): string | null {
  try {
    const manifest = findPackageJSON(specifier, from);
    if (manifest === undefined) return null;
    const { exports } = JSON.parse(readFileSync(manifest, 'utf8')) as { exports?: unknown };
    const target = importTarget(exports);
    return target === null ? null : pathToFileURL(resolve(dirname(manifest), target)).href;
  } catch {
    return null;
  }
}

/** The main entry of a package's `exports` under the conditions that `import` has. */
function importTarget(exports: unknown): string | null {
  if (typeof exports === 'string') return exports;
  if (typeof exports !== 'object' || exports === null) return null;
  for (const [condition, target] of Object.entries(exports)) {
    if (!['.', 'node', 'import', 'module-sync', 'default'].includes(condition)) continue;
    const found = importTarget(target);
    if (found !== null) return found;
  }
  return null;
}
