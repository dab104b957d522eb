import type { Selectable } from 'kysely';
import type { SigningKey } from '../domain/signing-key.ts';
import type { SigningKeyStore } from '../domain/store.ts';
import { parseObject, type Tables } from './tables.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/** Signing keys, one signing at a time for each purpose and algorithm; see SigningKeyStore. */
export function createSigningKeyStore({ read, write }: UnitOfWork): SigningKeyStore {
  return {
    list: () =>
      read(async (db) => {
        const rows = await db
          .selectFrom('signing_keys')
          .selectAll()
          .orderBy('created_at', 'desc')
          .orderBy('kid')
          .execute();
        return rows.map(toSigningKey);
      }),

    rotate: (key, { retiredVerifiesUntil, onlyIfNone }) =>
      write(async (db, emit) => {
        // The transaction holds the write lock from its beginning: nothing comes between looking and doing.
        const signing = await db
          .selectFrom('signing_keys')
          .select('kid')
          .where('purpose', '=', key.purpose)
          .where('algorithm', '=', key.algorithm)
          .where('retired_at', 'is', null)
          .execute();
        if (onlyIfNone && signing.length > 0) return false;
        for (const { kid } of signing) {
          const retirement = { retired_at: key.createdAt, verifies_until: retiredVerifiesUntil };
          await db.updateTable('signing_keys').set(retirement).where('kid', '=', kid).execute();
          emit('signing-key', kid);
        }
        await db.insertInto('signing_keys').values(toRow(key)).execute();
        emit('signing-key', key.kid);
        return true;
      }),

    deleteExpired: (now) =>
      write(async (db) => {
        const { numDeletedRows } = await db
          .deleteFrom('signing_keys')
          .where('verifies_until', '<=', now)
          .executeTakeFirst();
        return Number(numDeletedRows);
      }),
  };
}

function toRow(key: SigningKey): Tables['signing_keys'] {
  return {
    kid: key.kid,
    purpose: key.purpose,
    algorithm: key.algorithm,
    public_jwk: JSON.stringify(key.publicJwk),
    sealed_private_jwk: key.sealedPrivateJwk,
    created_at: key.createdAt,
    retired_at: key.retiredAt,
    verifies_until: key.verifiesUntil,
  };
}

function toSigningKey(row: Selectable<Tables['signing_keys']>): SigningKey {
  return {
    kid: row.kid,
    purpose: row.purpose,
    algorithm: row.algorithm,
    publicJwk: parseObject(row.public_jwk),
    sealedPrivateJwk: row.sealed_private_jwk,
    createdAt: row.created_at,
    retiredAt: row.retired_at,
    verifiesUntil: row.verifies_until,
  };
}
