import { randomBytes } from 'node:crypto';
import { classifyPassword } from '../adapters/passwords.ts';
import type { AuditSink } from '../domain/audit.ts';
import type { BeginLogin, LoginResult } from '../domain/login-attempts.ts';
import type { LoginWay } from '../domain/measurements.ts';
import type { Passwords } from '../domain/passwords.ts';
import { keyedHash } from '../domain/secret.ts';
import { mayComeFrom, networksOf, type User } from '../domain/user.ts';
import { activeUser, type Directory } from './directory.ts';
import type { TakeTry } from './login-tries.ts';

export interface PasswordLogin {
  /**
   * @param request.address the client's, null where it cannot be told
   * @param request.device id of the browser, where it has logged in with this name before
   * @throws GatelodgeError `overloaded` beyond the hashing queue, `store-unavailable`
   */
  login(request: {
    readonly username: string;
    readonly password: string;
    readonly address: string | null;
    readonly device?: string | null;
    /** For whoever counts; it changes nothing. */
    readonly way?: LoginWay;
  }): Promise<LoginResult>;
  /**
   * Whether what `login` said is so still: asked after a session or token was made of it, and before anybody is given that.
   * A lock or a new password ends what there is at that moment, perhaps by another process; what was made just after it, in
   * ignorance of it, would be there for as long as it lasts.
   * @param user as `login` gave them
   */
  isStillGood(user: User, password: string): Promise<boolean>;
}

/** Somebody says who they are and proves it with a password. Who is unknown, wrong or locked is told the same, at the same cost. */
export function createPasswordLogin(options: {
  readonly directory: Directory;
  readonly passwords: Passwords;
  readonly limits: { readonly begin: BeginLogin; readonly takeTry: TakeTry };
  readonly audit: AuditSink;
  /** Resolves when the directory knows of everything that any process had committed before. */
  readonly catchUp: () => Promise<void>;
}): PasswordLogin {
  const { directory, passwords, limits, audit, catchUp } = options;

  /** Behind the answer's back: a full queue or a store that is away costs nobody the login, and the next one tries again. */
  async function strengthen(user: User, password: string): Promise<void> {
    if (user.passwordHash === null || !isWeak(user.passwordHash)) return;
    try {
      await directory.replacePasswordHash(user, await passwords.hash(password));
      audit({ event: 'user.password-rehashed', user: user.username });
    } catch {
      // As above: nothing was promised.
    }
  }

  async function judge(
    username: string,
    password: string,
    address: string | null,
    device: string | null,
  ): Promise<Judgement> {
    const attempt = await limits.begin({ account: username, address, device });
    if (attempt.kind === 'limited') return { result: attempt, reason: 'rate-limited' };
    let user: User | null;
    let matches: boolean;
    try {
      user = await directory.byUsername(username);
      // Always exactly once, for nobody and for the locked too: the time taken tells nobody who exists.
      matches = await passwords.verify(user?.passwordHash ?? null, password);
      // Comparing takes its time. Who was locked or given another password meanwhile must not begin a session that outlives it.
      while (matches) {
        const compared = user?.passwordHash;
        user = await directory.byUsername(username);
        if (user?.passwordHash === compared) break;
        matches = await passwords.verify(user?.passwordHash ?? null, password);
      }
    } catch (error) {
      await attempt.abandoned();
      throw error;
    }
    // From elsewhere the right password is a wrong one: counted like it, and told apart in the audit alone.
    const elsewhere = user !== null && !mayComeFrom(networksOf(user), address);
    if (user === null || user.locked || !matches || elsewhere) {
      await attempt.failed();
      return {
        result: { kind: 'refused' },
        reason:
          user === null
            ? 'unknown-user'
            : user.locked
              ? 'user-locked'
              : matches
                ? 'network-not-allowed'
                : 'wrong-password',
      };
    }
    await attempt.succeeded();
    void strengthen(user, password);
    return { result: { kind: 'ok', user }, reason: null };
  }

  // A program that logs in fifty times at once proves one thing fifty times: it is hashed once, and counted once.
  const key = randomBytes(32);
  const underWay = new Map<string, Promise<Judgement>>();

  return {
    async login({ username, password, address, device = null }) {
      const held = limits.takeTry({ account: username, address, device });
      if (held !== null) {
        audit({ event: 'login.failed', user: username, address, detail: { reason: 'rate-limited' } });
        return held;
      }
      const digest = keyedHash(key, `${username}\0${device ?? ''}\0${address ?? ''}\0${password}`);
      const judging =
        underWay.get(digest) ?? judge(username, password, address, device).finally(() => underWay.delete(digest));
      underWay.set(digest, judging);
      const { result, reason } = await judging;
      if (reason === null) audit({ event: 'login.succeeded', user: username, address });
      else audit({ event: 'login.failed', user: username, address, detail: { reason } });
      return result;
    },

    async isStillGood(user, password) {
      await catchUp();
      const present = await activeUser(directory, user.id);
      if (present === null) return false;
      // The same password under a stronger hash is the same password.
      return present.passwordHash === user.passwordHash || (await passwords.verify(present.passwordHash, password));
    },
  };
}

interface Judgement {
  readonly result: LoginResult;
  /** Why it was refused, for the audit alone; null where it was not. */
  readonly reason: string | null;
}

function isWeak(passwordHash: string): boolean {
  const hash = classifyPassword(passwordHash);
  return hash.kind === 'bcrypt' || (hash.kind === 'argon2id' && hash.outdated);
}
