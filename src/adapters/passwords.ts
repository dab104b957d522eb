import { randomBytes } from 'node:crypto';
import argon2 from 'argon2';
import { GatelodgeError } from '../domain/errors.ts';
import type { PasswordHashKind, Passwords } from '../domain/passwords.ts';
import { lowerPoolPriority } from './pool-priority.ts';

/** RFC 9106 with OWASP's smallest recommended parameters: 19 MiB, two passes, one lane. */
const TODAY = { m: 19_456, t: 2, p: 1 };
/** What a hash somebody wrote into a file may cost at most: 256 MiB, so that one login cannot exhaust the machine. */
const MOST = { m: 262_144, t: 16, p: 16 };
const BCRYPT_COSTS = { least: 4, most: 15 };
/** bcrypt looks at 72 bytes and ignores the rest, so a longer password would match every one with the same beginning. */
const BCRYPT_BYTES = 72;
/** Nobody types more; hashing megabytes is an attack. */
const LONGEST_PASSWORD = 1_024;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

const ARGON2ID =
  /^\$argon2id\$v=(\d{1,3})\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
/** What other programs write into password fields: crypt(3) and LDAP schemes, Django's and Werkzeug's. */
const OTHER_SCHEME =
  /^(?:\$(?:1|2[a-z]?|3|5|6|7|8|apr1|bcrypt-sha256|gy|md5|argon2[a-z]*|pbkdf2[\w-]*|scrypt|sha1|sm3|y)\$|\{(?:S?SHA\d*|S?MD5|CRYPT|PBKDF2[\w-]*|ARGON2\w*|BLF-CRYPT|BCRYPT|SCRYPT)\}|pbkdf2(?:_sha\d+\$\d|:sha\d+:\d)|scrypt:\d+:\d+:\d+\$)/i;

/**
 * What a text in a password field is. Pure, hashes nothing; what is neither a hash that can be used nor the look of one
 * is a plain password. A 13-letter DES crypt hash cannot be told from a password and counts as plain.
 */
export function classifyPassword(text: string): PasswordHashKind {
  if (text.startsWith('$argon2id$')) return classifyArgon2id(text);
  if (/^\$2[aby]\$/.test(text)) {
    const cost = BCRYPT.exec(text)?.[1];
    if (cost === undefined) return unusable('it is a malformed bcrypt hash');
    const usable = Number(cost) >= BCRYPT_COSTS.least && Number(cost) <= BCRYPT_COSTS.most;
    return usable
      ? { kind: 'bcrypt' }
      : unusable(`its bcrypt cost is not between ${BCRYPT_COSTS.least} and ${BCRYPT_COSTS.most}`);
  }
  if (OTHER_SCHEME.test(text)) return unusable('it is a hash of another scheme than argon2id and bcrypt');
  return { kind: 'plain' };
}

function classifyArgon2id(text: string): PasswordHashKind {
  const [, version, memory, time, lanes, salt, digest] = ARGON2ID.exec(text) ?? [];
  if (salt === undefined || digest === undefined || salt.length % 4 === 1 || digest.length % 4 === 1) {
    return unusable('it is a malformed argon2id hash');
  }
  if (version !== '19') return unusable('its argon2 version is not 19');
  const [m, t, p] = [Number(memory), Number(time), Number(lanes)];
  if (m > MOST.m) return unusable(`its memory cost is above ${MOST.m} KiB`);
  if (t > MOST.t || p > MOST.p) return unusable(`its time cost or parallelism is above ${MOST.t}`);
  // RFC 9106 section 3.1: one pass and one lane at least, 8 KiB for each lane.
  if (t < 1 || p < 1 || m < 8 * p) return unusable('its argon2 parameters are too small to be computed');
  return { kind: 'argon2id', outdated: m !== TODAY.m || t !== TODAY.t || p !== TODAY.p };
}

function unusable(why: string): PasswordHashKind {
  return { kind: 'unusable', why };
}

/**
 * Hashing and comparing on libuv's threads, `concurrency` at once and `queue` waiting; who comes beyond that gets
 * `overloaded` at once instead of a place at the end. `hash` rejects with `invalid-request` beyond 1024 bytes.
 *
 * Whatever `verify` is asked, it costs one comparison: a hash that cannot be used and a password that cannot be right cost
 * as much as a wrong password. (A bcrypt or costlier argon2id hash takes its own time, until a login replaces it.)
 */
export function createPasswords(options: { concurrency: number; queue: number }): Passwords {
  const withPlace = boundedQueue(options.concurrency, options.queue);
  let lowered = false;
  const work = <T>(task: () => Promise<T>) =>
    withPlace(async () => {
      const result = await task();
      // Now libuv's pool is there, which begins with its first task.
      if (!lowered) lowerPoolPriority();
      lowered = true;
      return result;
    });
  // Random bytes in a hash's form: computed against like any other, and no password's.
  const nobody = `$argon2id$v=19$m=${TODAY.m},t=${TODAY.t},p=${TODAY.p}$${base64(SALT_BYTES)}$${base64(HASH_BYTES)}`;
  return {
    async hash(password) {
      const bytes = Buffer.from(password);
      if (bytes.length > LONGEST_PASSWORD)
        throw new GatelodgeError('invalid-request', `a password is at most ${LONGEST_PASSWORD} bytes long`);
      return work(() =>
        argon2.hash(bytes, {
          type: argon2.argon2id,
          memoryCost: TODAY.m,
          timeCost: TODAY.t,
          parallelism: TODAY.p,
          hashLength: HASH_BYTES,
        }),
      );
    },
    verify: (hash, password) => work(() => compare(hash ?? nobody, password, nobody)),
  };
}

async function compare(hash: string, password: string, nobody: string): Promise<boolean> {
  const bytes = Buffer.from(password);
  const { kind } = classifyPassword(hash);
  const comparable = kind === 'argon2id' || kind === 'bcrypt';
  if (!comparable || bytes.length > LONGEST_PASSWORD) {
    await argon2.verify(nobody, '');
    return false;
  }
  if (kind === 'argon2id') return argon2.verify(hash, bytes);
  // Loaded when the first bcrypt hash is met; most installations never have one.
  const { default: bcrypt } = await import('bcrypt');
  // `$2y$` is PHP's and htpasswd's name for what is `$2b$` elsewhere. Some implementations stop at NUL: none is ever right.
  const matches = await bcrypt.compare(bytes, hash.replace('$2y$', '$2b$'));
  return matches && bytes.length <= BCRYPT_BYTES && !bytes.includes(0);
}

/** Runs at most `concurrency` tasks at once and lets at most `queue` wait, in order. */
function boundedQueue(concurrency: number, queue: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let working = 0;
  return async (task) => {
    if (working < concurrency) working++;
    else if (waiting.length < queue) await new Promise<void>((go) => waiting.push(go));
    else throw new GatelodgeError('overloaded', 'too many passwords are being checked');
    try {
      return await task();
    } finally {
      // The place is handed on, not given back, so that nobody slips in between.
      const next = waiting.shift();
      if (next === undefined) working--;
      else next();
    }
  };
}

function base64(length: number): string {
  return randomBytes(length).toString('base64').replaceAll('=', '');
}
