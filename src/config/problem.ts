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

export type ProblemCode =
  | 'unreadable-file'
  | 'yaml-syntax'
  | 'yaml-alias-bomb'
  | 'duplicate-key'
  | 'unknown-key'
  | 'missing-key'
  | 'wrong-type'
  | 'invalid-value'
  | 'missing-variable'
  | 'duplicate-name'
  | 'unknown-plugin'
  | 'unknown-plugin-type'
  | 'plugin-failed'
  | 'invalid-pattern'
  | 'contradictory-rule'
  | 'unreachable-rule'
  | 'unusable-hash'
  | 'weak-secret'
  | 'not-in-this-version'
  | 'ignored-key'
  | 'plain-text-password'
  | 'read-only-file'
  | 'test-failed';

/** `file:line:column: key.path: message`, as every command prints it. */
export function formatProblem(problem: Problem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`;
  const path = problem.path === '' ? '' : ` ${problem.path}:`;
  return `${where}:${path} ${problem.severity === 'warning' ? 'warning: ' : ''}${problem.message}`;
}
