import {
  type Alias,
  Composer,
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  type Scalar,
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import type { KeyPath } from './key-path.ts';
import type { Problem, ProblemCode } from './problem.ts';

/** A parsed configuration file: its nodes know where they stand in the text. */
export interface ConfigurationDocument {
  readonly file: string;
  readonly text: string;
  /** null where the file says nothing. */
  readonly root: Node | null;
  /** What each alias stands for; one without an anchor before it is missing here. */
  readonly targets: ReadonlyMap<Alias, Node>;
  /** Line and column from 1 of an offset into `text`. */
  positionOf(offset: number): { line: number; column: number };
}

export interface Located {
  readonly key: Scalar | null;
  readonly value: Node | null;
  /** True where the value is read from another file: the key is `<name>_file`. */
  readonly fromFile: boolean;
  /** True where an alias or an anchor is on the way: the text stands for more than this place. */
  readonly shared: boolean;
}

const MOST_CHARACTERS = 16 * 1024 * 1024;
/** Far beyond any honest configuration, far below what would exhaust the stack of the recursive steps behind it. */
const DEEPEST = 64;
const MOST_SYNTAX_PROBLEMS = 20;

/** The parser's own messages quote the source, where secrets are; these do not. */
const SYNTAX_MESSAGES: Partial<Record<ErrorCode, string>> = {
  BAD_ALIAS: 'no such anchor before this alias',
  BAD_DIRECTIVE: 'a directive that cannot be used here',
  BAD_DQ_ESCAPE: 'no such escape in double quotes: use single quotes, or double the backslash',
  BAD_INDENT: 'wrong indentation',
  BAD_SCALAR_START: 'a text cannot begin with this character: put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a map or list cannot begin on this line',
  BLOCK_IN_FLOW: 'block style cannot stand inside { } or [ ]',
  MISSING_CHAR: 'a character is missing: a colon, comma, quote or bracket',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line, with a colon behind it',
  TAB_AS_INDENT: 'tabs cannot indent: use blanks',
  TAG_RESOLVE_FAILED: 'an unknown tag: a text that begins with an exclamation mark needs quotes',
  UNEXPECTED_TOKEN: 'something stands here that cannot: check quotes, brackets and indentation',
};

/** Parses YAML 1.2 text. With problems there is no document: what a broken text means is not guessed. */
export function parseConfigurationText(
  file: string,
  text: string,
): { document: ConfigurationDocument; problems: null } | { document: null; problems: Problem[] } {
  const lines = new LineCounter();
  lines.addNewLine(0);
  // The byte order mark is no column of the first line.
  const mark = text.startsWith('\ufeff') ? 1 : 0;
  const positionOf = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(line <= 1 ? col - mark : col, 1) };
  };
  const refuse = (offset: number, message: string, code: ProblemCode = 'yaml-syntax'): Problem => ({
    severity: 'error',
    file,
    ...positionOf(offset),
    path: '',
    code,
    message,
  });
  if (text.length > MOST_CHARACTERS) return { document: null, problems: [refuse(0, 'the file is larger than 16 MiB')] };
  const parser = new Parser(lines.addNewLine);
  const tokens = [];
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > 2 * DEEPEST) {
      return { document: null, problems: [refuse(parser.offset, `nested more than ${DEEPEST} deep`)] };
    }
  }
  for (const token of parser.end()) tokens.push(token);
  // Duplicate keys are found by the walk over the nodes, which knows both places.
  const composer = new Composer({ version: '1.2', uniqueKeys: false, prettyErrors: false });
  const [first, second] = [...composer.compose(tokens, true, text.length)];
  const problems =
    first === undefined ? [] : distinct(syntaxErrors(first), text).map(({ at, message }) => refuse(at, message));
  if (first?.directives.yaml.explicit === true && first.directives.yaml.version !== '1.2')
    problems.push(refuse(0, 'only YAML 1.2 is read'));
  if (second !== undefined) problems.push(refuse(second.range[0], 'only one document may stand in the file'));
  if (problems.length > 0) return { document: null, problems: problems.slice(0, MOST_SYNTAX_PROBLEMS) };
  const root = first?.contents ?? null;
  return { document: { file, text, root, targets: aliasTargets(first), positionOf }, problems: null };
}

function syntaxErrors(document: Document.Parsed): readonly YAMLError[] {
  return [...document.errors, ...document.warnings];
}

/** Each once: a bracket that is never closed is an error of every level above it, all at the end of the text. */
function distinct(errors: readonly YAMLError[], text: string): { at: number; message: string }[] {
  const found = errors.map((error) => ({ at: error.pos[0], message: syntaxMessage(error, text) }));
  return found.filter(({ at, message }, index) => {
    return found.findIndex((other) => other.at === at && other.message === message) === index;
  });
}

function syntaxMessage(error: YAMLError, text: string): string {
  const message = SYNTAX_MESSAGES[error.code] ?? 'no valid YAML';
  const start = text.lastIndexOf('\n', error.pos[0] - 1) + 1;
  const line = text.slice(start).split('\n', 1)[0] ?? '';
  return line.includes('${') ? `${message} (inside { } and [ ], put "\${…}" in quotes)` : message;
}

/** An alias means the last anchor of its name before it (YAML 1.2 section 7.1). */
function aliasTargets(document: Document.Parsed | undefined): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  if (document === undefined) return targets;
  visit(document, {
    Node(_key, node) {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target !== undefined) targets.set(node, target);
      } else if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return targets;
}

/** A key's text. Keys that look like numbers or booleans are texts too; null where it is no plain key. */
export function keyText(pair: Pair): string | null {
  const { key } = pair;
  if (!isScalar(key) || key.value === null) return null;
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
}

/** The first entry of that name in a map. */
export function findPair(map: YAMLMap, name: string): Pair | undefined {
  return map.items.find((pair) => keyText(pair) === name);
}

/** Where a key path leads; null where there is nothing. `k_file` is found for `k`. */
export function locate(document: ConfigurationDocument, path: KeyPath): Located | null {
  let located: Located = { key: null, value: document.root, fromFile: false, shared: false };
  for (const step of path) {
    let node = located.value;
    let shared = located.shared;
    if (isAlias(node)) node = document.targets.get(node) ?? null;
    if (node !== null && node !== located.value) shared = true;
    if (node?.anchor !== undefined && !isAlias(node)) shared = true;
    if (typeof step === 'number') {
      if (!isSeq(node) || step >= node.items.length) return null;
      // The items of a parsed list are nodes; the library's type allows for built ones too.
      located = { key: null, value: node.items[step] as Node | null, fromFile: false, shared };
      continue;
    }
    if (!isMap(node)) return null;
    const own = findPair(node, step);
    const pair = own ?? findPair(node, `${step}_file`);
    if (pair === undefined) return null;
    // As above: parsed, so key and value are nodes.
    located = {
      key: isScalar(pair.key) ? pair.key : null,
      value: pair.value as Node | null,
      fromFile: own === undefined,
      shared,
    };
  }
  return located;
}

/** Line and column of a key path: of its value, or of its key; of the nearest place above where the path leads nowhere. */
export function placeOf(
  document: ConfigurationDocument,
  path: KeyPath,
  part: 'key' | 'value',
): { line: number; column: number } {
  for (let length = path.length; length > 0; length -= 1) {
    const located = locate(document, path.slice(0, length));
    if (located === null) continue;
    const node =
      part === 'key' && length === path.length ? (located.key ?? located.value) : (located.value ?? located.key);
    return document.positionOf(node?.range?.[0] ?? 0);
  }
  return document.positionOf(document.root?.range?.[0] ?? 0);
}
