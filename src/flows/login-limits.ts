import { hash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import type { Configuration } from '../config/schema.ts';
import type { Clock } from '../domain/clock.ts';
import { plainAddress } from '../domain/network.ts';

/** One password that is being tried. Exactly one of its methods is called, once. */
export interface LoginAttempt {
  readonly kind: 'attempt';
  failed(): void;
  /** Gives the attempt back and forgets the account's failures. */
  succeeded(): void;
  /** Gives the attempt back: nothing was found out about the password. */
  abandoned(): void;
}
export interface LoginLimited {
  readonly kind: 'limited';
  /** Whole seconds, at least 1. */
  readonly retryAfter: number;
}

export interface LoginLimits {
  /** Asks before anything is hashed. `address` null, where it cannot be told, counts against the account alone. */
  begin(username: string, address: string | null): LoginAttempt | LoginLimited;
}

interface Tally {
  failures: number;
  /** Attempts under way count like failures, so that guesses sent at once cannot slip through together. */
  pending: number;
  windowEnds: number;
  lockedUntil: number;
}

interface Limit {
  readonly attempts: number;
  readonly window: number;
  /** null: until the window's end. */
  readonly lock: number | null;
}

/** Bounded memory whoever floods us; an attacker who wants a tally forgotten has to try as many other names first. */
const MOST_ENTRIES = 10_000;

/** Failed logins by account and by address, in this process's memory. Only failures count. */
export function createLoginLimits(options: {
  readonly limits: Configuration['login_limits'];
  readonly clock: Clock;
}): LoginLimits {
  const { clock } = options;
  const { account, address } = options.limits;
  const lock = typeof account.lock === 'number' ? account.lock : null;
  const accounts = createTallies({ attempts: account.attempts, window: account.window, lock });
  const addresses = createTallies({ attempts: address.attempts, window: address.window, lock: null });

  return {
    begin(username, clientAddress) {
      const now = clock();
      // Hashed, because a name is as long as its sender likes.
      const byAccount = accounts.at(hash('sha256', username, 'base64url'), now);
      const byAddress = clientAddress === null ? null : addresses.at(addressKey(clientAddress), now);
      const wait = Math.max(accounts.wait(byAccount, now), byAddress === null ? 0 : addresses.wait(byAddress, now));
      if (wait > 0) return { kind: 'limited', retryAfter: Math.max(1, Math.ceil(wait / 1_000)) };
      byAccount.pending += 1;
      if (byAddress !== null) byAddress.pending += 1;
      const release = () => {
        byAccount.pending -= 1;
        if (byAddress !== null) byAddress.pending -= 1;
      };
      return {
        kind: 'attempt',
        failed() {
          release();
          accounts.fail(byAccount, clock());
          if (byAddress !== null) addresses.fail(byAddress, clock());
        },
        succeeded() {
          release();
          byAccount.failures = 0;
        },
        abandoned: release,
      };
    },
  };
}

function createTallies(limit: Limit) {
  const tallies = new LRUCache<string, Tally>({ max: MOST_ENTRIES });
  return {
    /** The key's tally, begun anew where its window or lock has passed. */
    at(key: string, now: number): Tally {
      const known = tallies.get(key);
      if (known === undefined) {
        const fresh = { failures: 0, pending: 0, windowEnds: now + limit.window, lockedUntil: 0 };
        tallies.set(key, fresh);
        return fresh;
      }
      const locked = known.lockedUntil > now;
      if (!locked && (known.windowEnds <= now || known.lockedUntil > 0)) {
        known.failures = 0;
        known.windowEnds = now + limit.window;
        known.lockedUntil = 0;
      }
      return known;
    },
    /** How long to wait in ms; 0 where an attempt may start. */
    wait(tally: Tally, now: number): number {
      if (tally.lockedUntil > now) return tally.lockedUntil - now;
      return tally.failures + tally.pending >= limit.attempts ? 1 : 0;
    },
    fail(tally: Tally, now: number): void {
      tally.failures += 1;
      if (tally.failures < limit.attempts) return;
      tally.lockedUntil = limit.lock === null ? Math.max(tally.windowEnds, now + 1) : now + limit.lock;
    },
  };
}

/** IPv6 by /64, which is what one customer has to choose addresses from (RFC 6177). */
function addressKey(address: string): string {
  const plain = plainAddress(address) ?? address;
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  // An embedded IPv4 address fills two groups at the end, none of which are among the first four.
  const behind = tail === undefined || tail === '' ? [] : tail.replace(/\d+\.\d+\.\d+\.\d+$/, '0:0').split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - behind.length);
  const all = [...groups, ...Array<string>(zeros).fill('0'), ...behind];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
