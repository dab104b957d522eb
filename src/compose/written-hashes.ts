import { replaceHtpasswdEntry } from '../config/htpasswd.ts';
import { replaceScalars } from '../config/write-back.ts';
import { GatelodgeError } from '../domain/errors.ts';

/** Puts a hash in the place of one value of the configuration file. @throws GatelodgeError `conflict` where it is another by now */
export async function writeHash(
  file: string,
  path: readonly (string | number)[],
  expected: string,
  value: string,
): Promise<void> {
  const { outcome, skipped } = replaceScalars(file, [{ path: [...path], expected, value }]);
  if (outcome !== 'written' || skipped.length > 0)
    throw new GatelodgeError('conflict', 'the configuration file cannot be written');
}

/** The same in an htpasswd file. */
export async function writeHtpasswd(file: string, username: string, expected: string, next: string): Promise<void> {
  if (replaceHtpasswdEntry(file, username, expected, next) !== 'written')
    throw new GatelodgeError('conflict', 'the htpasswd file cannot be written');
}
