import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { failureCode } from '../domain/system-failure.ts';

export type RewriteOutcome = 'written' | 'unchanged' | 'read-only';

const READ_ONLY_CODES = ['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'EXDEV'];
const MOST_ATTEMPTS = 3;

/**
 * Replaces a text file's content atomically: whoever reads it sees all of the old text or all of the new. Mode and owner
 * stay. A change that somebody makes between reading and replacing is not lost: `edit` is asked again, with the new text.
 * @param edit the new text, or null to leave the file as it is
 * @returns `read-only` where the file's mode or its directory do not let it be replaced, or where it keeps changing
 * @throws what the file system throws where the file cannot be read
 */
export function rewriteFile(path: string, edit: (text: string) => string | null): RewriteOutcome {
  // A link (as container platforms mount configuration) stays a link.
  const file = realpathSync(path);
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const before = readFileSync(file);
    const text = edit(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(before));
    if (text === null) return 'unchanged';
    try {
      if (replace(file, before, text)) return 'written';
    } catch (error) {
      if (READ_ONLY_CODES.includes(failureCode(error))) return 'read-only';
      throw error;
    }
  }
  return 'read-only';
}

/** False where the file is no longer what it was. */
function replace(file: string, before: Buffer, text: string): boolean {
  const original = openSync(file, 'r+');
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}`);
  try {
    const facts = fstatSync(original);
    // The superuser may write everything, but a file that nobody may write is meant to stay as it is.
    if ((facts.mode & 0o222) === 0) throw Object.assign(new Error('the file is read-only'), { code: 'EACCES' });
    const target = openSync(temporary, 'wx', 0o600);
    try {
      try {
        fchownSync(target, facts.uid, facts.gid);
      } catch (error) {
        // Only the superuser may give files away. A file of another owner is left alone rather than taken over.
        if (facts.uid !== process.getuid?.()) throw error;
      }
      fchmodSync(target, facts.mode & 0o7777);
      writeFileSync(target, text);
      fsyncSync(target);
    } finally {
      closeSync(target);
    }
    if (!readFileSync(file).equals(before)) return false;
    renameSync(temporary, file);
    syncDirectory(dirname(file));
    return true;
  } finally {
    closeSync(original);
    rmSync(temporary, { force: true });
  }
}

/** The new name is on the disk only when its directory is. */
function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
