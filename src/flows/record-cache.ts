import { isPromise, type MaybePromise } from '../domain/maybe-promise.ts';
import { createRecentMap } from '../domain/recent-map.ts';

/** Records of a store that were asked for lately. What is in it is answered at once, without I/O. */
export interface RecordCache<T extends object> {
  get(key: string): MaybePromise<T | null>;
  /** What is remembered already; asks nobody. */
  peek(key: string): T | undefined;
  set(record: T): void;
  forget(key: string): void;
  clear(): void;
  readonly size: number;
}

/**
 * @param load asked for what is not remembered; null is never remembered, so that what comes into being is seen at once
 * @param max records at most; those not asked for lately go
 * @param keyOf the record's own copy of its key: the one that was asked for may be a part of a long header line, or of a text
 *   with a password in it, and would keep all of that in memory
 */
export function createRecordCache<T extends object>(
  load: (key: string) => MaybePromise<T | null>,
  max: number,
  keyOf: (record: T) => string,
): RecordCache<T> {
  const known = createRecentMap<T>(max);
  // A record that was read before it was changed, and arrives after the change was told, must not be remembered.
  let generation = 0;
  const pending = new Map<string, Promise<T | null>>();
  const read = (key: string): MaybePromise<T | null> => {
    const asked = pending.get(key);
    if (asked !== undefined) return asked;
    const began = generation;
    const loaded = load(key);
    if (!isPromise(loaded)) {
      if (loaded !== null) known.set(keyOf(loaded), loaded);
      return loaded;
    }
    const arriving = loaded
      .then((record) => {
        if (record !== null && generation === began) known.set(keyOf(record), record);
        return record;
      })
      .finally(() => {
        if (pending.get(key) === arriving) pending.delete(key);
      });
    pending.set(key, arriving);
    return arriving;
  };
  return {
    get: (key) => known.get(key) ?? read(key),
    peek: (key) => known.get(key),
    set: (record) => known.set(keyOf(record), record),
    forget(key) {
      generation += 1;
      pending.delete(key);
      known.delete(key);
    },
    clear() {
      generation += 1;
      pending.clear();
      known.clear();
    },
    get size() {
      return known.size;
    },
  };
}
