import { classifyPassword } from '../adapters/passwords.ts';
import type { AuditSink } from '../domain/audit.ts';
import type { Passwords } from '../domain/passwords.ts';
import type { User } from '../domain/user.ts';
import type { Directory } from './directory.ts';
import type { LoginLimited, LoginLimits } from './login-limits.ts';

export type LoginResult = { readonly kind: 'ok'; readonly user: User } | { readonly kind: 'refused' } | LoginLimited;

export interface PasswordLogin {
  /**
   * @param request.address the client's, null where it cannot be told
   * @throws GatelodgeError `overloaded` beyond the hashing queue, `store-unavailable`
   */
  login(request: {
    readonly username: string;
    readonly password: string;
    readonly address: string | null;
  }): Promise<LoginResult>;
}

/** Somebody says who they are and proves it with a password. Who is unknown, wrong or locked is told the same, at the same cost. */
export function createPasswordLogin(options: {
  readonly directory: Directory;
  readonly passwords: Passwords;
  readonly limits: LoginLimits;
  readonly audit: AuditSink;
}): PasswordLogin {
  const { directory, passwords, limits, audit } = options;

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

  return {
    async login({ username, password, address }) {
      const attempt = limits.begin(username, address);
      if (attempt.kind === 'limited') {
        audit({ event: 'login.failed', user: username, address, detail: { reason: 'rate-limited' } });
        return attempt;
      }
      let user: User | null;
      let matches: boolean;
      try {
        user = await directory.byUsername(username);
        // Always exactly once, for nobody and for the locked too: the time taken tells nobody who exists.
        matches = await passwords.verify(user?.passwordHash ?? null, password);
      } catch (error) {
        attempt.abandoned();
        throw error;
      }
      if (user === null || user.locked || !matches) {
        attempt.failed();
        const reason = user === null ? 'unknown-user' : user.locked ? 'user-locked' : 'wrong-password';
        audit({ event: 'login.failed', user: username, address, detail: { reason } });
        return { kind: 'refused' };
      }
      attempt.succeeded();
      audit({ event: 'login.succeeded', user: user.username, address });
      void strengthen(user, password);
      return { kind: 'ok', user };
    },
  };
}

function isWeak(passwordHash: string): boolean {
  const hash = classifyPassword(passwordHash);
  return hash.kind === 'bcrypt' || (hash.kind === 'argon2id' && hash.outdated);
}
