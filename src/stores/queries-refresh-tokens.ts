import type { Selectable, Transaction } from 'kysely';
import type { RefreshToken } from '../domain/refresh-token.ts';
import type { RefreshTokenStore, RevocationStore } from '../domain/store.ts';
import type { Tables } from './tables.ts';
import type { Emit, UnitOfWork } from './unit-of-work.ts';

/** Answers that are removed in one transaction: a few ms. */
const AT_ONCE = 500;

/** Refresh tokens; see RefreshTokenStore. A new one emits no change: nobody remembers any. */
export function createRefreshTokenStore({ read, write }: UnitOfWork): RefreshTokenStore {
  return {
    insert: (token) =>
      write(async (db) => {
        await db.insertInto('refresh_tokens').values(toRow(token)).execute();
      }),

    findById: (id) =>
      read(async (db) => {
        const row = await db.selectFrom('refresh_tokens').selectAll().where('id', '=', id).executeTakeFirst();
        return row === undefined ? null : toRefreshToken(row);
      }),

    spend: (id, { next, answer, now }) =>
      write(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('refresh_tokens')
          .set({ spent_at: now, successor_id: next.id, answer })
          .where('id', '=', id)
          .where('spent_at', 'is', null)
          .where('expires_at', '>', now)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) return false;
        await db.insertInto('refresh_tokens').values(toRow(next)).execute();
        return true;
      }),

    takeAnswer: (id, spentSince) =>
      write(async (db) => {
        // The transaction holds the write lock from its beginning: nobody else takes it in between.
        const row = await db
          .selectFrom('refresh_tokens')
          .select('answer')
          .where('id', '=', id)
          .where('spent_at', '>=', spentSince)
          .executeTakeFirst();
        if (row === undefined || row.answer === null) return null;
        await db.updateTable('refresh_tokens').set({ answer: null }).where('id', '=', id).execute();
        return row.answer;
      }),

    forgetAnswers: (spentBefore) =>
      write(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('refresh_tokens')
          .set({ answer: null })
          .where('id', 'in', (eb) =>
            eb
              .selectFrom('refresh_tokens')
              .select('id')
              .where('answer', 'is not', null)
              .where('spent_at', '<', spentBefore)
              .limit(AT_ONCE),
          )
          .executeTakeFirst();
        return Number(numUpdatedRows);
      }),

    revokeFamily: (familyId, now) =>
      write(async (db, emit) => (await endFamilies(db, emit, { column: 'family_id', value: familyId, now })) > 0),

    revokeByUser: (userId, now) =>
      write((db, emit) => endFamilies(db, emit, { column: 'user_id', value: userId, now })),

    statistics: (now) =>
      read(async (db) => {
        const rows = await db
          .selectFrom('refresh_tokens')
          .select((eb) => [
            'user_id as userId',
            eb.fn.countAll<number>().filterWhere('spent_at', 'is', null).as('families'),
            eb.fn.countAll<number>().filterWhere('access_expires_at', '>', now).as('accessTokens'),
            eb.fn.max('issued_at').as('lastIssuedAt'),
            eb.fn.max('access_expires_at').as('accessExpiresAt'),
            eb.fn.max('expires_at').as('refreshExpiresAt'),
          ])
          .where('expires_at', '>', now)
          .groupBy('user_id')
          .orderBy('user_id')
          .execute();
        return rows.map((row) => ({ ...row, families: Number(row.families), accessTokens: Number(row.accessTokens) }));
      }),

    deleteExpired: (now) =>
      write(async (db) => {
        const { numDeletedRows } = await db
          .deleteFrom('refresh_tokens')
          .where('expires_at', '<=', now)
          .executeTakeFirst();
        return Number(numDeletedRows);
      }),
  };
}

/**
 * Removes families and revokes what access tokens of theirs are still alive. Spent tokens go too: whoever comes with one finds nothing left to take.
 * @returns how many families there were
 */
export async function endFamilies(
  db: Transaction<Tables>,
  emit: Emit,
  which: { readonly column: 'family_id' | 'user_id'; readonly value: string; readonly now: number },
): Promise<number> {
  const families = await db
    .selectFrom('refresh_tokens')
    .select((eb) => ['family_id', eb.fn.max('access_expires_at').as('until')])
    .where(which.column, '=', which.value)
    .groupBy('family_id')
    .execute();
  for (const { family_id: id, until } of families) {
    if (until <= which.now) continue;
    await db
      .insertInto('revocations')
      .values({ id, expires_at: until })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
    emit('revocation', id);
  }
  await db.deleteFrom('refresh_tokens').where(which.column, '=', which.value).execute();
  return families.length;
}

/** Revoked access tokens; see RevocationStore. */
export function createRevocationStore({ read, write }: UnitOfWork): RevocationStore {
  return {
    insert: (id, until) =>
      write(async (db, emit) => {
        await db
          .insertInto('revocations')
          .values({ id, expires_at: until })
          .onConflict((conflict) => conflict.column('id').doNothing())
          .execute();
        emit('revocation', id);
      }),

    listLive: (now, after, limit) =>
      read(async (db) => {
        const rows = await db
          .selectFrom('revocations')
          .select('id')
          .where('id', '>', after)
          .where('expires_at', '>', now)
          .orderBy('id')
          .limit(limit)
          .execute();
        return rows.map(({ id }) => id);
      }),

    deleteExpired: (now) =>
      write(async (db) => {
        const { numDeletedRows } = await db.deleteFrom('revocations').where('expires_at', '<=', now).executeTakeFirst();
        return Number(numDeletedRows);
      }),
  };
}

function toRow(token: RefreshToken): Tables['refresh_tokens'] {
  return {
    id: token.id,
    secret_hash: token.secretHash,
    family_id: token.familyId,
    user_id: token.userId,
    issued_at: token.issuedAt,
    authenticated_at: token.authenticatedAt,
    expires_at: token.expiresAt,
    access_expires_at: token.accessExpiresAt,
    spent_at: token.spentAt,
    successor_id: token.successorId,
    answer: null,
  };
}

function toRefreshToken(row: Selectable<Tables['refresh_tokens']>): RefreshToken {
  return {
    id: row.id,
    secretHash: row.secret_hash,
    familyId: row.family_id,
    userId: row.user_id,
    issuedAt: row.issued_at,
    authenticatedAt: row.authenticated_at,
    expiresAt: row.expires_at,
    accessExpiresAt: row.access_expires_at,
    spentAt: row.spent_at,
    successorId: row.successor_id,
  };
}
