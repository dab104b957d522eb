import { classifyPassword } from '../adapters/passwords.ts';
import { isUsername } from '../domain/user.ts';
import type { ProblemCode } from './problem.ts';
import { type RewriteOutcome, rewriteFile } from './replace-file.ts';

export interface HtpasswdProblem {
  /** From 1. */
  readonly line: number;
  readonly code: ProblemCode;
  /** Never names the hash. */
  readonly message: string;
}

/**
 * Reads an htpasswd file: `name:hash` lines, empty lines and `#` comments. Only bcrypt (`htpasswd -B`) and argon2id hashes
 * are taken; crypt, MD5, SHA-1 and plain text are problems.
 */
export function parseHtpasswd(text: string): {
  entries: ReadonlyMap<string, string>;
  problems: readonly HtpasswdProblem[];
} {
  const entries = new Map<string, string>();
  const problems: HtpasswdProblem[] = [];
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const refuse = (code: ProblemCode, message: string) => problems.push({ line: index + 1, code, message });
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    const hash = line.slice(colon + 1);
    if (colon === -1 || !isUsername(name)) refuse('invalid-value', 'expected name:hash');
    else if (entries.has(name)) refuse('duplicate-name', 'a user of this name stands above');
    else {
      const found = classifyPassword(hash);
      if (found.kind === 'argon2id' || found.kind === 'bcrypt') entries.set(name, hash);
      else
        refuse(
          'unusable-hash',
          `the hash cannot be used: ${found.kind === 'unusable' ? found.why : 'it is neither bcrypt nor argon2id'}; make it with htpasswd -B`,
        );
    }
  }
  return { entries, problems };
}

/**
 * Puts a new hash in an htpasswd file in the place of the expected one and keeps every other byte; `unchanged` where the
 * user's line is no longer what it was.
 */
export function replaceHtpasswdEntry(file: string, name: string, expected: string, value: string): RewriteOutcome {
  return rewriteFile(file, (text) => {
    const lines = text.split('\n');
    const index = lines.findIndex((line) => line.replace(/^\ufeff/, '').trim() === `${name}:${expected}`);
    const line = lines[index];
    if (line === undefined) return null;
    const at = line.indexOf(`${name}:`) + name.length + 1;
    lines[index] = line.slice(0, at) + value + line.slice(at + expected.length);
    return lines.join('\n');
  });
}
