/** A browser's login, as it is stored. The cookie's secret is not in it, only its SHA-256. Times are ms since the epoch. */
export interface Session {
  readonly id: string;
  readonly secretHash: Uint8Array;
  readonly userId: string;
  readonly createdAt: number;
  /** When the person proved who they are. */
  readonly authenticatedAt: number;
  /** The absolute end, which nothing extends. */
  readonly expiresAt: number;
  /** Longest pause between two requests in ms; null for a remembered session. */
  readonly idle: number | null;
  /** Written back in batches; the newest value lives in memory. */
  lastSeenAt: number;
}

/** Neither at its absolute end nor paused for too long. `now` in ms since the epoch. */
export function isLive(session: Session, now: number): boolean {
  return now < session.expiresAt && (session.idle === null || now - session.lastSeenAt < session.idle);
}

/** A browser has one cookie of the name, or a few from several domains and paths. More are nobody's browser. */
export const MOST_COOKIES = 8;
