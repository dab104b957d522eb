import { createHash } from 'node:crypto';
import type { FileUser } from '../config/schema.ts';
import type { Clock } from '../domain/clock.ts';
import { GatelodgeError } from '../domain/errors.ts';
import { andThen, type MaybePromise } from '../domain/maybe-promise.ts';
import type { UserStore } from '../domain/store.ts';
import type { User } from '../domain/user.ts';
import { createRecordCache } from './record-cache.ts';

/** All users, those of the configuration file and those of the database, as one. Answers at once for whoever was asked for lately. */
export interface Directory {
  byId(id: string): MaybePromise<User | null>;
  byUsername(username: string): MaybePromise<User | null>;
  list(): Promise<readonly User[]>;
  /** Puts a stronger hash of the same password in place, where the place can be written; otherwise the old one stays. */
  replacePasswordHash(user: User, next: string): Promise<void>;
  /** Lets go of what is remembered of a user, or of everybody. */
  forget(id: string | null): void;
}

export interface DirectoryParts {
  /** Their passwords are hashes by now. A name that stands in both parts is the file's. */
  readonly fileUsers: readonly FileUser[];
  readonly store: UserStore;
  readonly clock: Clock;
  /** Writes a file user's new hash into the configuration; null where that can't be done. */
  readonly writeFileHash: ((username: string, expected: string, next: string) => Promise<void>) | null;
  /** The present hashes in the configuration file, by user name, after a command has changed one; null where it can't be read. */
  readonly readFileHashes: (() => Promise<ReadonlyMap<string, string> | null>) | null;
}

/** The stable id of a file user: it survives restarts and says nothing, and no name of the database can collide with it. */
export function fileUserId(username: string): string {
  return `usr_f${createHash('sha256').update(`gatelodge file user\0${username}`).digest('base64url').slice(0, 16)}`;
}

const REMEMBERED_USERS = 50_000;

export function createDirectory({ fileUsers, store, clock, writeFileHash, readFileHashes }: DirectoryParts): Directory {
  const idsOfFile = new Map(fileUsers.map((user) => [user.username, fileUserId(user.username)]));
  const file = new Map(fileUsers.map((user) => [fileUserId(user.username), user]));
  const hashes = new Map(fileUsers.map((user) => [user.username, user.password ?? null]));

  /** File users that a command has changed: their password is read again before it is next held against anything. */
  const changed = new Set<string>();
  let reading: Promise<ReadonlyMap<string, string> | null> | null = null;

  /** One reading for all who were changed; one that began before the newest change is not believed. */
  async function readChanged(id: string): Promise<void> {
    while (readFileHashes !== null && changed.has(id)) {
      reading ??= readFileHashes();
      const asked = reading;
      const present = await asked;
      if (asked !== reading) continue;
      reading = null;
      for (const one of changed) {
        const username = file.get(one)?.username ?? '';
        // Which password is theirs now cannot be told: none is, until the next change or reload.
        if (present === null) hashes.set(username, null);
        else hashes.set(username, present.get(username) ?? hashes.get(username) ?? null);
      }
      changed.clear();
    }
  }

  const load = async (id: string): Promise<User | null> => {
    const entry = file.get(id);
    if (entry === undefined) {
      const user = await store.findById(id);
      return user === null || idsOfFile.has(user.username) ? null : user;
    }
    // First, since a store that is away also tells of changes all the time, and reading would never be done.
    const locked = entry.locked || (await store.isLocked(id));
    await readChanged(id);
    return fileUser(entry, hashes.get(entry.username) ?? null, locked);
  };
  const byId = createRecordCache<User>(load, REMEMBERED_USERS, ({ id }) => id);
  // The name leads to the id only; who that is, is remembered in one place.
  const byUsername = createRecordCache<Pick<User, 'id' | 'username'>>(
    async (asked) => {
      const user = await store.findByUsername(asked);
      return user === null ? null : { id: user.id, username: user.username };
    },
    REMEMBERED_USERS,
    ({ username }) => username,
  );

  return {
    byId: (id) => byId.get(id),
    byUsername(username) {
      const fileId = idsOfFile.get(username);
      if (fileId !== undefined) return byId.get(fileId);
      return andThen(byUsername.get(username), (found) =>
        found === null ? null : andThen(byId.get(found.id), (user) => (user?.username === username ? user : null)),
      );
    },
    async list() {
      const database = (await store.list()).filter((user) => !idsOfFile.has(user.username));
      const fromFile = await Promise.all([...file.keys()].map(load));
      return [...fromFile.filter((user) => user !== null), ...database];
    },
    async replacePasswordHash(user, next) {
      if (user.passwordHash === null) return;
      if (user.source === 'database') {
        await store.replacePasswordHash(user.id, user.passwordHash, next, clock());
      } else if (writeFileHash !== null) {
        await writeFileHash(user.username, user.passwordHash, next);
        hashes.set(user.username, next);
      }
      byId.forget(user.id);
    },
    forget(id) {
      // A name can pass from one user to another, so all names go with any change; they are few and cheap to find again.
      byUsername.clear();
      for (const one of id === null ? file.keys() : [id]) if (file.has(one)) changed.add(one);
      reading = null;
      if (id === null) byId.clear();
      else byId.forget(id);
    },
  };
}

function fileUser(entry: FileUser, passwordHash: string | null, locked: boolean): User {
  const { username, name, email, roles, groups, networks } = entry;
  const id = fileUserId(username);
  return { id, username, name, email, roles, groups, networks, locked, passwordHash, source: 'file' };
}

/** The user behind a credential; null where there is none any more, or they are locked. */
export async function activeUser(directory: Pick<Directory, 'byId'>, id: string): Promise<User | null> {
  const user = await directory.byId(id);
  return user === null || user.locked ? null : user;
}

/** The user, or an error that commands show. @throws GatelodgeError `not-found` */
export async function requireUser(directory: Directory, username: string): Promise<User> {
  const user = await directory.byUsername(username);
  if (user === null) throw new GatelodgeError('not-found', `there is no user ${username}`);
  return user;
}
