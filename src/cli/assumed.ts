import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { Kysely } from 'kysely';
import type { Configuration } from '../config/schema.ts';
import type { Authentication } from '../decision/authenticate.ts';
import { USER_LOCKED } from '../domain/authentication.ts';
import type { UserStore } from '../domain/store.ts';
import { networksOf, type User } from '../domain/user.ts';
import { fileUserId } from '../flows/directory.ts';
import { makeIdentity } from '../plugins/plugin-api.ts';
import { NodeSqliteDialect, sqliteError } from '../stores/node-sqlite.ts';
import { createUserStore } from '../stores/queries-users.ts';
import type { Tables } from '../stores/tables.ts';

/** Whom a request is taken to come from; what is not given is the directory's, or empty. */
export interface Assumption {
  readonly user?: string | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly scopes?: readonly string[] | undefined;
}

/** What a plugin would find of somebody who has just logged in; nobody where nothing is assumed. `now` in ms since the epoch. */
export function assume({ user, roles, groups, scopes }: Assumption, known: User | null, now: number): Authentication {
  if (user === undefined && roles === undefined && groups === undefined && scopes === undefined)
    return { kind: 'nobody' };
  if (known?.locked === true) return { kind: 'rejected', rejection: USER_LOCKED };
  const username = user ?? '';
  const identity = makeIdentity({
    subject: known?.id ?? `assumed:${username}`,
    username,
    name: known?.name ?? '',
    email: known?.email ?? '',
    roles: roles ?? known?.roles ?? [],
    groups: groups ?? known?.groups ?? [],
    scopes: scopes ?? null,
    networks: known === null ? null : networksOf(known),
    userId: known?.id ?? (username === '' ? null : `assumed:${username}`),
    authenticatedAt: now,
    methods: [],
  });
  return { kind: 'identified', identity };
}

/** A user of the configuration file; null where it has none of the name. */
export function userOfFile(configuration: Configuration, username: string): User | null {
  const entry = configuration.users.find((user) => user.username === username);
  if (entry === undefined) return null;
  const { name, email, roles, groups, networks, locked } = entry;
  const id = fileUserId(username);
  return { id, username, name, email, roles, groups, networks, locked, passwordHash: null, source: 'file' };
}

/**
 * A user of the directory, looked up without making or changing anything on the disk.
 * @throws GatelodgeError `store-unavailable` where there is a database and it cannot be read
 */
export async function userOfDirectory(configuration: Configuration, username: string): Promise<User | null> {
  const inFile = userOfFile(configuration, username);
  const file = join(configuration.data_dir, 'gatelodge.db');
  if (!existsSync(file)) return inFile;
  return readUsers(file, async (users) => {
    if (inFile === null) return users.findByUsername(username);
    return { ...inFile, locked: inFile.locked || (await users.isLocked(inFile.id)) };
  });
}

async function readUsers<T>(file: string, look: (users: UserStore) => Promise<T>): Promise<T> {
  const url = pathToFileURL(file);
  // Even a reader makes SQLite's side files where nobody has the database open, and leaves them to a service that may not be
  // allowed to write them. Then nobody writes either, and it can be read as it stands.
  if (!existsSync(`${file}-wal`)) url.searchParams.set('immutable', '1');
  try {
    const database = new DatabaseSync(url, { readOnly: true, timeout: 5_000 });
    const db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(database) });
    try {
      return await look(
        createUserStore({ read: (query) => query(db), write: () => Promise.reject(new Error('read-only')) }),
      );
    } finally {
      await db.destroy();
    }
  } catch (error) {
    throw sqliteError(error);
  }
}
