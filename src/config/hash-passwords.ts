import { isAlias, isScalar } from 'yaml';
import { classifyPassword } from '../adapters/passwords.ts';
import type { Passwords } from '../domain/passwords.ts';
import { type ConfigurationDocument, locate, placeOf } from './document.ts';
import { interpolate } from './interpolate.ts';
import { formatKeyPath, type KeyPath } from './key-path.ts';
import { freezeDeeply, type LoadedConfiguration, type PluginInstanceConfiguration } from './load.ts';
import type { BasicOptions } from './plugin-options.ts';
import type { Problem, ProblemCode } from './problem.ts';
import { type Replacement, replaceScalars } from './write-back.ts';

interface PlainPassword {
  readonly path: KeyPath;
  readonly text: string;
}

/**
 * Hashes every plain-text password of a loaded configuration and writes the hashes back in place. Where the file cannot be
 * written the hashes are used all the same, and a warning says so.
 * @returns the configuration with hashes in the place of passwords
 */
export async function hashPlainPasswords(
  loaded: LoadedConfiguration,
  passwords: Passwords,
): Promise<LoadedConfiguration> {
  const { configuration, document } = loaded;
  if (configuration === null || document === null) return loaded;
  const hashes = new Map<string, string>();
  const replacements: Replacement[] = [];
  // One after the other: the hashing queue is bounded.
  for (const { path, text } of plainPasswords(loaded)) {
    const value = await passwords.hash(text);
    hashes.set(formatKeyPath(path), value);
    replacements.push({ path, expected: text, value });
  }
  if (replacements.length === 0) return loaded;
  const problems = writeBack(
    loaded.file,
    replacements.filter(({ path }) => standsInFile(document, path)),
    document,
  );
  const hashed = (path: KeyPath, text: string) => hashes.get(formatKeyPath(path)) ?? text;
  const users = configuration.users.map((user, index) =>
    user.password === undefined ? user : { ...user, password: hashed(['users', index, 'password'], user.password) },
  );
  const plugins = loaded.plugins.map((plugin) => {
    const own = basicUsers(plugin);
    if (own === null) return plugin;
    const entries = Object.entries(own).map(([name, text]) => [
      name,
      hashed(['auth_plugins', plugin.instance, 'users', name], text),
    ]);
    // basicUsers has seen that it is a basic plugin.
    return { ...plugin, options: { ...(plugin.options as BasicOptions), users: Object.fromEntries(entries) } };
  });
  return {
    ...loaded,
    configuration: freezeDeeply({ ...configuration, users }),
    plugins: freezeDeeply(plugins),
    problems: [...loaded.problems, ...problems],
  };
}

function plainPasswords({ configuration, plugins }: LoadedConfiguration): PlainPassword[] {
  const fields: PlainPassword[] = [];
  for (const [index, { password }] of (configuration?.users ?? []).entries()) {
    if (password !== undefined) fields.push({ path: ['users', index, 'password'], text: password });
  }
  for (const plugin of plugins) {
    for (const [name, text] of Object.entries(basicUsers(plugin) ?? {})) {
      fields.push({ path: ['auth_plugins', plugin.instance, 'users', name], text });
    }
  }
  return fields.filter(({ text }) => classifyPassword(text).kind === 'plain');
}

function basicUsers(plugin: PluginInstanceConfiguration): Readonly<Record<string, string>> | null {
  if (plugin.definition !== null || plugin.type !== 'basic') return null;
  // The built-in basic type's schema has made these options.
  return (plugin.options as BasicOptions).users ?? null;
}

/** Whether the text stands in the file, rather than in the environment or in a file of its own. */
function standsInFile(document: ConfigurationDocument, path: KeyPath): boolean {
  const located = locate(document, path);
  if (located === null || located.fromFile) return false;
  const node = isAlias(located.value) ? document.targets.get(located.value) : located.value;
  return isScalar(node) && typeof node.value === 'string' && !interpolate(node.value, {}).substituted;
}

function writeBack(file: string, replacements: readonly Replacement[], document: ConfigurationDocument): Problem[] {
  const first = replacements[0];
  if (first === undefined) return [];
  const warning = (code: ProblemCode, path: KeyPath, message: string): Problem => {
    return { severity: 'warning', file, ...placeOf(document, path, 'value'), path: formatKeyPath(path), code, message };
  };
  const { outcome, skipped } = replaceScalars(file, replacements);
  if (outcome === 'read-only') {
    return [
      warning(
        'read-only-file',
        first.path,
        'the file cannot be written: its plain-text passwords stay there, and their hashes in memory',
      ),
    ];
  }
  return skipped.map((path) =>
    warning(
      'plain-text-password',
      path,
      'stays plain text in the file: it has an anchor or an alias, or was changed meanwhile',
    ),
  );
}
