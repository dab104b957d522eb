import { z } from 'zod';
import { rateLimit } from './rule-schema.ts';
import { duration } from './values.ts';

const window = (attempts: number, withLock: boolean) =>
  z.strictObject({
    attempts: z.int().min(1).default(attempts).describe('Failures that are let pass.'),
    window: duration('10m').prefault('10m').describe('In which time.'),
    ...(withLock
      ? { lock: duration('10m').prefault('10m').describe('How long nobody logs in then, except from a known device.') }
      : {}),
  });

export const loginLimits = z
  .strictObject({
    account: window(10, true).prefault({}).describe('For one user name, and for one device that is known to it.'),
    address: window(100, false)
      .prefault({})
      .describe('From one address; of IPv6, from one /64. Keys and tokens that are no good count here too.'),
  })
  .prefault({})
  .describe('Failed logins by account, device and address. See [brute force](brute-force.md).');

export const rateLimits = z
  .strictObject({
    requests: rateLimit
      .optional()
      .describe('Requests of one user by whatever credentials, or of one address where nobody is known.'),
    auth: rateLimit
      .optional()
      .describe('Tries to log in or to refresh, good or bad, by one user name and from one address.'),
  })
  .prefault({})
  .describe('How often somebody may ask. Default: as often as they like. See [rate limits](rate-limits.md).');

export const hashing = z
  .strictObject({
    concurrency: z
      .int()
      .min(1)
      .max(16)
      .default(2)
      .describe('Passwords hashed at once, off the event loop; never more than there are processors.'),
    queue: z
      .int()
      .min(1)
      .max(10_000)
      .default(64)
      .describe('Passwords that may wait; beyond it the answer is `overloaded`.'),
  })
  .prefault({})
  .describe('Password hashing (argon2id, 19 MiB, t=2, p=1).');
