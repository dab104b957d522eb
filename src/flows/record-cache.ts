import { LRUCache } from 'lru-cache';
import { isPromise, type MaybePromise } from '../domain/maybe-promise.ts';

/** Records of a store that were asked for lately. What is in it is answered at once, without I/O. */
export interface RecordCache<T extends object> {
  get(key: string): MaybePromise<T | null>;
  /** What is remembered already; asks nobody. */
  peek(key: string): T | undefined;
  set(key: string, record: T): void;
  forget(key: string): void;
  clear(): void;
  readonly size: number;
}

/**
 * @param load asked for what is not remembered; null is never remembered, so that what comes into being is seen at once
 * @param max records at most; the one not used for longest goes
 */
export function createRecordCache<T extends object>(
  load: (key: string) => MaybePromise<T | null>,
  max: number,
): RecordCache<T> {
  const known = new LRUCache<string, T>({ max });
  // A record that was read before it was changed, and arrives after the change was told, must not be remembered.
  let generation = 0;
  const pending = new Map<string, Promise<T | null>>();
  const read = (key: string): MaybePromise<T | null> => {
    const asked = pending.get(key);
    if (asked !== undefined) return asked;
    const began = generation;
    const loaded = load(key);
    if (!isPromise(loaded)) {
      if (loaded !== null) known.set(key, loaded);
      return loaded;
    }
    const arriving = loaded
      .then((record) => {
        if (record !== null && generation === began) known.set(key, record);
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
    set: (key, record) => void known.set(key, record),
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
