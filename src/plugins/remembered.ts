import { LRUCache } from 'lru-cache';
import type { Clock } from '../domain/clock.ts';
import type { CacheCounts } from '../domain/measurements.ts';

/**
 * Credentials that were checked a moment ago: tokens as they are, passwords under a keyed hash. A signature costs 100 µs and a
 * password 20 ms, and programs send theirs with every request. The same credential is checked once however many requests wait for it. Failures are not remembered.
 */
export interface Remembered<T extends object> {
  get(digest: string): T | undefined;
  /**
   * Joins a check that is on its way, or begins it. Without `until`, who asked gets the value and nobody after.
   * @param circumstances what the outcome depends on besides the credential: only who shares it joins
   */
  check(
    digest: string,
    begin: () => Promise<{ value: T; until: number | null } | null>,
    circumstances?: string,
  ): Promise<T | null>;
  clear(): void;
}

/** What is counted of all that a configuration's plugins remember. */
export interface RememberedCounts {
  readonly counts: CacheCounts;
  /** How many each of them remembers. */
  readonly sizes: (() => number)[];
}

/** How many credentials of one plugin are remembered. */
const MOST = 10_000;

/** @param lifetime longest time that anything is remembered, in ms */
export function createRemembered<T extends object>(
  clock: Clock,
  lifetime: number,
  watched?: RememberedCounts,
): Remembered<T> {
  const known = new LRUCache<string, { credential: string; value: T; from: number; until: number }>({ max: MOST });
  // A clock that is set back would have everything remembered for as long as it went back.
  const isIn = ({ from, until }: { readonly from: number; readonly until: number }, now: number) =>
    from <= now && now < until;
  watched?.sizes.push(() => known.size);
  const counts = watched?.counts;
  const pending = new Map<string, Promise<T | null>>();
  return {
    get(digest) {
      const entry = known.get(endOf(digest));
      if (entry !== undefined && entry.credential === digest && isIn(entry, clock())) {
        if (counts !== undefined) counts.hits += 1;
        return entry.value;
      }
      if (counts !== undefined) counts.misses += 1;
      return undefined;
    },
    check(digest, begin, circumstances) {
      const joining = circumstances === undefined ? digest : `${digest} ${circumstances}`;
      const asked = pending.get(joining);
      if (asked !== undefined) return asked;
      const began = clock();
      const checking = begin()
        .then((entry) => {
          if (entry === null) return null;
          const { value, until } = entry;
          if (until !== null) {
            known.set(endOf(digest), {
              credential: digest,
              value,
              from: began,
              until: Math.min(until, began + lifetime),
            });
          }
          return entry.value;
        })
        .finally(() => pending.delete(joining));
      pending.set(joining, checking);
      return checking;
    },
    clear: () => known.clear(),
  };
}

/** In a token, the end of its signature. */
const END = 43;

/** A map hashes the whole of a key: for a token of 600 characters that costs more than to compare it with the one that is found. */
function endOf(credential: string): string {
  return credential.length > END ? credential.slice(-END) : credential;
}
