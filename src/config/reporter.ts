import type { Node } from 'yaml';
import { type ConfigurationDocument, placeOf } from './document.ts';
import { formatKeyPath, type KeyPath } from './key-path.ts';
import type { Problem, ProblemCode } from './problem.ts';

export interface ReportOptions {
  readonly severity?: 'error' | 'warning';
  /** Which part of the entry the place is. Default the value. */
  readonly part?: 'key' | 'value';
  /** The place itself, where the path alone does not say which of two it is. */
  readonly node?: Node | null;
}

/** Collects problems and knows where in the file they are. */
export interface Reporter {
  readonly problems: readonly Problem[];
  /** @param message for people; never a value of the file */
  report(code: ProblemCode, path: KeyPath, message: string, options?: ReportOptions): void;
  add(problem: Problem): void;
  /** Whether an error was reported at this path or above it. */
  isRefused(path: KeyPath): boolean;
}

export function createReporter(document: ConfigurationDocument): Reporter {
  const problems: Problem[] = [];
  const refused = new Set<string>();
  return {
    problems,
    report(code, path, message, options = {}) {
      const severity = options.severity ?? 'error';
      const offset = options.node?.range?.[0];
      const place =
        offset === undefined ? placeOf(document, path, options.part ?? 'value') : document.positionOf(offset);
      problems.push({ severity, file: document.file, ...place, path: formatKeyPath(path), code, message });
      // The first of two keys stands, and may have faults of its own.
      if (severity === 'error' && code !== 'duplicate-key') refused.add(JSON.stringify(path));
    },
    add(problem) {
      problems.push(problem);
    },
    isRefused(path) {
      return path.some((_, index) => refused.has(JSON.stringify(path.slice(0, index + 1))));
    },
  };
}

/** The same reporter for whoever speaks of other key paths than the file has. */
export function reporterFor(reporter: Reporter, inFile: (path: KeyPath) => KeyPath): Reporter {
  return {
    problems: reporter.problems,
    report: (code, path, message, options) => reporter.report(code, inFile(path), message, options),
    add: reporter.add,
    isRefused: (path) => reporter.isRefused(inFile(path)),
  };
}
