/** A map that lets go of what was not asked for lately. */
export interface RecentMap<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
  clear(): void;
  readonly size: number;
}

/**
 * In two generations: what is asked for moves to the younger one, and when that is full the older one goes. Unlike a list in
 * exact order of use it takes no memory before there is something in it, and asking for what is young costs one look into a map.
 * @param max entries at most; at least the half of them asked for last stay
 */
export function createRecentMap<T>(max: number): RecentMap<T> {
  const half = Math.max(1, Math.floor(max / 2));
  let young = new Map<string, T>();
  let old = new Map<string, T>();
  function put(key: string, value: T): void {
    young.set(key, value);
    if (young.size < half) return;
    old = young;
    young = new Map();
  }
  return {
    get(key) {
      const value = young.get(key);
      if (value !== undefined || old.size === 0) return value;
      const found = old.get(key);
      if (found === undefined) return undefined;
      old.delete(key);
      put(key, found);
      return found;
    },
    set(key, value) {
      old.delete(key);
      put(key, value);
    },
    delete(key) {
      young.delete(key);
      old.delete(key);
    },
    clear() {
      young = new Map();
      old = new Map();
    },
    get size() {
      return young.size + old.size;
    },
  };
}
