import type { KeyPath } from './key-path.ts';
import { type Configuration, configurationSchema } from './schema.ts';
import { validate } from './validate.ts';

/** What is left of a configuration without the parts that the schema refuses. */
export interface Salvaged {
  readonly configuration: Configuration;
  /** The index in the file of each user and each rule that is left. */
  readonly origins: { readonly users: readonly number[]; readonly paths: readonly number[] };
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
  const origins = { users: indexes(rest['users']), paths: indexes(rest['paths']) };
  let remove = refused;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    for (const path of remove) cut(rest, path);
    for (const key of ['users', 'paths'] as const) {
      const list = rest[key];
      if (Array.isArray(list)) origins[key] = origins[key].filter((_, index) => list[index] !== HOLE);
    }
    for (const [key, value] of Object.entries(rest)) rest[key] = fillHoles(value);
    const result = validate(configurationSchema, rest);
    if (result.refusals === null) return { configuration: result.value, origins };
    remove = result.refusals.map((refusal) => refusal.remove);
  }
  return null;
}

/** A copy of the data without the refused parts. */
export function withoutRefused(data: unknown, refused: readonly KeyPath[]): unknown {
  const copy = structuredClone(data);
  for (const path of refused) cut(copy, path);
  return fillHoles(copy);
}

function indexes(value: unknown): number[] {
  return Array.isArray(value) ? [...value.keys()] : [];
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

function fillHoles(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => item !== HOLE).map(fillHoles);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillHoles(item)]));
}
