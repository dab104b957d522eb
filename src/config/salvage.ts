import type { KeyPath } from './key-path.ts';
import { type Configuration, configurationSchema } from './schema.ts';
import { validate } from './validate.ts';

/** What is left of a configuration without the parts that the schema refuses. */
export interface Salvaged {
  readonly configuration: Configuration;
  /** Where in the file a key path of what is left leads: items that were cut out of lists count there. */
  inFile(path: KeyPath): KeyPath;
}

const HOLE = Symbol('hole');
/** Removing one part can leave a list empty that must not be, and so on; what needs more rounds is not worth it. */
const MOST_ROUNDS = 4;

/**
 * Cuts refused parts out until the rest fits the schema, so that the checks of several keys can report their problems in
 * the same run. null where nothing sensible is left.
 */
export function salvage(data: unknown, refused: readonly KeyPath[]): Salvaged | null {
  if (typeof data !== 'object' || data === null) return null;
  const rest = structuredClone(data) as Record<string, unknown>;
  const origins: Origins = new Map();
  let remove = refused;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    for (const path of remove) cut(rest, path);
    for (const [key, value] of Object.entries(rest)) rest[key] = fillHoles(value, origins, [key]);
    const result = validate(configurationSchema, rest);
    if (result.refusals === null) return { configuration: result.value, inFile: (path) => translated(path, origins) };
    remove = result.refusals.map((refusal) => refusal.remove);
  }
  return null;
}

/** A copy of the data without the refused parts. */
export function withoutRefused(data: unknown, refused: readonly KeyPath[]): unknown {
  const copy = structuredClone(data);
  for (const path of refused) cut(copy, path);
  return fillHoles(copy, new Map(), []);
}

/** For the key path, in the file, of each list that lost an item: which of its items are left. */
type Origins = Map<string, readonly number[]>;

function translated(path: KeyPath, origins: Origins): KeyPath {
  const result: (string | number)[] = [];
  for (const step of path)
    result.push(typeof step === 'number' ? (origins.get(JSON.stringify(result))?.[step] ?? step) : step);
  return result;
}

function cut(data: unknown, path: KeyPath): void {
  let parent = data;
  for (const step of path.slice(0, -1)) {
    if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, step)) return;
    // An object that has the step as a key: the type system does not follow that.
    parent = (parent as Record<string | number, unknown>)[step];
  }
  const last = path.at(-1);
  if (last === undefined || typeof parent !== 'object' || parent === null) return;
  if (Array.isArray(parent) && typeof last === 'number') parent[last] = HOLE;
  // As above.
  else delete (parent as Record<string | number, unknown>)[last];
}

/** @param place of the value in the file */
function fillHoles(value: unknown, origins: Origins, place: KeyPath): unknown {
  if (Array.isArray(value)) {
    const key = JSON.stringify(place);
    const before = origins.get(key);
    const kept = [...value.keys()].filter((index) => value[index] !== HOLE);
    const left = kept.map((index) => before?.[index] ?? index);
    if (kept.length < value.length) origins.set(key, left);
    return kept.map((index, position) => fillHoles(value[index], origins, [...place, left[position] ?? index]));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, fillHoles(item, origins, [...place, key])]),
  );
}
