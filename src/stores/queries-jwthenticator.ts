import type { Selectable } from 'kysely';
import type { JwthenticatorKey, JwthenticatorRefreshToken, JwthenticatorStore } from '../domain/jwthenticator.ts';
import type { Tables } from './tables.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/** Keys and refresh tokens of the JWThenticator mount; see JwthenticatorStore. */
export function createJwthenticatorStore({ read, write }: UnitOfWork): JwthenticatorStore {
  return {
    register: (key) =>
      write(async (db) => {
        // The transaction holds the write lock from its beginning: nothing comes between looking and doing.
        const present = await db
          .selectFrom('jwthenticator_keys')
          .selectAll()
          .where('key_hash', '=', key.keyHash)
          .executeTakeFirst();
        if (present === undefined) {
          const { id, keyHash, identifier, createdAt, expiresAt } = key;
          const times = { created_at: createdAt, expires_at: expiresAt };
          await db
            .insertInto('jwthenticator_keys')
            .values({ id, key_hash: keyHash, identifier, ...times })
            .execute();
          return key;
        }
        const expires_at = Math.max(present.expires_at, key.expiresAt);
        await db.updateTable('jwthenticator_keys').set({ expires_at }).where('id', '=', present.id).execute();
        return toKey({ ...present, expires_at });
      }),

    findKey: (keyHash) =>
      read(async (db) => {
        const row = await db
          .selectFrom('jwthenticator_keys')
          .selectAll()
          .where('key_hash', '=', keyHash)
          .executeTakeFirst();
        return row === undefined ? null : toKey(row);
      }),

    listKeys: () =>
      read(async (db) => {
        const rows = await db
          .selectFrom('jwthenticator_keys')
          .selectAll()
          .orderBy('created_at')
          .orderBy('id')
          .execute();
        return rows.map(toKey);
      }),

    deleteKey: (id, { keepRefreshTokens }) =>
      write(async (db) => {
        const { numDeletedRows } = await db.deleteFrom('jwthenticator_keys').where('id', '=', id).executeTakeFirst();
        if (numDeletedRows === 0n) return false;
        if (!keepRefreshTokens) await db.deleteFrom('jwthenticator_refresh_tokens').where('key_id', '=', id).execute();
        return true;
      }),

    insertRefreshToken: (token) =>
      write(async (db) => {
        const key = await db
          .selectFrom('jwthenticator_keys')
          .select('id')
          .where('id', '=', token.keyId)
          .executeTakeFirst();
        if (key === undefined) return false;
        await db.insertInto('jwthenticator_refresh_tokens').values(toRow(token)).execute();
        return true;
      }),

    findRefreshToken: (tokenHash) =>
      read(async (db) => {
        const row = await db
          .selectFrom('jwthenticator_refresh_tokens')
          .selectAll()
          .where('token_hash', '=', tokenHash)
          .executeTakeFirst();
        return row === undefined ? null : toRefreshToken(row);
      }),

    listRefreshTokens: () =>
      read(async (db) => {
        const all = db.selectFrom('jwthenticator_refresh_tokens').selectAll();
        return (await all.orderBy('created_at').orderBy('id').execute()).map(toRefreshToken);
      }),

    deleteRefreshToken: (id) =>
      write(async (db) => {
        const { numDeletedRows } = await db
          .deleteFrom('jwthenticator_refresh_tokens')
          .where('id', '=', id)
          .executeTakeFirst();
        return numDeletedRows > 0n;
      }),

    deleteExpired: (now) =>
      write(async (db) => {
        const { numDeletedRows } = await db
          .deleteFrom('jwthenticator_refresh_tokens')
          .where('expires_at', '<=', now)
          .executeTakeFirst();
        return Number(numDeletedRows);
      }),

    findSealed: (name) =>
      read(async (db) => {
        const row = await db
          .selectFrom('jwthenticator_sealed')
          .select('sealed')
          .where('name', '=', name)
          .executeTakeFirst();
        return row?.sealed ?? null;
      }),

    keepSealed: (name, sealed) =>
      write(async (db) => {
        const all = db.selectFrom('jwthenticator_sealed').select('sealed').where('name', '=', name);
        const present = await all.executeTakeFirst();
        if (present !== undefined) return present.sealed;
        await db.insertInto('jwthenticator_sealed').values({ name, sealed }).execute();
        return sealed;
      }),

    replaceSealed: (name, present, next) =>
      write(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('jwthenticator_sealed')
          .set({ sealed: next })
          .where('name', '=', name)
          .where('sealed', '=', present)
          .executeTakeFirst();
        return numUpdatedRows > 0n;
      }),
  };
}

function toKey(row: Selectable<Tables['jwthenticator_keys']>): JwthenticatorKey {
  const { id, identifier } = row;
  return { id, keyHash: row.key_hash, identifier, createdAt: row.created_at, expiresAt: row.expires_at };
}

function toRow(token: JwthenticatorRefreshToken): Tables['jwthenticator_refresh_tokens'] {
  return {
    id: token.id,
    token_hash: token.tokenHash,
    key_id: token.keyId,
    created_at: token.createdAt,
    expires_at: token.expiresAt,
  };
}

function toRefreshToken(row: Selectable<Tables['jwthenticator_refresh_tokens']>): JwthenticatorRefreshToken {
  return {
    id: row.id,
    tokenHash: row.token_hash,
    keyId: row.key_id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
