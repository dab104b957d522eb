import { isScalar, type Scalar } from 'yaml';
import { type ConfigurationDocument, locate, parseConfigurationText } from './document.ts';
import { escapeReferences, interpolate } from './interpolate.ts';
import type { KeyPath } from './key-path.ts';
import { type RewriteOutcome, rewriteFile } from './replace-file.ts';

/** One text in the configuration that is to be replaced, if it still is what it was. */
export interface Replacement {
  readonly path: KeyPath;
  readonly expected: string;
  readonly value: string;
}

export interface ReplacementResult {
  readonly outcome: RewriteOutcome;
  /** What was left alone: changed meanwhile, or taken from the environment, from another file or from an alias. */
  readonly skipped: readonly KeyPath[];
}

/**
 * Replaces single texts in a YAML file by double-quoted ones and keeps every other byte: comments, order, line endings,
 * quoting. Only a text that stands in the file itself and still is `expected` is replaced.
 */
export function replaceScalars(file: string, replacements: readonly Replacement[]): ReplacementResult {
  let skipped: KeyPath[] = [];
  const outcome = rewriteFile(file, (text) => {
    skipped = [];
    const { document } = parseConfigurationText(file, text);
    const edits = new Map<Scalar, Replacement>();
    for (const replacement of replacements) {
      const scalar = document === null ? null : ownScalar(document, replacement.path, replacement.expected);
      if (scalar === null) skipped.push(replacement.path);
      else edits.set(scalar, replacement);
    }
    if (edits.size === 0) return null;
    const next = edited(text, edits);
    // A file that would not mean what was intended is never written.
    const { document: reread } = parseConfigurationText(file, next);
    const isRight =
      reread !== null && [...edits.values()].every(({ path, value }) => ownScalar(reread, path, value) !== null);
    return isRight ? next : null;
  });
  return { outcome, skipped };
}

/** The scalar that holds the expected text; null where the text is not this place's own. */
function ownScalar(document: ConfigurationDocument, path: KeyPath, expected: string): Scalar | null {
  const located = locate(document, path);
  if (located === null || located.fromFile || located.shared) return null;
  const scalar = located.value;
  if (!isScalar(scalar) || scalar.anchor !== undefined || typeof scalar.value !== 'string') return null;
  const plain = interpolate(scalar.value, {});
  return !plain.substituted && !plain.malformed && plain.text === expected ? scalar : null;
}

function edited(text: string, edits: ReadonlyMap<Scalar, Replacement>): string {
  let result = text;
  const fromTheEnd = [...edits].sort(([a], [b]) => (b.range?.[0] ?? 0) - (a.range?.[0] ?? 0));
  for (const [scalar, { value }] of fromTheEnd) {
    if (scalar.range === undefined || scalar.range === null) continue;
    const [start, end] = scalar.range;
    // A block scalar's source includes the end of its last line.
    const ending = /\r?\n$/.exec(text.slice(start, end))?.[0] ?? '';
    result = result.slice(0, start) + quoted(escapeReferences(value)) + ending + result.slice(end);
  }
  return result;
}

/** A YAML double-quoted text on one line. JSON's escapes are YAML's too; the ones below JSON leaves as they are. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
