import type { Selectable } from 'kysely';
import type { Session } from '../domain/session.ts';
import type { SessionStore } from '../domain/store.ts';
import { batches, timesById } from './newest-times.ts';
import type { Tables } from './tables.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/** Browsers' logins; see SessionStore. A new one emits no change: nobody can have remembered it yet. */
export function createSessionStore({ read, write }: UnitOfWork): SessionStore {
  return {
    insert: (session) =>
      write(async (db) => {
        await db.insertInto('sessions').values(toRow(session)).execute();
      }),

    findById: (id) =>
      read(async (db) => {
        const row = await db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirst();
        return row === undefined ? null : toSession(row);
      }),

    listByUser: (userId) =>
      read(async (db) => {
        const all = db.selectFrom('sessions').selectAll().orderBy('created_at').orderBy('id');
        const rows = await (userId === null ? all : all.where('user_id', '=', userId)).execute();
        return rows.map(toSession);
      }),

    countLive: (now) =>
      read(async (db) => {
        const { count } = await db
          .selectFrom('sessions')
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .where('expires_at', '>', now)
          .where((eb) => eb.or([eb('idle', 'is', null), eb(eb('last_seen_at', '+', eb.ref('idle')), '>', now)]))
          .executeTakeFirstOrThrow();
        return Number(count);
      }),

    delete: (id) =>
      write(async (db, emit) => {
        const { numDeletedRows } = await db.deleteFrom('sessions').where('id', '=', id).executeTakeFirst();
        if (numDeletedRows > 0n) emit('session', id);
        return numDeletedRows > 0n;
      }),

    deleteByUser: (userId) =>
      write(async (db, emit) => {
        const rows = await db.deleteFrom('sessions').where('user_id', '=', userId).returning('id').execute();
        for (const row of rows) emit('session', row.id);
        return rows.length;
      }),

    touch: (seen) =>
      write(async (db) => {
        for (const batch of batches(seen)) {
          await db
            .updateTable('sessions')
            .from(timesById(batch).as('seen'))
            .set((eb) => ({ last_seen_at: eb.ref('seen.column2') }))
            .whereRef('sessions.id', '=', 'seen.column1')
            .whereRef('sessions.last_seen_at', '<', 'seen.column2')
            .execute();
        }
      }),

    deleteExpired: (now) =>
      write(async (db) => {
        const { numDeletedRows } = await db
          .deleteFrom('sessions')
          .where((eb) => eb.or([eb('expires_at', '<=', now), eb(eb('last_seen_at', '+', eb.ref('idle')), '<=', now)]))
          .executeTakeFirst();
        return Number(numDeletedRows);
      }),
  };
}

function toRow(session: Session): Tables['sessions'] {
  return {
    id: session.id,
    secret_hash: session.secretHash,
    user_id: session.userId,
    created_at: session.createdAt,
    authenticated_at: session.authenticatedAt,
    expires_at: session.expiresAt,
    idle: session.idle,
    last_seen_at: session.lastSeenAt,
  };
}

function toSession(row: Selectable<Tables['sessions']>): Session {
  return {
    id: row.id,
    secretHash: row.secret_hash,
    userId: row.user_id,
    createdAt: row.created_at,
    authenticatedAt: row.authenticated_at,
    expiresAt: row.expires_at,
    idle: row.idle,
    lastSeenAt: row.last_seen_at,
  };
}
