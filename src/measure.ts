import { errorCodeOf } from './domain/errors.ts';
import type { LiveRecords } from './domain/live.ts';
import type { BeginLogin } from './domain/login-attempts.ts';
import { isPromise } from './domain/maybe-promise.ts';
import type { CacheCounts, LoginOutcome, Measurements } from './domain/measurements.ts';
import type { Passwords } from './domain/passwords.ts';
import type { PasswordLogin } from './flows/password-login.ts';

/*
 * Puts counters around the parts that are to be measured. The parts know nothing of it, and where nothing is measured none of
 * this is there.
 */

/** Those that are under way; what works and what waits follows from how many places there are. */
export function measurePasswords(passwords: Passwords, { hashing }: Measurements): Passwords {
  async function counted<T>(work: Promise<T>): Promise<T> {
    hashing.underWay += 1;
    try {
      return await work;
    } catch (error) {
      if (errorCodeOf(error) === 'overloaded') hashing.refused += 1;
      throw error;
    } finally {
      hashing.underWay -= 1;
    }
  }
  return {
    hash: (password) => counted(passwords.hash(password)),
    verify: (hash, password) => counted(passwords.verify(hash, password)),
  };
}

/** A record that is remembered comes at once; one that is not comes as a promise. */
export function measureLookups<T>(records: LiveRecords<T>, counts: CacheCounts): LiveRecords<T> {
  return {
    ...records,
    find(id) {
      const found = records.find(id);
      if (isPromise(found)) counts.misses += 1;
      else counts.hits += 1;
      return found;
    },
    get size() {
      return records.size;
    },
  };
}

const OUTCOME: Readonly<Record<'ok' | 'refused' | 'limited', LoginOutcome>> = {
  ok: 'succeeded',
  refused: 'refused',
  limited: 'limited',
};

/** Logins of the directory. One that does not say which way it came is not counted. */
export function measureLogins({ login, isStillGood }: PasswordLogin, { logins }: Measurements): PasswordLogin {
  return {
    isStillGood,
    async login(request) {
      const counts = request.way === undefined ? null : logins[request.way];
      let outcome: LoginOutcome = 'failed';
      try {
        const result = await login(request);
        outcome = OUTCOME[result.kind];
        return result;
      } finally {
        if (counts !== null) counts[outcome] += 1;
      }
    },
  };
}

/** Logins of users whom a `basic` plugin has for itself. */
export function measureAttempts(begin: BeginLogin, { logins }: Measurements): BeginLogin {
  const count = (outcome: LoginOutcome, end: () => Promise<void>) => () => {
    logins.basic[outcome] += 1;
    return end();
  };
  return async (trial) => {
    const attempt = await begin(trial);
    if (attempt.kind === 'limited') {
      logins.basic.limited += 1;
      return attempt;
    }
    return {
      kind: 'attempt',
      succeeded: count('succeeded', attempt.succeeded),
      failed: count('refused', attempt.failed),
      abandoned: count('failed', attempt.abandoned),
    };
  };
}
