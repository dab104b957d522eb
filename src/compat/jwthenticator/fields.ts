import { parseUuid } from '../../domain/uuid.ts';

/** `key`: a text that is not empty. */
export type FieldKind = 'text' | 'key' | 'uuid';

/** What is wrong with a body, as marshmallow words it: by field, those of the call first. Empty where it is no JSON. */
export type FieldProblems = ReadonlyMap<string, readonly string[]>;

export type LoadedFields<N extends string> =
  | { readonly values: Readonly<Record<N, string>>; readonly problems: null }
  | { readonly values: null; readonly problems: FieldProblems };

/** A body of 1 MiB has room for a hundred thousand fields, and telling of each would hold everybody else up. */
const MOST_PROBLEMS = 1_000;

/** Reads a call's fields out of a body, and tells everything that is wrong with it at once. UUIDs come out canonical. */
export function loadFields<N extends string>(body: Uint8Array, kinds: Readonly<Record<N, FieldKind>>): LoadedFields<N> {
  const parsed = parseBody(body);
  if (parsed === undefined) return { values: null, problems: new Map() };
  if (typeof parsed.json !== 'object' || parsed.json === null || Array.isArray(parsed.json))
    return { values: null, problems: new Map([['_schema', ['Invalid input type.']]]) };
  // Every JSON object that is no array is a record of unknown values.
  const given = parsed.json as Readonly<Record<string, unknown>>;
  const problems = new Map<string, readonly string[]>();
  const values = new Map<string, string>();
  for (const [name, kind] of Object.entries<FieldKind>(kinds)) {
    const { value, problem } = loadField(Object.hasOwn(given, name), given[name], kind);
    if (problem === null) values.set(name, value);
    else problems.set(name, [problem]);
  }
  for (const name in given) {
    if (problems.size >= MOST_PROBLEMS) break;
    if (!Object.hasOwn(kinds, name)) problems.set(name, ['Unknown field.']);
  }
  if (problems.size > 0) return { values: null, problems };
  // Without problems there is a value for each of the kinds.
  return { values: Object.fromEntries(values) as Record<N, string>, problems: null };
}

function loadField(
  isGiven: boolean,
  value: unknown,
  kind: FieldKind,
): { readonly value: string; readonly problem: null } | { readonly value: null; readonly problem: string } {
  const refuse = (problem: string) => ({ value: null, problem });
  if (!isGiven) return refuse('Missing data for required field.');
  if (value === null) return refuse('Field may not be null.');
  if (kind === 'uuid') {
    const uuid = parseUuid(value);
    return uuid === null ? refuse('Not a valid UUID.') : { value: uuid, problem: null };
  }
  // Half a surrogate pair has no bytes to hash: all of them would be one key.
  if (typeof value !== 'string' || !value.isWellFormed()) return refuse('Not a valid string.');
  if (kind === 'key' && value === '') return refuse('Shorter than minimum length 1.');
  return { value, problem: null };
}

/** The body as JSON, whatever its content type says; undefined where it is none. A byte order mark is no JSON. */
function parseBody(body: Uint8Array): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)) };
  } catch {
    return undefined;
  }
}
