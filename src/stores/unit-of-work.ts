import type { Kysely, Transaction } from 'kysely';
import type { GatelodgeError } from '../domain/errors.ts';
import type { Change } from '../domain/store.ts';
import type { RecordedChangeFeed } from './change-feed.ts';
import type { Tables } from './tables.ts';

/** What the queries of every table run in. Whatever the driver throws leaves it as a GatelodgeError. */
export interface UnitOfWork {
  read<T>(query: (db: Kysely<Tables>) => Promise<T>): Promise<T>;
  /** One transaction with the changes it emits: both are there or neither, and they are told before this resolves, also to the processes that `spread` reaches. */
  write<T>(work: (db: Transaction<Tables>, emit: Emit) => Promise<T>): Promise<T>;
}
/** Notes a change that is told with the transaction. */
export type Emit = (kind: Change['kind'], id: string) => void;

/**
 * @param reader apart from `writer`, so that nobody who reads waits for a write that waits; it sees whatever was committed
 * @param parts.durable resolves when everything that was committed before it was called survives a power cut; until then nobody
 *   is told that it is done, though everybody sees it
 * @param parts.spread resolves when all other processes have caught up; rejects where one has not, though all is committed
 * @param parts.translate makes a GatelodgeError of what the driver throws
 */
export function createUnitOfWork(
  reader: Kysely<Tables>,
  writer: Kysely<Tables>,
  parts: {
    readonly feed: RecordedChangeFeed;
    readonly durable: () => Promise<void>;
    readonly spread: () => Promise<void>;
    readonly translate: (error: unknown) => GatelodgeError;
  },
): UnitOfWork {
  const { feed, durable, spread, translate } = parts;
  return {
    async read(query) {
      try {
        return await query(reader);
      } catch (error) {
        throw translate(error);
      }
    },
    async write(work) {
      const changes: Change[] = [];
      const run = async (transaction: Transaction<Tables>) => {
        const result = await work(transaction, (kind, id) => changes.push({ kind, id }));
        await feed.record(transaction, changes);
        return result;
      };
      const result = await writer
        .transaction()
        .execute(run)
        .catch((error: unknown) => {
          throw translate(error);
        });
      feed.tell(changes);
      const kept = durable().catch((error: unknown) => {
        throw translate(error);
      });
      await Promise.all([kept, changes.length > 0 ? spread() : undefined]);
      return result;
    },
  };
}
