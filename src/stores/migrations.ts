import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { GatelodgeError } from '../domain/errors.ts';
import type { Tables } from './tables.ts';

/** Run in the order of their names, each once. One that was released is never edited: the next one changes what it made. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-first-tables': {
    async up(db) {
      await db.schema
        .createTable('users')
        .addColumn('id', 'text', (column) => column.notNull().primaryKey())
        .addColumn('username', 'text', (column) => column.notNull().unique())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('email', 'text', (column) => column.notNull())
        .addColumn('roles', 'text', (column) => column.notNull())
        .addColumn('groups', 'text', (column) => column.notNull())
        .addColumn('password_hash', 'text')
        .addColumn('created_at', 'integer', (column) => column.notNull())
        .addColumn('updated_at', 'integer', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('user_locks')
        .addColumn('user_id', 'text', (column) => column.notNull().primaryKey())
        .addColumn('locked_at', 'integer', (column) => column.notNull())
        .execute();
      // No foreign keys to users: most owners of sessions and keys may be users of the configuration file.
      await db.schema
        .createTable('sessions')
        .addColumn('id', 'text', (column) => column.notNull().primaryKey())
        .addColumn('secret_hash', 'blob', (column) => column.notNull())
        .addColumn('user_id', 'text', (column) => column.notNull())
        .addColumn('created_at', 'integer', (column) => column.notNull())
        .addColumn('authenticated_at', 'integer', (column) => column.notNull())
        .addColumn('expires_at', 'integer', (column) => column.notNull())
        .addColumn('idle', 'integer')
        .addColumn('last_seen_at', 'integer', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('sessions_of_user').on('sessions').column('user_id').execute();
      await db.schema
        .createTable('api_keys')
        .addColumn('id', 'text', (column) => column.notNull().primaryKey())
        .addColumn('secret_hash', 'blob', (column) => column.notNull())
        .addColumn('user_id', 'text', (column) => column.notNull())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('scopes', 'text', (column) => column.notNull())
        .addColumn('created_at', 'integer', (column) => column.notNull())
        .addColumn('expires_at', 'integer')
        .addColumn('last_used_at', 'integer')
        .execute();
      await db.schema.createIndex('api_keys_of_user').on('api_keys').column('user_id').execute();
      await db.schema
        .createTable('signing_keys')
        .addColumn('kid', 'text', (column) => column.notNull().primaryKey())
        .addColumn('algorithm', 'text', (column) => column.notNull())
        .addColumn('public_jwk', 'text', (column) => column.notNull())
        .addColumn('sealed_private_jwk', 'blob', (column) => column.notNull())
        .addColumn('created_at', 'integer', (column) => column.notNull())
        .addColumn('retired_at', 'integer')
        .addColumn('verifies_until', 'integer')
        .execute();
      // Whatever goes wrong elsewhere, one key at most signs for an algorithm.
      await db.schema
        .createIndex('one_signing_key')
        .unique()
        .on('signing_keys')
        .column('algorithm')
        .where(sql.ref('retired_at'), 'is', null)
        .execute();
      await db.schema
        .createTable('changes')
        // Autoincrement: a number is never given again, not even when the newest rows are gone.
        .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('entity_id', 'text', (column) => column.notNull())
        .addColumn('origin', 'text', (column) => column.notNull())
        .addColumn('changed_at', 'integer', (column) => column.notNull())
        .execute();
    },
  },
  '0003-purposes-of-signing-keys': {
    async up(db) {
      // Whatever there is signs access tokens: nothing else was signed before.
      await db.schema
        .alterTable('signing_keys')
        .addColumn('purpose', 'text', (column) => column.notNull().defaultTo('access-token'))
        .execute();
      await db.schema.dropIndex('one_signing_key').execute();
      await db.schema
        .createIndex('one_signing_key')
        .unique()
        .on('signing_keys')
        .columns(['purpose', 'algorithm'])
        .where(sql.ref('retired_at'), 'is', null)
        .execute();
    },
  },
  '0004-whole-api-keys': {
    async up(db) {
      // The keys there are have all of their owner's roles, from anywhere and from now on. SQLite adds one column at a time.
      const keys = () => db.schema.alterTable('api_keys');
      await keys().addColumn('previous_secret_hash', 'blob').execute();
      await keys().addColumn('previous_until', 'integer').execute();
      await keys().addColumn('roles', 'text').execute();
      await keys()
        .addColumn('networks', 'text', (column) => column.notNull().defaultTo('[]'))
        .execute();
      await keys().addColumn('created_by', 'text').execute();
      await keys().addColumn('not_before', 'integer').execute();
      await keys().addColumn('rotated_at', 'integer').execute();
    },
  },
  '0005-refresh-tokens': {
    async up(db) {
      await db.schema
        .createTable('refresh_tokens')
        .addColumn('id', 'text', (column) => column.notNull().primaryKey())
        .addColumn('secret_hash', 'blob', (column) => column.notNull())
        .addColumn('family_id', 'text', (column) => column.notNull())
        .addColumn('user_id', 'text', (column) => column.notNull())
        .addColumn('issued_at', 'integer', (column) => column.notNull())
        .addColumn('authenticated_at', 'integer', (column) => column.notNull())
        .addColumn('expires_at', 'integer', (column) => column.notNull())
        .addColumn('access_expires_at', 'integer', (column) => column.notNull())
        .addColumn('spent_at', 'integer')
        .addColumn('successor_id', 'text')
        .addColumn('answer', 'blob')
        .execute();
      await db.schema
        .createIndex('refresh_tokens_of_family')
        .on('refresh_tokens')
        .columns(['family_id', 'access_expires_at'])
        .execute();
      await db.schema.createIndex('refresh_tokens_of_user').on('refresh_tokens').column('user_id').execute();
      await db.schema.createIndex('refresh_tokens_by_end').on('refresh_tokens').column('expires_at').execute();
      await db.schema
        .createTable('revocations')
        .addColumn('id', 'text', (column) => column.notNull().primaryKey())
        .addColumn('expires_at', 'integer', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('revocations_by_end').on('revocations').column('expires_at').execute();
    },
  },
  '0006-networks-of-users': {
    async up(db) {
      await db.schema
        .alterTable('users')
        .addColumn('networks', 'text', (column) => column.notNull().defaultTo('[]'))
        .execute();
    },
  },
  '0007-jwthenticator': {
    async up(db) {
      await db.schema
        .createTable('jwthenticator_keys')
        .addColumn('id', 'text', (column) => column.notNull().primaryKey())
        .addColumn('key_hash', 'blob', (column) => column.notNull().unique())
        .addColumn('identifier', 'text', (column) => column.notNull())
        .addColumn('created_at', 'integer', (column) => column.notNull())
        .addColumn('expires_at', 'integer', (column) => column.notNull())
        .execute();
      // No foreign key: a refresh token may outlive its key.
      await db.schema
        .createTable('jwthenticator_refresh_tokens')
        .addColumn('id', 'text', (column) => column.notNull().primaryKey())
        .addColumn('token_hash', 'blob', (column) => column.notNull().unique())
        .addColumn('key_id', 'text', (column) => column.notNull())
        .addColumn('created_at', 'integer', (column) => column.notNull())
        .addColumn('expires_at', 'integer', (column) => column.notNull())
        .execute();
      for (const column of ['key_id', 'expires_at']) {
        await db.schema
          .createIndex(`jwthenticator_refresh_tokens_by_${column}`)
          .on('jwthenticator_refresh_tokens')
          .column(column)
          .execute();
      }
      await db.schema
        .createTable('jwthenticator_sealed')
        .addColumn('name', 'text', (column) => column.notNull().primaryKey())
        .addColumn('sealed', 'blob', (column) => column.notNull())
        .execute();
    },
  },
  '0008-answers-of-refresh-tokens': {
    async up(db) {
      // Of those alone that still have one: a handful.
      await db.schema
        .createIndex('refresh_tokens_with_answer')
        .on('refresh_tokens')
        .column('spent_at')
        .where(sql<boolean>`answer is not null`)
        .execute();
    },
  },
};

/**
 * Brings the database to this version's tables; several processes may do so at once.
 * Rejects with `store-unavailable` where a newer version has been there, whose data this one would misread.
 */
export async function migrate(db: Kysely<Tables>): Promise<void> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (tables.some((table) => table.name === 'kysely_migration')) {
    const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
    if (rows.some((row) => !Object.hasOwn(MIGRATIONS, row.name))) {
      throw new GatelodgeError('store-unavailable', 'the database belongs to a newer version of gatelodge');
    }
  }
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...MIGRATIONS }) } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}
