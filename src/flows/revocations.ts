import { setImmediate } from 'node:timers/promises';
import type { AccessTokenNames } from '../domain/access-token.ts';
import type { Clock } from '../domain/clock.ts';
import { andThen, type MaybePromise } from '../domain/maybe-promise.ts';
import type { RevocationStore } from '../domain/store.ts';

/** Access tokens that are refused before they expire, all of them in memory: a check looks into a set and asks nobody. */
export interface Revocations {
  /** A promise only while the list is not known. Rejects with `store-unavailable` where it can't be read: nobody is let in then. */
  isRevoked(token: AccessTokenNames): MaybePromise<boolean>;
  /** One more, as the change feed tells it. */
  add(id: string): void;
  /** Reads the list: at the start, and where changes were missed. Checks wait for it. */
  reload(): Promise<void>;
  /** Lets go of what has expired. Checks go on meanwhile. */
  trim(): Promise<void>;
  readonly size: number;
}

/** Rows read at once; the store may work without ever letting go of the thread, and checks come first. */
const PAGE = 2_000;
/** It is not worth reading the list again before it has grown by so much. */
const GROWTH = 10_000;

export function createRevocations({
  store,
  clock,
}: {
  readonly store: Pick<RevocationStore, 'listLive'>;
  readonly clock: Clock;
}): Revocations {
  let revoked = new Set<string>();
  let sizeAsRead = 0;
  let known = false;
  let reading: Promise<void> | null = null;
  let again = false;
  /** What was told while the list was read, which may have come too late for it. */
  let toldMeanwhile: string[] = [];

  async function read(): Promise<void> {
    do {
      again = false;
      toldMeanwhile = [];
      const listed = new Set<string>();
      const now = clock();
      for (let page = await store.listLive(now, '', PAGE); page.length > 0; ) {
        for (const id of page) listed.add(id);
        await setImmediate();
        page = await store.listLive(now, page.at(-1) ?? '', PAGE);
      }
      sizeAsRead = listed.size;
      for (const id of toldMeanwhile) listed.add(id);
      revoked = listed;
    } while (again);
    known = true;
  }

  function begin(): Promise<void> {
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading;
  }

  return {
    isRevoked({ tokenId, familyId }) {
      return andThen(known ? undefined : begin(), () => revoked.has(tokenId) || revoked.has(familyId));
    },
    add(id) {
      revoked.add(id);
      if (reading !== null) toldMeanwhile.push(id);
    },
    reload() {
      // What is being read just now may be too early for what somebody knows to have been missed.
      again = true;
      known = false;
      return begin();
    },
    async trim() {
      if (known && revoked.size > sizeAsRead + GROWTH) await begin();
    },
    get size() {
      return revoked.size;
    },
  };
}
