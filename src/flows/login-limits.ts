import { hash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Configuration } from '../config/schema.ts';
import type { AuditSink } from '../domain/audit.ts';
import type {
  AttemptLimit,
  AttemptOutcome,
  AttemptStore,
  AttemptSubject,
  AttemptSubjectKind,
  BeginLogin,
  CountGuess,
  LoginTrial,
} from '../domain/login-attempts.ts';
import { andThen } from '../domain/maybe-promise.ts';
import { addressBlock } from '../domain/network.ts';
import { keyedHash } from '../domain/secret.ts';
import type { TakeTry } from './login-tries.ts';

export interface LoginLimits {
  readonly begin: BeginLogin;
  readonly countGuess: CountGuess;
  readonly takeTry: TakeTry;
  /** Ends the temporary lock of a name and forgets its failures, as `gatelodge users unlock` asks. */
  readonly forget: (username: string) => Promise<void>;
}

/** Guesses that are known by sight: a program that goes on sending a key of yesterday guesses nothing. */
const KNOWN_GUESSES = 10_000;

/** Failed logins by account, device and address. Only failures count. */
export function createLoginLimits(options: {
  readonly limits: Configuration['login_limits'];
  readonly attempts: AttemptStore;
  readonly audit: AuditSink;
  /** How often anybody may try. Default: no limit but that of failures. */
  readonly takeTry?: TakeTry;
  /** How an attempt waits, in ms. */
  readonly pause?: (milliseconds: number) => Promise<unknown>;
}): LoginLimits {
  const { attempts, audit, takeTry = () => null, pause = (milliseconds) => sleep(milliseconds) } = options;
  const { account, address } = options.limits;
  const byAccount: AttemptLimit = { ...lengths(account), delayed: true };
  const byAddress: AttemptLimit = { ...lengths(address), lock: null, delayed: false };
  const guessKey = randomBytes(32);
  const knownGuesses = new LRUCache<string, true>({ max: KNOWN_GUESSES });

  const addressSubject = (clientAddress: string | null, asked: boolean): AttemptSubject[] =>
    clientAddress === null ? [] : [{ kind: 'address', key: addressBlock(clientAddress), limit: byAddress, asked }];

  function subjectsOf({ account: name, address: clientAddress, device = null }: LoginTrial): AttemptSubject[] {
    if (device === null) {
      return [
        { kind: 'account', key: digest(name), limit: byAccount, asked: true },
        ...addressSubject(clientAddress, true),
      ];
    }
    // A browser that this account has used has an allowance of its own: whoever locks the account from outside, or floods
    // from the same address, does not lock out its owner. What it fails still counts against the address.
    return [
      { kind: 'device', key: digest(`${device}\0${name}`), limit: byAccount, asked: true },
      ...addressSubject(clientAddress, false),
    ];
  }

  function tell(locked: readonly AttemptSubjectKind[], trial: Partial<LoginTrial>): void {
    const who = trial.account === undefined ? {} : { user: trial.account };
    const where = { address: trial.address ?? null };
    for (const kind of locked) {
      if (kind === 'address') audit({ event: 'login.address-limited', ...where });
      else {
        const seconds = Math.ceil((byAccount.lock ?? byAccount.window) / 1_000);
        audit({ event: 'login.locked', ...who, ...where, detail: { seconds, device: kind === 'device' } });
      }
    }
  }

  return {
    takeTry,

    async begin(trial) {
      const subjects = subjectsOf(trial);
      const begun = await attempts.begin(subjects);
      if (begun.kind === 'limited') return { kind: 'limited', retryAfter: inSeconds(begun.retryAfter) };
      if (begun.wait > 0) await pause(begun.wait);
      const end = (outcome: AttemptOutcome) => async () => tell(await attempts.end(subjects, outcome), trial);
      return { kind: 'attempt', failed: end('failed'), succeeded: end('succeeded'), abandoned: end('abandoned') };
    },

    countGuess(credential, clientAddress) {
      const subjects = addressSubject(clientAddress, true);
      if (subjects.length === 0) return 0;
      return andThen(attempts.begin(subjects), (begun) => {
        if (begun.kind === 'limited') return inSeconds(begun.retryAfter);
        const guess = keyedHash(guessKey, credential);
        const outcome = knownGuesses.has(guess) ? 'abandoned' : 'failed';
        knownGuesses.set(guess, true);
        return andThen(attempts.end(subjects, outcome), (locked) => {
          tell(locked, { address: clientAddress });
          return 0;
        });
      });
    },

    async forget(username) {
      if (await attempts.forget({ kind: 'account', key: digest(username) }))
        audit({ event: 'login.unlocked', user: username });
    },
  };
}

function lengths(limit: { readonly attempts: number; readonly window: number; readonly lock?: unknown }) {
  const lock = typeof limit.lock === 'number' ? limit.lock : null;
  return { attempts: limit.attempts, window: limit.window, lock };
}

function inSeconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1_000));
}

/** A name is as long as its sender likes. */
function digest(text: string): string {
  return hash('sha256', text, 'buffer').subarray(0, 16).toString('base64url');
}
