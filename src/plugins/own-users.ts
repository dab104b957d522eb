import { readFile, stat } from 'node:fs/promises';
import { classifyPassword } from '../adapters/passwords.ts';
import { parseHtpasswd } from '../config/htpasswd.ts';
import type { BasicOptions } from '../config/plugin-options.ts';
import type { BuiltInContext, OwnHashPlace } from './built-in.ts';

/** Users of one basic instance alone: from its `users` and its htpasswd file. */
export interface OwnUsers {
  /** The present hash; undefined where there is no such user. */
  hashOf(username: string): string | undefined;
  /** The hash that the password was good against, or null. Costs the same for a user that is not there. */
  verify(username: string, password: string): Promise<string | null>;
  close(): void;
}

/** How often the htpasswd file is looked at, in ms: what `htpasswd` changes holds within a second. */
const LOOK = 500;

export async function createOwnUsers(options: BasicOptions, context: BuiltInContext): Promise<OwnUsers> {
  const { passwords, log, instance, replaceOwnHash } = context;
  const configured = new Map(Object.entries(options.users ?? {}));
  const file = options.htpasswd;
  let fromFile: ReadonlyMap<string, string> = new Map();
  let seen = '';

  async function readHtpasswd(path: string): Promise<void> {
    const { mtimeMs, size, ino } = await stat(path);
    const version = `${mtimeMs} ${size} ${ino}`;
    if (version === seen) return;
    const { entries, problems } = parseHtpasswd(await readFile(path, 'utf8'));
    if (problems.length > 0)
      log('warn', 'htpasswd entries that cannot be used are left out', { lines: problems.map(({ line }) => line) });
    fromFile = entries;
    seen = version;
  }

  let timer: NodeJS.Timeout | undefined;
  if (file !== undefined) {
    await readHtpasswd(file);
    timer = setInterval(() => {
      readHtpasswd(file).catch((error: unknown) => {
        if (seen === '') return;
        // A file that is gone lets nobody in any more. It is said once.
        fromFile = new Map();
        seen = '';
        log('error', 'the htpasswd file cannot be read', { code: (error as NodeJS.ErrnoException).code ?? 'unknown' });
      });
    }, LOOK);
    timer.unref();
  }

  const hashOf = (username: string) => configured.get(username) ?? fromFile.get(username);

  /** In the background, never failing the login. */
  async function strengthen(username: string, expected: string, password: string): Promise<void> {
    const kind = classifyPassword(expected);
    if (kind.kind === 'argon2id' && !kind.outdated) return;
    const place: OwnHashPlace =
      configured.has(username) || file === undefined ? { kind: 'configuration' } : { kind: 'htpasswd', file };
    try {
      const next = await passwords.hash(password);
      await replaceOwnHash(instance, place, username, expected, next);
      if (place.kind === 'configuration') configured.set(username, next);
    } catch {
      log('debug', 'a hash was not replaced by a stronger one', { place: place.kind });
    }
  }

  return {
    hashOf,
    async verify(username, password) {
      const hash = hashOf(username) ?? null;
      if (!(await passwords.verify(hash, password)) || hash === null) return null;
      void strengthen(username, hash, password);
      return hash;
    },
    close: () => clearInterval(timer),
  };
}
