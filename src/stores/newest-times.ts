import { type RawBuilder, sql } from 'kysely';

/** Two parameters a row: far below what a database takes in one statement, large enough that the statements' number is nothing. */
const BATCH = 500;

/** The entries in portions that one statement can carry. */
export function* batches(times: ReadonlyMap<string, number>): Generator<readonly (readonly [string, number])[]> {
  const entries = [...times];
  for (let start = 0; start < entries.length; start += BATCH) yield entries.slice(start, start + BATCH);
}

/**
 * A table of ids (`column1`) and times (`column2`), as SQLite and PostgreSQL both name the columns of bare `values`, so that
 * one `update … from` writes a whole batch instead of holding the write lock for hundreds of statements.
 */
export function timesById(
  batch: readonly (readonly [string, number])[],
): RawBuilder<{ column1: string; column2: number }> {
  const rows = batch.map(([id, time]) => sql`(${id}, cast(${time} as bigint))`);
  return sql<{ column1: string; column2: number }>`(values ${sql.join(rows)})`;
}
