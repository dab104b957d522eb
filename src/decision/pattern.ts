import { LRUCache } from 'lru-cache';
import { RE2JS } from 're2js';
import { GatelodgeError } from '../domain/errors.ts';

/** A compiled regular expression, anchored at the start. */
export interface Pattern {
  test(text: string): boolean;
}

const MAX_SOURCE = 4_096;
/** Linear is not fast: the time for a character grows with the program, so a program has a limit too. */
const MAX_PROGRAM = 5_000;

/**
 * Compiles RE2 syntax (linear time: no lookaround, no back-references), anchored at the start.
 * @throws GatelodgeError `configuration-invalid`, with what is wrong with the pattern
 */
export function compilePattern(source: string): Pattern {
  if (source.length > MAX_SOURCE)
    throw new GatelodgeError('configuration-invalid', `the pattern is longer than ${MAX_SOURCE} characters`);
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(`^(?:${source})`);
  } catch (error) {
    throw new GatelodgeError('configuration-invalid', `no RE2 pattern: ${reasonOf(error)}`, { cause: error });
  }
  // `)|(` closes the anchor's group early and would match anywhere: the pattern has to stand by itself too.
  try {
    RE2JS.compile(source);
  } catch (error) {
    throw new GatelodgeError('configuration-invalid', `no RE2 pattern: ${reasonOf(error)}`, { cause: error });
  }
  if (compiled.programSize() > MAX_PROGRAM)
    throw new GatelodgeError('configuration-invalid', 'the pattern is too large');
  const beginning = wholeBeginning(source);
  return beginning === null ? compiled : { test: (path) => path.startsWith(beginning) };
}

/** The library's message without the pattern, which may have been filled in from elsewhere; short pieces of syntax help. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return error.message.replace(/: `(.*)`$/s, (quote, piece: string) => (piece.length > 8 ? '' : quote));
}

/**
 * The text of a pattern that is no more than the beginning of a path, such as `^/api/v1/.*$`; null for every other. Most patterns
 * are, and to compare a beginning costs a tenth of running a program. A canonical path has no line break that `.` would stop at.
 */
export function wholeBeginning(source: string): string | null {
  const literal = /^\^?((?:[^\\^$.|?*+()[\]{}]|\\[./_~-])*)(?:\.\*\$?)?$/.exec(source)?.[1];
  return literal === undefined ? null : literal.replace(/\\(.)/g, '$1');
}

/**
 * Ten thousand compiled patterns would hold 250 MB, so only those in use are kept. All of them were compiled once when the
 * configuration was checked, which is why compiling here cannot fail.
 */
const inUse = new LRUCache<string, Pattern>({ max: 2_000 });

export function patternMatches(source: string, path: string): boolean {
  let pattern = inUse.get(source);
  if (pattern === undefined) {
    pattern = compilePattern(source);
    inUse.set(source, pattern);
  }
  return pattern.test(path);
}

/**
 * The text that every match of the pattern begins with, up to and including its last slash; empty where none can be told.
 * Only what is certain counts: an alternation that may be at the top level, a quoted run or flags give the empty text.
 */
export function literalPrefix(source: string): string {
  if (source.includes('\\Q')) return '';
  if (source.includes('|') && (source.includes('[') || alternatesAtTop(source))) return '';
  let prefix = '';
  let at = source.startsWith('^') ? 1 : 0;
  while (at < source.length) {
    const character = source.charAt(at);
    if (character === '\\') {
      const escaped = source.charAt(at + 1);
      if (!/[^A-Za-z0-9]/.test(escaped)) break;
      prefix += escaped;
      at += 2;
      continue;
    }
    if ('.[(^$|)'.includes(character)) break;
    if ('*?+{'.includes(character)) {
      // The quantifier belongs to the last character, which may then be missing.
      prefix = prefix.slice(0, -1);
      break;
    }
    prefix += character;
    at += 1;
  }
  return prefix.slice(0, prefix.lastIndexOf('/') + 1);
}

function alternatesAtTop(source: string): boolean {
  let depth = 0;
  for (let at = 0; at < source.length; at += 1) {
    const character = source.charAt(at);
    if (character === '\\') at += 1;
    else if (character === '(') depth += 1;
    else if (character === ')') depth -= 1;
    else if (character === '|' && depth === 0) return true;
  }
  return false;
}
