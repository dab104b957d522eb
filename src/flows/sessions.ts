import type { Configuration } from '../config/schema.ts';
import type { Clock } from '../domain/clock.ts';
import { mintSecret, secretMatches, splitSecret } from '../domain/secret.ts';
import { isLive, MOST_COOKIES, type Session } from '../domain/session.ts';
import type { SessionStore } from '../domain/store.ts';
import { mayComeFrom, networksOf, type User } from '../domain/user.ts';
import { activeUser, type Directory } from './directory.ts';

/** What is remembered of sessions between requests: the newest `lastSeenAt` lives there. A `Map` will do. */
export interface SessionCache {
  get(id: string): Session | undefined;
  set(id: string, session: Session): unknown;
}

export interface StartedSession {
  /** `<id>.<secret>`, URL-safe characters only. It is in no other place. */
  readonly cookieValue: string;
  readonly session: Session;
}

export interface Sessions {
  start(user: User, options: { readonly remember: boolean }): Promise<StartedSession>;
  /**
   * Whose the presented cookie values are. Of several values the only valid one counts; null where none is valid or two
   * are valid for different users, or where the user may not come from this address.
   * @param address the client's, null where it cannot be told
   */
  find(
    cookieValues: readonly string[],
    address?: string | null,
  ): Promise<{ readonly session: Session; readonly user: User } | null>;
  /** Ends every session whose secret was presented, so that knowing an id ends nothing. Returns those it ended. */
  endPresented(cookieValues: readonly string[]): Promise<readonly Session[]>;
  /** False where it was gone already. */
  end(sessionId: string): Promise<boolean>;
  /** Live ones only; `null` lists everybody's. */
  listSessions(userId: string | null): Promise<readonly Session[]>;
  /** How many were ended. */
  revokeAll(userId: string): Promise<number>;
}

/** More than a browser keeps for one site: what somebody planted beside the real one does not keep that from being ended. */
const MOST_ENDED = 200;

/** Browsers' logins. The change feed tells caches of every end before these calls resolve. */
export function createSessions(options: {
  readonly store: SessionStore;
  readonly directory: Directory;
  readonly configuration: Configuration['session'];
  readonly cache: SessionCache;
  readonly clock: Clock;
}): Sessions {
  const { store, directory, configuration, cache, clock } = options;

  /** Each of them is looked up, and 64 KiB have room for eight hundred. */
  async function presented(cookieValues: readonly string[]): Promise<readonly Session[]> {
    const found: Session[] = [];
    for (const value of [...new Set(cookieValues)].slice(0, MOST_ENDED)) {
      const parts = splitSecret(value);
      if (parts === null) continue;
      const remembered = cache.get(parts.id);
      // Another process may have seen it since: what is remembered here tells only what was asked here.
      const session =
        remembered !== undefined && isLive(remembered, clock()) ? remembered : await store.findById(parts.id);
      if (session !== null && secretMatches(parts.secret, session.secretHash)) found.push(session);
    }
    return found;
  }

  return {
    async start(user, { remember }) {
      const now = clock();
      const { id, text, secretHash } = mintSecret();
      const session: Session = {
        id,
        secretHash,
        userId: user.id,
        createdAt: now,
        authenticatedAt: now,
        expiresAt: now + (remember ? configuration.remember : configuration.lifetime),
        idle: remember ? null : configuration.idle,
        lastSeenAt: now,
      };
      // First: another process may end it as soon as it is there, and what is remembered after that would live on here.
      cache.set(id, session);
      await store.insert(session);
      return { cookieValue: text, session };
    },

    async find(cookieValues, address = null) {
      if (cookieValues.length > MOST_COOKIES) return null;
      const live = (await presented(cookieValues)).filter((session) => isLive(session, clock()));
      const [session] = live;
      if (session === undefined || live.some((other) => other.userId !== session.userId)) return null;
      const user = await activeUser(directory, session.userId);
      return user === null || !mayComeFrom(networksOf(user), address) ? null : { session, user };
    },

    async endPresented(cookieValues) {
      const sessions = await presented(cookieValues);
      for (const session of sessions) await store.delete(session.id);
      return sessions;
    },

    end: (sessionId) => store.delete(sessionId),

    async listSessions(userId) {
      const sessions = await store.listByUser(userId);
      return sessions.map((session) => later(cache.get(session.id), session)).filter((one) => isLive(one, clock()));
    },

    revokeAll: (userId) => store.deleteByUser(userId),
  };
}

/** The one that was seen last: here the newest value may be in memory, or in the store where another process wrote it. */
function later(remembered: Session | undefined, stored: Session): Session {
  return remembered !== undefined && remembered.lastSeenAt > stored.lastSeenAt ? remembered : stored;
}
