import type { MaybePromise } from '../domain/maybe-promise.ts';
import type { RefreshTokenStore } from '../domain/store.ts';
import type { User } from '../domain/user.ts';

/** One user's tokens as commands and the API show them. Times are RFC 3339 in UTC. */
export interface ShownTokenStatistics {
  readonly user: string;
  /** How many logins can be refreshed. */
  readonly logins: number;
  readonly access_tokens: number;
  readonly last_issued_at: string;
  readonly access_expires_at: string;
  readonly refresh_expires_at: string;
}

/** Who holds how many tokens, and until when. @param now ms since the epoch */
export async function tokenStatistics(
  store: Pick<RefreshTokenStore, 'statistics'>,
  directory: { byId(id: string): MaybePromise<User | null> },
  now: number,
): Promise<readonly ShownTokenStatistics[]> {
  const rows = await store.statistics(now);
  const shown = await Promise.all(
    rows.map(async (row) => ({
      user: (await directory.byId(row.userId))?.username ?? row.userId,
      logins: row.families,
      access_tokens: row.accessTokens,
      last_issued_at: time(row.lastIssuedAt),
      access_expires_at: time(row.accessExpiresAt),
      refresh_expires_at: time(row.refreshExpiresAt),
    })),
  );
  return shown.sort((one, other) => (one.user < other.user ? -1 : 1));
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
