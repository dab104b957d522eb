import type { Selectable } from 'kysely';
import type { ApiKey } from '../domain/api-key.ts';
import type { ApiKeyStore } from '../domain/store.ts';
import { batches, timesById } from './newest-times.ts';
import { parseList, type Tables } from './tables.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/** Programs' keys; see ApiKeyStore. A new one emits no change: nobody can have remembered it yet. */
export function createApiKeyStore({ read, write }: UnitOfWork): ApiKeyStore {
  return {
    insert: (key) =>
      write(async (db) => {
        await db.insertInto('api_keys').values(toRow(key)).execute();
      }),

    findById: (id) =>
      read(async (db) => {
        const row = await db.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst();
        return row === undefined ? null : toApiKey(row);
      }),

    list: (userId) =>
      read(async (db) => {
        const all = db.selectFrom('api_keys').selectAll().orderBy('created_at').orderBy('id');
        const rows = await (userId === null ? all : all.where('user_id', '=', userId)).execute();
        return rows.map(toApiKey);
      }),

    delete: (id) =>
      write(async (db, emit) => {
        const { numDeletedRows } = await db.deleteFrom('api_keys').where('id', '=', id).executeTakeFirst();
        if (numDeletedRows > 0n) emit('api-key', id);
        return numDeletedRows > 0n;
      }),

    rotate: (id, { expected, next, previousUntil, at }) =>
      write(async (db, emit) => {
        const { numUpdatedRows } = await db
          .updateTable('api_keys')
          .set({
            secret_hash: next,
            previous_secret_hash: previousUntil === null ? null : expected,
            previous_until: previousUntil,
            rotated_at: at,
          })
          .where('id', '=', id)
          .where('secret_hash', '=', expected)
          .executeTakeFirst();
        if (numUpdatedRows > 0n) emit('api-key', id);
        return numUpdatedRows > 0n;
      }),

    deleteExpired: (until) =>
      write(async (db) => {
        const { numDeletedRows } = await db.deleteFrom('api_keys').where('expires_at', '<=', until).executeTakeFirst();
        return Number(numDeletedRows);
      }),

    touch: (used) =>
      write(async (db) => {
        for (const batch of batches(used)) {
          await db
            .updateTable('api_keys')
            .from(timesById(batch).as('used'))
            .set((eb) => ({ last_used_at: eb.ref('used.column2') }))
            .whereRef('api_keys.id', '=', 'used.column1')
            .where((eb) =>
              eb.or([
                eb('api_keys.last_used_at', 'is', null),
                eb('api_keys.last_used_at', '<', eb.ref('used.column2')),
              ]),
            )
            .execute();
        }
      }),
  };
}

function toRow(key: ApiKey): Tables['api_keys'] {
  return {
    id: key.id,
    secret_hash: key.secretHash,
    user_id: key.userId,
    name: key.name,
    scopes: JSON.stringify(key.scopes),
    created_at: key.createdAt,
    expires_at: key.expiresAt,
    last_used_at: key.lastUsedAt,
    previous_secret_hash: key.previous?.secretHash ?? null,
    previous_until: key.previous?.until ?? null,
    roles: key.roles === null ? null : JSON.stringify(key.roles),
    networks: JSON.stringify(key.networks),
    created_by: key.createdBy,
    not_before: key.notBefore,
    rotated_at: key.rotatedAt,
  };
}

function toApiKey(row: Selectable<Tables['api_keys']>): ApiKey {
  const { previous_secret_hash: previousHash, previous_until: until } = row;
  return {
    id: row.id,
    secretHash: row.secret_hash,
    previous: previousHash === null || until === null ? null : { secretHash: previousHash, until },
    userId: row.user_id,
    name: row.name,
    scopes: parseList(row.scopes),
    roles: row.roles === null ? null : parseList(row.roles),
    networks: parseList(row.networks),
    createdAt: row.created_at,
    createdBy: row.created_by,
    notBefore: row.not_before,
    rotatedAt: row.rotated_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  };
}
