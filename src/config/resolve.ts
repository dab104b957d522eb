import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isAlias, isMap, isNode, isScalar, isSeq, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import type { z } from 'zod';
import { fileFailure } from '../domain/system-failure.ts';
import { type ConfigurationDocument, keyText } from './document.ts';
import { type Environment, interpolate } from './interpolate.ts';
import type { KeyPath } from './key-path.ts';
import type { Reporter } from './reporter.ts';
import { below, branches, convertText, mayComeFromFile, takesOnlyCollections } from './schema-shape.ts';

/** What may stand at a place. */
export interface Shape {
  readonly schemas: readonly z.core.$ZodType[];
  /** Set below a plugin whose schema cannot be looked into: its own keys that end in `_file` and mean just that. */
  readonly foreign: readonly string[] | null;
}

export interface Resolved {
  readonly data: unknown;
  /** JSON key paths of the texts that came from the environment. */
  readonly substituted: ReadonlySet<string>;
}

const MOST_ALIASED_NODES = 10_000;
const DEEPEST_WITH_ALIASES = 128;
const LARGEST_FILE = 1024 * 1024;
/** Returned for what was refused, so that it is left out and refused only once. */
const REFUSED = Symbol('refused');

/**
 * Turns a document's nodes into plain data: aliases, `${…}` and `k_file` are resolved, duplicate keys and unusable keys
 * reported. The shapes say where a key may come from a file and where a text from the environment means a number.
 */
export function resolveDocument(
  document: ConfigurationDocument,
  env: Environment,
  root: Shape,
  plugins: ReadonlyMap<string, Shape>,
  reporter: Reporter,
): Resolved {
  const substituted = new Set<string>();
  const open = new Set<Node>();
  let aliased = 0;
  /** The alias in the file itself that is being followed, to which all that it leads to is put down. */
  const followed: { path: KeyPath; node: Node | null } = { path: [], node: null };

  function value(node: Node | null, shape: Shape, path: KeyPath, inAlias: boolean): unknown {
    if (inAlias) {
      aliased += 1;
      if (aliased > MOST_ALIASED_NODES || path.length > DEEPEST_WITH_ALIASES) throw new AliasBomb();
    }
    if (isAlias(node)) {
      if (!inAlias) Object.assign(followed, { path, node });
      const target = document.targets.get(node);
      if (target === undefined) {
        reporter.report('yaml-syntax', path, 'no such anchor before this alias', { node });
        return REFUSED;
      }
      if (open.has(target)) throw new AliasBomb();
      return value(target, shape, path, true);
    }
    if (node === null) return emptyValue(shape, path);
    if (node.tag !== undefined && node.tag !== 'tag:yaml.org,2002:str') {
      reporter.report(
        'yaml-syntax',
        path,
        'tags are not read: a text that begins with an exclamation mark needs quotes',
        { node },
      );
      return REFUSED;
    }
    if (isScalar(node)) return scalar(node, shape, path);
    open.add(node);
    try {
      if (isMap(node)) return map(node, shape, path, inAlias);
      if (isSeq(node)) return list(node.items, shape, path, inAlias);
    } finally {
      open.delete(node);
    }
    return REFUSED;
  }

  /** An empty section says nothing; an empty key of a rule must not mean "no restriction", so it stays null and is refused. */
  function emptyValue(shape: Shape, path: KeyPath): unknown {
    if (path.length === 1 && takesOnlyCollections(shape.schemas)) return REFUSED;
    if (path.length === 2 && path[0] === 'auth_plugins') return {};
    return null;
  }

  function scalar(node: Scalar, shape: Shape, path: KeyPath): unknown {
    if (node.value === null) return emptyValue(shape, path);
    return typeof node.value === 'string' ? text(node, node.value, shape, path) : node.value;
  }

  function text(node: Scalar, source: string, shape: Shape, path: KeyPath): unknown {
    const result = interpolate(source, env);
    for (const name of result.missing)
      reporter.report(
        'missing-variable',
        path,
        `the environment variable ${name} is not set, and has no default such as \${${name}:-text}`,
        { node },
      );
    if (result.malformed) {
      reporter.report(
        'invalid-value',
        path,
        `a \${ without a variable’s name and }: write $\${ for the characters themselves`,
        { node },
      );
    }
    if (result.missing.length > 0 || result.malformed) return REFUSED;
    if (!result.substituted) return result.text;
    substituted.add(JSON.stringify(path));
    return convertText(shape.schemas, result.text);
  }

  function list(items: readonly unknown[], shape: Shape, path: KeyPath, inAlias: boolean): unknown[] {
    return items.map((item, index) => {
      // The items of a parsed list are nodes; the library's type allows for built ones too.
      const found = value(item as Node | null, step(shape, index), [...path, index], inAlias);
      return found === REFUSED ? null : found;
    });
  }

  function map(node: YAMLMap, shape: Shape, path: KeyPath, inAlias: boolean): Record<string, unknown> {
    const data: Record<string, unknown> = {};
    const seen = new Set<string>();
    for (const pair of node.items) {
      const key = usableKey(pair, path, reporter);
      if (key === null) continue;
      const base = fileKeyBase(key, shape, pair);
      const name = base ?? key;
      if (seen.has(name)) {
        reporter.report('duplicate-key', [...path, key], 'is given here already', { node: keyNode(pair) });
        continue;
      }
      seen.add(name);
      const entryPath = [...path, name];
      const entryShape =
        path.length === 1 && path[0] === 'auth_plugins' ? (plugins.get(name) ?? step(shape, name)) : step(shape, name);
      // As for lists: parsed, so the value is a node.
      const found = value(
        pair.value as Node | null,
        base === null ? entryShape : { schemas: [], foreign: null },
        entryPath,
        inAlias,
      );
      const final = base === null || found === REFUSED ? found : fileContent(found, entryPath, keyNode(pair));
      if (final !== REFUSED) data[name] = final;
    }
    return data;
  }

  function fileContent(path: unknown, keyPath: KeyPath, key: Node | null): unknown {
    if (typeof path !== 'string' || path === '') {
      reporter.report('wrong-type', keyPath, 'expected the path of a file');
      return REFUSED;
    }
    const content = readSmallFile(resolve(dirname(document.file), path));
    if (content.text === null) {
      reporter.report('unreadable-file', keyPath, `the file cannot be read: ${content.why}`, { node: key });
      return REFUSED;
    }
    return content.text.replace(/\r?\n$/, '');
  }

  try {
    const data = value(document.root, root, [], false);
    return { data: data === null || data === REFUSED ? {} : data, substituted };
  } catch (error) {
    if (!(error instanceof AliasBomb)) throw error;
    reporter.report('yaml-alias-bomb', followed.path, 'aliases multiply too much, or contain themselves', {
      node: followed.node,
    });
    return { data: {}, substituted };
  }
}

class AliasBomb extends Error {}

function step(shape: Shape, key: string | number): Shape {
  return { schemas: below(shape.schemas, key), foreign: shape.foreign };
}

/** The `k` of a key `k_file`, where this place has such a thing. */
function fileKeyBase(key: string, shape: Shape, pair: Pair): string | null {
  if (!key.endsWith('_file') || key === '_file') return null;
  const base = key.slice(0, -'_file'.length);
  if (shape.foreign !== null) return shape.foreign.includes(key) || !isScalar(pair.value) ? null : base;
  const isOwn = shape.schemas.some((schema) => below([schema], key).length > 0);
  return !isOwn && mayComeFromFile(shape.schemas, base) ? base : null;
}

function usableKey(pair: Pair, path: KeyPath, reporter: Reporter): string | null {
  const key = keyText(pair);
  if (key === null) {
    reporter.report('wrong-type', path, 'a key must be a text', { node: keyNode(pair) });
    return null;
  }
  // It would name the object's prototype instead of an entry, and vanish.
  if (key === '__proto__') {
    reporter.report('unknown-key', [...path, key], 'this name cannot be used', { node: keyNode(pair) });
    return null;
  }
  return key;
}

function keyNode(pair: Pair): Node | null {
  return isNode(pair.key) ? pair.key : null;
}

/** A text file's content, or why not. Secrets, keys and password files are small; devices and pipes are not waited for. */
export function readSmallFile(path: string): { text: string; why: null } | { text: null; why: string } {
  try {
    const facts = statSync(path);
    if (!facts.isFile()) return { text: null, why: 'it is no file' };
    if (facts.size > LARGEST_FILE) return { text: null, why: 'it is larger than 1 MiB' };
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)), why: null };
  } catch (error) {
    return { text: null, why: fileFailure(error) };
  }
}

export function rootShape(schema: z.core.$ZodType): Shape {
  return { schemas: branches(schema), foreign: null };
}
