/** One thing that is wrong with a configuration. Never holds a value of the file, which might be a secret. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Key path such as `paths[2].roles`; empty for the whole file. */
  readonly path: string;
  /** Stable, such as `unknown-key`. */
  readonly code: ProblemCode;
  readonly message: string;
}

/** Every code with its meaning, as docs/configuration.md lists them. */
export const PROBLEM_CODES = {
  'unreadable-file': 'A file that is named cannot be read.',
  'yaml-syntax': 'The text is no YAML 1.2, or uses a part of it that is not read here (several documents, tags).',
  'yaml-alias-bomb': 'Aliases multiply to more than any honest configuration has, or contain themselves.',
  'duplicate-key': 'A key stands twice in one map, or as `k` and `k_file`. The place is the second one.',
  'unknown-key': 'There is no such key here.',
  'missing-key': 'A key that is needed is missing.',
  'wrong-type': 'Another type of value is wanted: text, number, `true` or `false`, list or map.',
  'invalid-value': 'The type is right and the value is not.',
  'missing-variable': 'An environment variable is not set and has no default.',
  'duplicate-name': 'Two users have one name, or a list names something twice.',
  'unknown-plugin': 'No plugin instance of this name is configured.',
  'unknown-plugin-type': 'There is no such plugin type.',
  'plugin-failed': 'Somebody else’s plugin cannot be loaded, or does not export a plugin.',
  'invalid-pattern': 'A regular expression that RE2 does not take, or that is too large.',
  'contradictory-rule': 'Keys of a rule that exclude each other.',
  'doubtful-path': 'A literal path that probably matches less than was meant. A warning.',
  'contradictory-options': 'Options that exclude each other.',
  'unreachable-rule': 'An earlier rule matches everything that this one matches.',
  'unusable-hash': 'A password hash of another scheme, a broken one, or one that would exhaust memory.',
  'weak-secret': 'A shared secret shorter than its hash (RFC 7518 section 3.2). A warning.',
  'trusts-everybody': '`trusted_proxies` names every address there is. A warning.',
  'insecure-cookie': 'The cookie would travel unencrypted. A warning.',
  'not-in-this-version':
    'This version cannot do it yet. An error, or a warning where ignoring it is harmless or refuses.',
  'ignored-key': 'A key that is accepted and does nothing. A warning.',
  'plain-text-password':
    'A password stays in the file as plain text, because its place cannot be rewritten. A warning.',
  'read-only-file': 'Hashes stay in memory, because the file cannot be written. A warning.',
  'test-failed': 'One of `tests` came out differently.',
} as const;

export type ProblemCode = keyof typeof PROBLEM_CODES;

/** `file:line:column: key.path: message`, as every command prints it. */
export function formatProblem(problem: Problem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`;
  const path = problem.path === '' ? '' : ` ${problem.path}:`;
  return `${where}:${path} ${problem.severity === 'warning' ? 'warning: ' : ''}${problem.message}`;
}
