import type { Kysely, Transaction, Updateable } from 'kysely';
import type { UserStore } from '../domain/store.ts';
import type { User, UserFields } from '../domain/user.ts';
import { endFamilies } from './queries-refresh-tokens.ts';
import { parseList, type Tables } from './tables.ts';
import type { Emit, UnitOfWork } from './unit-of-work.ts';

/** The directory's database part; see UserStore. */
export function createUserStore({ read, write }: UnitOfWork): UserStore {
  return {
    findById: (id) =>
      read(async (db) => toUserOrNull(await selectUsers(db).where('users.id', '=', id).executeTakeFirst())),
    findByUsername: (username) =>
      read(async (db) => toUserOrNull(await selectUsers(db).where('users.username', '=', username).executeTakeFirst())),
    list: () => read(async (db) => (await selectUsers(db).orderBy('users.username').execute()).map(toUser)),

    insert: (id, fields, now) =>
      write(async (db, emit) => {
        const { username, name, email, roles, groups, networks, passwordHash } = fields;
        await db
          .insertInto('users')
          .values({
            id,
            username,
            name,
            email,
            roles: JSON.stringify(roles),
            groups: JSON.stringify(groups),
            networks: JSON.stringify(networks),
            password_hash: passwordHash,
            created_at: now,
            updated_at: now,
          })
          .execute();
        emit('user', id);
        return toUser(await selectUsers(db).where('users.id', '=', id).executeTakeFirstOrThrow());
      }),

    update: (id, fields, now) =>
      write(async (db, emit) => {
        const { numUpdatedRows } = await db
          .updateTable('users')
          .set({ ...columnsOf(fields), updated_at: now })
          .where('id', '=', id)
          .executeTakeFirst();
        if (numUpdatedRows > 0n) emit('user', id);
        return numUpdatedRows > 0n;
      }),

    replacePasswordHash: (id, expected, next, now) =>
      write(async (db, emit) => {
        const { numUpdatedRows } = await db
          .updateTable('users')
          .set({ password_hash: next, updated_at: now })
          .where('id', '=', id)
          .where('password_hash', '=', expected)
          .executeTakeFirst();
        if (numUpdatedRows > 0n) emit('user', id);
        return numUpdatedRows > 0n;
      }),

    delete: (id) =>
      write(async (db, emit) => {
        const { numDeletedRows } = await db.deleteFrom('users').where('id', '=', id).executeTakeFirst();
        if (numDeletedRows === 0n) return false;
        await db.deleteFrom('user_locks').where('user_id', '=', id).execute();
        emit('user', id);
        await endSessionsAndKeys(db, emit, id);
        // Nobody's access tokens are refused without being revoked.
        await db.deleteFrom('refresh_tokens').where('user_id', '=', id).execute();
        return true;
      }),

    async forgetStrangers(ofFile, now) {
      const strangers = await read(async (db) => {
        const users = (table: 'sessions' | 'api_keys' | 'refresh_tokens') =>
          db
            .selectFrom(table)
            .select('user_id')
            .distinct()
            .where('user_id', 'not in', (eb) => eb.selectFrom('users').select('id'));
        const rows = await users('sessions').union(users('api_keys')).union(users('refresh_tokens')).execute();
        return rows.map((row) => row.user_id).filter((id) => !ofFile.has(id));
      });
      if (strangers.length === 0) return strangers;
      return write(async (db, emit) => {
        for (const id of strangers) {
          emit('user', id);
          await endSessionsAndKeys(db, emit, id);
          await endFamilies(db, emit, { column: 'user_id', value: id, now });
        }
        return strangers;
      });
    },

    setLocked: (id, locked, now) =>
      write(async (db, emit) => {
        if (locked) {
          await db
            .insertInto('user_locks')
            .values({ user_id: id, locked_at: now })
            .onConflict((conflict) => conflict.column('user_id').doNothing())
            .execute();
        } else {
          await db.deleteFrom('user_locks').where('user_id', '=', id).execute();
        }
        emit('user', id);
        if (!locked) emit('login-attempts', id);
      }),

    announce: (id) => write(async (_db, emit) => emit('user', id)),

    isLocked: (id) =>
      read(
        async (db) =>
          (await db.selectFrom('user_locks').select('user_id').where('user_id', '=', id).executeTakeFirst()) !==
          undefined,
      ),
  };
}

async function endSessionsAndKeys(db: Transaction<Tables>, emit: Emit, userId: string): Promise<void> {
  const sessions = await db.deleteFrom('sessions').where('user_id', '=', userId).returning('id').execute();
  const keys = await db.deleteFrom('api_keys').where('user_id', '=', userId).returning('id').execute();
  for (const session of sessions) emit('session', session.id);
  for (const key of keys) emit('api-key', key.id);
}

function selectUsers(db: Kysely<Tables>) {
  return db
    .selectFrom('users')
    .leftJoin('user_locks', 'user_locks.user_id', 'users.id')
    .select(['users.id', 'username', 'name', 'email', 'roles', 'groups', 'networks', 'password_hash', 'locked_at']);
}

type UserRow = Awaited<ReturnType<ReturnType<typeof selectUsers>['executeTakeFirstOrThrow']>>;

function toUserOrNull(row: UserRow | undefined): User | null {
  return row === undefined ? null : toUser(row);
}

function toUser(row: UserRow): User {
  return {
    id: row.id,
    username: row.username,
    name: row.name,
    email: row.email,
    roles: parseList(row.roles),
    groups: parseList(row.groups),
    networks: parseList(row.networks),
    locked: row.locked_at !== null,
    passwordHash: row.password_hash,
    source: 'database',
  };
}

function columnsOf(fields: Partial<UserFields>): Updateable<Tables['users']> {
  const { username, name, email, roles, groups, networks, passwordHash } = fields;
  return {
    ...(username === undefined ? {} : { username }),
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
    ...(roles === undefined ? {} : { roles: JSON.stringify(roles) }),
    ...(groups === undefined ? {} : { groups: JSON.stringify(groups) }),
    ...(networks === undefined ? {} : { networks: JSON.stringify(networks) }),
    ...(passwordHash === undefined ? {} : { password_hash: passwordHash }),
  };
}
