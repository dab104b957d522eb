import { hash } from 'node:crypto';
import type { Clock } from './clock.ts';

/** How much one user or one place may ask for. Times in ms. */
export interface RateLimit {
  /** So many come back… */
  readonly requests: number;
  /** …in this time, one after the other. */
  readonly per: number;
  /** How many may come at once. */
  readonly burst: number;
  /** How long nothing is let through after there was one too many; 0: until one has come back. */
  readonly block: number;
}

/** What was asked for too much, for those who are told so. */
export interface Quota {
  /** Whose limit it is: `requests` or `auth`. */
  readonly policy: string;
  /** How many may come at once. */
  readonly limit: number;
  /** In how many whole seconds all of them are back. */
  readonly window: number;
}

/** One limit as it is kept for many keys, each of which is a user, a name or a place. */
export interface Allowance {
  /** Takes one from a key's allowance: 0 when there was one, else the ms until it is worth asking again. */
  take(key: string): number;
}

/** The same where others count too. */
export interface CountedAllowance extends Allowance {
  /** Counts what was let through elsewhere. */
  absorb(key: string, count: number): void;
  /** Lets nothing through for so many ms, as was found out elsewhere. */
  block(key: string, duration: number): void;
  /** How many keys it remembers. */
  readonly size: number;
}

/** Makes a limit, or finds it: `name` and numbers that are the same mean the same allowance. */
export type MakeRateLimit = (name: string, limit: RateLimit) => Allowance;

interface Bucket {
  /** When the next request would come if all so far had come at the even rate. */
  arrival: number;
  blockedUntil: number;
}

/** Longer keys are remembered by their hash: some issuers choose their users' ids, and nobody chooses how much is kept of them. */
const LONGEST_KEY = 64;

/**
 * The generic cell rate algorithm (ITU-T I.371): two numbers a key, no timers, no list in order of use. A library would do,
 * but answers with a promise, and this is on the way of every check that has a limit.
 * @param options.most keys at most; at least the half of them used last are remembered, and blocked ones apart
 * @param options.onBlock told of a key that asked for one too many, and how long nothing is let through, in ms
 */
export function createRateLimit(
  limit: RateLimit,
  clock: Clock,
  options: { readonly most?: () => number; readonly onBlock?: (key: string, duration: number) => void } = {},
): CountedAllowance {
  const { most = () => 100_000, onBlock } = options;
  const interval = limit.per / limit.requests;
  const tolerance = interval * (limit.burst - 1);
  /** Beyond it nobody can have asked, but for what several processes let through at once: the clock has gone back. */
  const latest = 2 * (tolerance + interval);
  let young = new Map<string, Bucket>();
  let old = new Map<string, Bucket>();
  /** In the order in which they end, since all last equally long: spraying other keys makes none of them forgotten. */
  const blocked = new Map<string, Bucket>();

  function put(key: string, bucket: Bucket): Bucket {
    young.set(copyOf(key), bucket);
    if (young.size * 2 >= most()) {
      old = young;
      young = new Map();
    }
    return bucket;
  }

  function find(key: string): Bucket | undefined {
    const bucket = young.get(key);
    if (bucket !== undefined) return bucket;
    const known = old.get(key) ?? blocked.get(key);
    if (known === undefined) return undefined;
    old.delete(key);
    return put(key, known);
  }

  const bucketOf = (key: string, now: number) => find(key) ?? put(key, { arrival: now, blockedUntil: 0 });
  const expectedAt = (bucket: Bucket, now: number) => Math.min(Math.max(bucket.arrival, now), now + latest);

  function hold(key: string, bucket: Bucket, now: number, duration: number): void {
    bucket.blockedUntil = now + duration;
    blocked.delete(key);
    blocked.set(copyOf(key), bucket);
    for (const [first, { blockedUntil }] of blocked) {
      if (blockedUntil > now && blocked.size <= most()) break;
      blocked.delete(first);
    }
  }

  return {
    take(asked) {
      const key = shortened(asked);
      const now = clock();
      const bucket = bucketOf(key, now);
      const expected = expectedAt(bucket, now);
      bucket.arrival = expected;
      const wait = expected - tolerance - now;
      if (bucket.blockedUntil > now) {
        // As above: no block is longer than this, unless the clock has gone back.
        bucket.blockedUntil = Math.min(bucket.blockedUntil, now + Math.max(limit.block, latest));
        return bucket.blockedUntil - now;
      }
      if (wait <= 0) {
        bucket.arrival = expected + interval;
        return 0;
      }
      if (limit.block === 0) return wait;
      const duration = Math.max(wait, limit.block);
      hold(key, bucket, now, duration);
      onBlock?.(key, duration);
      return duration;
    },
    absorb(asked, count) {
      const now = clock();
      const bucket = bucketOf(shortened(asked), now);
      bucket.arrival = expectedAt(bucket, now) + count * interval;
    },
    block(asked, duration) {
      const key = shortened(asked);
      const now = clock();
      const bucket = bucketOf(key, now);
      if (bucket.blockedUntil < now + duration) hold(key, bucket, now, duration);
    },
    get size() {
      return young.size + old.size + blocked.size;
    },
  };
}

function shortened(key: string): string {
  return key.length <= LONGEST_KEY ? key : hash('sha256', key, 'base64url');
}

/** An address is a part of a header line, and would keep the whole of it in memory. Every key stays what it is, malformed or not. */
function copyOf(key: string): string {
  const copy = Buffer.from(key, 'latin1').toString('latin1');
  return copy === key ? copy : Buffer.from(key, 'utf16le').toString('utf16le');
}

/** A limit as it is configured, with what is left out filled in. */
export function rateLimitOf(configured: {
  readonly requests: number;
  readonly per: number;
  readonly burst?: number | undefined;
  readonly block?: number | undefined;
}): RateLimit {
  const { requests, per, burst = requests, block = 0 } = configured;
  return { requests, per, burst, block };
}

/** What is told of a limit to whoever is over it. */
export function quotaOf(policy: string, { requests, per, burst }: RateLimit): Quota {
  return { policy, limit: burst, window: Math.max(1, Math.ceil((burst * per) / requests / 1_000)) };
}

/** Whole seconds, at least 1, as Retry-After has them (RFC 9110 section 10.2.3). */
export function retryAfterSeconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1_000));
}
