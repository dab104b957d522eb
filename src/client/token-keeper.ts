import { GatelodgeClientError, isClientError } from './errors.ts';
import type { Settings } from './options.ts';
import type { TokenCalls, Tokens } from './token-calls.ts';
import { pause, unlessAborted } from './waiting.ts';

/** Holds the credential, and sees that it is fresh. Nothing happens by itself: who does not ask, renews nothing. */
export interface TokenKeeper {
  /**
   * What to send now: the API key, or a token, renewed where it has ended.
   * @throws GatelodgeClientError, or the signal's reason; the renewal goes on for whoever else waits for it
   */
  token(signal: AbortSignal | null): Promise<string>;
  /**
   * What to send after `refused` was answered with 401.
   * @returns null where nothing else is to be had
   */
  another(refused: string, signal: AbortSignal | null): Promise<string | null>;
  /** Says that a renewed token was answered with 401 too: then it is not about the token. */
  didNotHelp(): void;
  /** Takes back what was handed out and forgets everything. Where it fails it can be called again. */
  logOut(): Promise<void>;
}

interface Held {
  readonly token: string;
  /** From when on a new one is asked for while this one is still used; ms of the clock, as `endsAt`. */
  readonly renewAt: number;
  readonly endsAt: number;
}

/** ms */
const AHEAD = 60_000;
/** What a request may take to arrive, so that no token ends on the way; ms. */
const ON_THE_WAY = 5_000;
/** How long 401s are believed to be the application's own after a new token did not help; ms. */
const QUIET = 30_000;
/** Before a refresh token is sent a second time: an answer may have been lost, or another program is busy with it; ms. */
const MOMENT = 500;
/** How long nobody is asked again after a failure, unless gatelodge says how long; ms. */
const PAUSE = 1_000;
/** However long it says; ms. */
const LONGEST_PAUSE = 3_600_000;
/** After a wrong password, doubled each time up to the longest: a program must not lock its own account. ms. */
const WRONG_PASSWORD_PAUSE = 30_000;
const LONGEST_WRONG_PASSWORD_PAUSE = 600_000;

export function createTokenKeeper(settings: Settings, calls: TokenCalls): TokenKeeper {
  const { clock, onTokens } = settings;
  const byKey: Held | null =
    settings.key === null
      ? null
      : { token: settings.key, renewAt: Number.POSITIVE_INFINITY, endsAt: Number.POSITIVE_INFINITY };
  let { login, refreshToken } = settings;
  let held = refreshToken === null ? byKey : null;
  let running: Promise<Held> | null = null;
  /** Why nothing can be had any more. */
  let lost: GatelodgeClientError | null = null;
  let paused: { readonly until: number; readonly error: GatelodgeClientError } | null = null;
  let wrongPasswords = 0;
  let quietUntil = Number.NEGATIVE_INFINITY;
  let callbackFailure: GatelodgeClientError | null = null;
  let loggedOut = false;
  let loggingOut: Promise<void> | null = null;
  let toRevoke: readonly string[] = [];

  /** One for all who ask while it runs. */
  function renew(): Promise<Held> {
    if (running !== null) return running;
    const until = paused?.until ?? 0;
    if (paused !== null && clock() < until) return Promise.reject(stillPaused(paused.error, until - clock()));
    const renewal = obtain()
      .then(
        (next) => {
          paused = null;
          held = next;
          return next;
        },
        (error: unknown) => {
          if (isClientError(error)) paused = { error, until: clock() + pauseAfter(error) };
          throw error;
        },
      )
      .finally(() => {
        running = null;
      });
    // Everybody who waits for it may have been aborted.
    renewal.catch(() => {});
    running = renewal;
    return renewal;
  }

  /** The refresh token first, then what else there is. Only a refusal leads on to the next: trouble is no refusal. */
  async function obtain(): Promise<Held> {
    const start = clock();
    if (refreshToken !== null) {
      try {
        return await take(await spend(refreshToken), start);
      } catch (error) {
        if (!isClientError(error, 'refused', 'conflict')) throw error;
        // Sent again, it would end what another program holds by now: reuse revokes the whole family.
        refreshToken = null;
        lost = error;
      }
    }
    if (byKey !== null) return byKey;
    if (login === null) throw lost ?? new GatelodgeClientError('refused', 'no credential is left');
    const again = clock();
    return take(await calls.logIn(login), again);
  }

  async function spend(token: string): Promise<Tokens> {
    try {
      return await calls.refresh(token);
    } catch (error) {
      // Whoever was told `conflict` is too late: a second time could end what the winner holds.
      if (!isClientError(error, 'network')) throw error;
    }
    await pause(MOMENT);
    return calls.refresh(token);
  }

  /** @param start when it was asked for: the token ends so much after that at the earliest, whatever the clocks say */
  async function take(tokens: Tokens, start: number): Promise<Held> {
    wrongPasswords = 0;
    // RFC 6749 section 6: where no new one comes, the old one goes on.
    refreshToken = tokens.refreshToken ?? refreshToken;
    if (onTokens !== null && !loggedOut) {
      try {
        await onTokens({ ...tokens, refreshToken });
      } catch (cause) {
        callbackFailure = new GatelodgeClientError('callback-failed', 'onTokens threw', { cause });
      }
    }
    const lifetime = tokens.expiresIn * 1_000;
    return {
      token: tokens.token,
      renewAt: start + lifetime - Math.min(AHEAD, lifetime / 5),
      endsAt: start + lifetime - Math.min(ON_THE_WAY, lifetime / 20),
    };
  }

  function pauseAfter(error: GatelodgeClientError): number {
    if (error.retryAfter !== undefined) {
      return Math.min(Math.max(PAUSE, error.retryAfter * 1_000), LONGEST_PAUSE);
    }
    if (error.code !== 'invalid-credentials') return PAUSE;
    wrongPasswords += 1;
    return Math.min(WRONG_PASSWORD_PAUSE * 2 ** (wrongPasswords - 1), LONGEST_WRONG_PASSWORD_PAUSE);
  }

  function check(): void {
    if (loggedOut) throw new GatelodgeClientError('logged-out', 'this client has logged out');
    if (callbackFailure === null) return;
    const failure = callbackFailure;
    callbackFailure = null;
    throw failure;
  }

  async function renewed(signal: AbortSignal | null): Promise<string> {
    const { token } = await unlessAborted(renew(), signal);
    check();
    return token;
  }

  async function takeBack(): Promise<void> {
    // What a renewal under way brings has to be taken back too.
    await running?.catch(() => {});
    const issued = [refreshToken, held === byKey ? null : (held?.token ?? null)];
    toRevoke = [...toRevoke, ...issued.filter((token) => token !== null)];
    refreshToken = null;
    login = null;
    held = null;
    while (toRevoke[0] !== undefined) {
      await calls.revoke(toRevoke[0]);
      toRevoke = toRevoke.slice(1);
    }
  }

  return {
    async token(signal) {
      signal?.throwIfAborted();
      check();
      if (held === null || clock() >= held.endsAt) return renewed(signal);
      if (clock() >= held.renewAt) renew().catch(() => {});
      return held.token;
    },

    async another(refused, signal) {
      signal?.throwIfAborted();
      check();
      // Somebody else's 401 has renewed it already.
      if (held !== null && held.token !== refused) return held.token;
      if (refused === byKey?.token || clock() < quietUntil) return null;
      return renewed(signal);
    },

    didNotHelp() {
      quietUntil = clock() + QUIET;
    },

    logOut() {
      loggedOut = true;
      loggingOut ??= takeBack().finally(() => {
        loggingOut = null;
      });
      return loggingOut;
    },
  };
}

/** The same failure again, as far as time has come. @param left ms */
function stillPaused(error: GatelodgeClientError, left: number): GatelodgeClientError {
  const retryAfter =
    error.retryAfter === undefined && error.code !== 'invalid-credentials' ? undefined : Math.ceil(left / 1_000);
  const { code, message, status } = error;
  return new GatelodgeClientError(code, message, { status, retryAfter, cause: error });
}
