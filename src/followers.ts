import type { ChangeFeed } from './domain/store.ts';

/** The change feeds of everything in this process that remembers records: of two configurations while one takes the other's place. */
export interface Followers {
  /** Returns the function that takes it out again. */
  add(feed: Pick<ChangeFeed, 'catchUp'>): () => void;
  /** Has all of them hear of what was committed until now. */
  catchUp(): Promise<void>;
}

export function createFollowers(): Followers {
  const feeds = new Set<Pick<ChangeFeed, 'catchUp'>>();
  return {
    add(feed) {
      feeds.add(feed);
      return () => void feeds.delete(feed);
    },
    async catchUp() {
      await Promise.all([...feeds].map((feed) => feed.catchUp()));
    },
  };
}
