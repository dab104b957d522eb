import { isAlias, isScalar, type Node } from 'yaml';
import { z } from 'zod';
import { type ConfigurationDocument, locate } from './document.ts';
import type { KeyPath } from './key-path.ts';
import { nearName } from './near-name.ts';
import type { ProblemCode } from './problem.ts';
import type { Reporter } from './reporter.ts';
import { below, branches, knownKeys } from './schema-shape.ts';

type Issue = z.core.$ZodIssue;

/** One thing that a schema refuses, and the path that has to go so that the rest can still be looked at. */
export interface Refusal {
  readonly code: ProblemCode;
  readonly path: KeyPath;
  readonly part: 'key' | 'value';
  readonly message: string;
  readonly remove: KeyPath;
}

export type Validation<Output> =
  | { readonly value: Output; readonly refusals: null }
  | { readonly value: null; readonly refusals: readonly Refusal[] };

/** Holds data against a schema. What is refused is told by paths and by what is wanted, never by a value. */
export function validate<Schema extends z.ZodType>(schema: Schema, data: unknown): Validation<z.output<Schema>> {
  const result = schema.safeParse(data);
  if (result.success) return { value: result.data, refusals: null };
  return { value: null, refusals: result.error.issues.flatMap((issue) => refusals(issue, [], data, schema)) };
}

/**
 * Reports refusals at their places, unless something was reported there already.
 * @param prefix key path of the data in the document
 */
export function reportRefusals(
  refusals: readonly Refusal[],
  prefix: KeyPath,
  document: ConfigurationDocument,
  reporter: Reporter,
): void {
  for (const refusal of refusals) {
    const path = [...prefix, ...refusal.path];
    if (reporter.isRefused(path) || isLeftOut(refusal, prefix, document)) continue;
    const hint = spellingHint(refusal, locate(document, path)?.value ?? null, document);
    reporter.report(refusal.code, path, hint ?? refusal.message, { part: refusal.part });
  }
}

/** A key that is there but was refused on the way (an unset variable, an unreadable file) is not missing too. */
function isLeftOut(refusal: Refusal, prefix: KeyPath, document: ConfigurationDocument): boolean {
  return refusal.code === 'missing-key' && locate(document, [...prefix, ...refusal.path]) !== null;
}

function refusals(issue: Issue, base: KeyPath, data: unknown, schema: z.ZodType, chosen = false): Refusal[] {
  // JSON-like data has no symbols as keys.
  const path = [...base, ...(issue.path as KeyPath)];
  if (issue.code === 'unrecognized_keys') {
    const alternatives = schemasAt(schema, path);
    const maps = alternatives.filter((alternative) => knownKeys([alternative]).length > 0);
    if (maps.length > 1 && !(chosen && issue.path.length === 0)) {
      // zod has chosen the one alternative whose values are right, though the keys are those of another.
      const errors = maps.map((alternative) => z.safeParse(alternative, valueAt(data, path)).error?.issues ?? []);
      return unionRefusals(errors, path, data, schema);
    }
    return issue.keys.map((key) => {
      const message = unknownKeyMessage(key, alternatives, valueAt(data, path));
      const full = [...path, key];
      return { code: 'unknown-key', path: full, part: 'key', message, remove: full };
    });
  }
  if (issue.code === 'invalid_union') return unionRefusals(issue.errors, path, data, schema);
  if (issue.code === 'invalid_key') {
    const message = issue.issues[0]?.message ?? 'no valid name';
    return [{ code: 'invalid-value', path, part: 'key', message, remove: path }];
  }
  const found = valueAt(data, path);
  if (found === undefined && path.length > 0) {
    return [{ code: 'missing-key', path, part: 'value', message: 'is missing', remove: path.slice(0, -1) }];
  }
  const mismatch = isMismatch(issue, found);
  return [
    {
      code: mismatch ? 'wrong-type' : 'invalid-value',
      path,
      part: 'value',
      message: messageOf(issue, found),
      remove: path,
    },
  ];
}

/** A key of another alternative is known, but not beside keys that only this one has. */
function unknownKeyMessage(key: string, alternatives: readonly z.core.$ZodType[], map: unknown): string {
  const others = alternatives.map((alternative) => knownKeys([alternative])).filter((keys) => keys.includes(key));
  if (others.length > 0) {
    const beside = Object.keys(typeof map === 'object' && map !== null ? map : {}).filter((name) =>
      others.every((keys) => !keys.includes(name)),
    );
    return `cannot stand here together with ${beside.join(', ')}`;
  }
  const near = nearName(key, knownKeys(alternatives));
  return near === null ? 'unknown key' : `unknown key: did you mean ${near}?`;
}

/** The branch that was probably meant: the one whose type is right and that has the fewest faults. */
function unionRefusals(
  errors: readonly (readonly Issue[])[],
  path: KeyPath,
  data: unknown,
  schema: z.ZodType,
): Refusal[] {
  const found = valueAt(data, path);
  if (found === undefined)
    return [{ code: 'missing-key', path, part: 'value', message: 'is missing', remove: path.slice(0, -1) }];
  const alternatives = errors.map((issues) => issues.flatMap((issue) => refusals(issue, path, data, schema, true)));
  const isPlain = (list: readonly Refusal[]) =>
    list.every((refusal) => refusal.path.length === path.length && refusal.message.startsWith('expected '));
  if (alternatives.every(isPlain)) {
    const all = alternatives.flat();
    const texts = all.map((refusal) => refusal.message.slice('expected '.length).replace(NOTHING, ''));
    const wanted = new Set(texts.filter((text) => text !== ''));
    const code = all.every((refusal) => refusal.code === 'wrong-type') ? 'wrong-type' : 'invalid-value';
    return [
      {
        code,
        path,
        part: 'value',
        message: `expected ${[...wanted].join(', or ')}${found === null ? NOTHING : ''}`,
        remove: path,
      },
    ];
  }
  const elsewhere = alternatives.filter(
    (list) => !isPlain(list) || list.some((refusal) => refusal.code !== 'wrong-type'),
  );
  const cost = (list: readonly Refusal[]) => list.reduce((sum, refusal) => sum + (FAULT_COSTS[refusal.code] ?? 1), 0);
  return elsewhere.reduce((best, list) => (cost(list) < cost(best) ? list : best));
}

const NOTHING = ', and there is nothing';

/** An unknown key tells a wrong branch more surely than a wrong value does. */
const FAULT_COSTS: Partial<Record<ProblemCode, number>> = { 'unknown-key': 3, 'missing-key': 2 };

function isMismatch(issue: Issue, found: unknown): boolean {
  return (
    issue.code === 'invalid_type' ||
    (issue.code === 'invalid_value' && !issue.values.some((value) => typeof value === typeof found))
  );
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'keys with values ({key: value})',
  record: 'keys with values ({key: value})',
  array: 'a list ([a, b])',
  null: 'null',
};

function messageOf(issue: Issue, found: unknown): string {
  switch (issue.code) {
    case 'invalid_type': {
      // Ours; zod's own begin otherwise. Quotes around a number do not make a duration of it.
      if (issue.message.startsWith('expected ')) return issue.message;
      const expected = `expected ${TYPE_NAMES[issue.expected] ?? issue.expected}`;
      if (found === null) return expected + NOTHING;
      return issue.expected === 'string' && typeof found === 'number' ? `${expected}: put it in quotes` : expected;
    }
    case 'invalid_value':
      return `expected ${issue.values.map(String).join(', ')}`.replace(/, (?=[^,]*$)/, ' or ');
    case 'too_small':
      if (!issue.message.startsWith('Too small')) return issue.message;
      return issue.origin === 'string' || issue.origin === 'array'
        ? 'must not be empty'
        : `must be at least ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'string'
        ? `must be at most ${issue.maximum} characters`
        : `must be at most ${issue.maximum}`;
    case 'invalid_format':
      return issue.format === 'email' ? 'expected an e-mail address' : issue.message;
    default:
      return issue.message;
  }
}

/** YAML 1.1 took these for booleans and many people still write them. */
function spellingHint(refusal: Refusal, node: Node | null, document: ConfigurationDocument): string | null {
  const scalar = isAlias(node) ? document.targets.get(node) : node;
  if (!isScalar(scalar) || scalar.type !== 'PLAIN' || typeof scalar.value !== 'string') return null;
  if (!refusal.message.includes('true or false') || !/^(?:y|n|yes|no|on|off)$/i.test(scalar.value)) return null;
  return `${refusal.message}: YAML 1.2 takes yes, no, on and off for texts`;
}

function schemasAt(schema: z.ZodType, path: KeyPath): readonly z.core.$ZodType[] {
  return path.reduce<readonly z.core.$ZodType[]>((schemas, step) => below(schemas, step), branches(schema));
}

function valueAt(data: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    // hasOwn has just shown that the step is a key; the type system does not follow that.
    return (value as Record<string | number, unknown>)[step];
  }, data);
}
