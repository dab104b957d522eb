import { hash } from 'node:crypto';
import type { LoginLimited, LoginTrial } from '../domain/login-attempts.ts';
import { addressBlock } from '../domain/network.ts';
import { type MakeRateLimit, quotaOf, type RateLimit, retryAfterSeconds } from '../domain/rate-limit.ts';

/** Who tries, as far as it is counted. */
export interface Try extends Partial<LoginTrial> {
  /** The id of the user whose refresh token was shown: nobody can use up what counts here without having one. */
  readonly refreshing?: string;
}

/**
 * Counts one try to log in or to refresh, good or bad, before anything is looked at: by the name, the address and whose
 * token it is, as far as they are given. null where it may be made.
 */
export type TakeTry = (trial: Try) => LoginLimited | null;

/** @param limit null where there is none */
export function createTryLimit(limit: RateLimit | null, makeRateLimit: MakeRateLimit): TakeTry {
  if (limit === null) return () => null;
  const addresses = makeRateLimit('addresses of auth', limit);
  const names = makeRateLimit('names of auth', limit);
  const devices = makeRateLimit('devices of auth', limit);
  const refreshes = makeRateLimit('refreshes of auth', limit);
  const quota = quotaOf('auth', limit);
  return ({ account = null, address, device = null, refreshing }) => {
    let wait = refreshing === undefined ? 0 : refreshes.take(refreshing);
    if (account !== null && device !== null) {
      // As for failed logins: whoever floods a name, or an address, does not keep out a browser that it has logged in from.
      wait = devices.take(digest(`${device}\0${account}`));
    } else {
      if (address !== undefined && wait === 0) wait = addresses.take(addressBlock(address ?? ''));
      // Who is refused for the place alone uses up nobody's name.
      if (wait === 0 && account !== null) wait = names.take(digest(account));
    }
    return wait === 0 ? null : { kind: 'limited', retryAfter: retryAfterSeconds(wait), quota };
  };
}

/** A name is as long as its sender likes. */
function digest(text: string): string {
  return hash('sha256', text, 'buffer').subarray(0, 16).toString('base64url');
}
