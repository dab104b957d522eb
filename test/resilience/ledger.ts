import { ask } from '../support/http-client.ts';
import { logIn } from '../support/login.ts';
import { checkOnce } from './load.ts';

/** What is to be true of a thing: what was acknowledged last. `unsure` while something is under way, and when that broke off. */
type State = 'good' | 'ended' | 'unsure';

/** Everything that was acknowledged, by the service and by commands. */
export interface Ledger {
  /** By cookie: whose it is, and its state. */
  readonly sessions: Map<string, { readonly user: string; state: State }>;
  readonly keys: Map<string, State>;
  /** By user: locked where `ended`. */
  readonly locks: Map<string, State>;
  /** Answers that were neither what was asked for nor a broken connection. */
  readonly surprises: string[];
}

export function createLedger(): Ledger {
  return { sessions: new Map(), keys: new Map(), locks: new Map(), surprises: [] };
}

/** Logs in and, every third time, out again. @returns what happened; a broken connection is no surprise while things are killed */
export async function comeAndGo(base: string, ledger: Ledger, user: string, leaves: boolean): Promise<string> {
  try {
    const { answer, jar } = await logIn(`${base}/login`, user, 'correct-horse');
    if (answer.status !== 303) return surprise(ledger, `login ${answer.status}`);
    const cookie = jar.header();
    const session: { user: string; state: State } = { user, state: 'good' };
    ledger.sessions.set(cookie, session);
    if (!leaves) return 'login';
    const page = await ask(`${base}/logout`, { headers: { cookie } });
    jar.take(page);
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.body.toString())?.[1] ?? '';
    session.state = 'unsure';
    const left = await ask(`${base}/logout`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: jar.header(), origin: base },
      body: new URLSearchParams({ csrf }).toString(),
    });
    if (left.status !== 303) return surprise(ledger, `logout ${left.status}`);
    session.state = 'ended';
    return 'logout';
  } catch {
    return 'broken';
  }
}

/** Enters what commands.ts has said. */
export function enterCommands(ledger: Ledger, output: string): void {
  // The last line may have been broken off.
  for (const line of output.split('\n').slice(0, -1)) {
    const said = JSON.parse(line) as Readonly<Record<string, string | boolean>>;
    const { key, revoking, revoked, locking, locked, to } = said;
    if (typeof key === 'string') ledger.keys.set(key, 'good');
    if (typeof revoking === 'string') ledger.keys.set(revoking, 'unsure');
    if (typeof revoked === 'string') ledger.keys.set(revoked, 'ended');
    if (typeof locking === 'string') ledger.locks.set(locking, 'unsure');
    if (typeof locked === 'string') ledger.locks.set(locked, to === true ? 'ended' : 'good');
  }
}

/** What is not as it was acknowledged: one line each. */
export async function differences(base: string, ledger: Ledger, run: (...args: string[]) => Promise<string>) {
  const wrong: string[] = [];
  const expectCheck = async (what: string, headers: Record<string, string>, wanted: string) => {
    const got = await checkOnce(base, { path: '/', headers });
    if (got !== wanted) wrong.push(`${what}: ${got} instead of ${wanted}`);
  };
  for (const [cookie, { user, state }] of ledger.sessions) {
    if (state !== 'unsure') await expectCheck('session', { cookie }, state === 'good' ? `200 ${user}` : '401');
  }
  for (const [key, state] of ledger.keys) {
    if (state !== 'unsure') await expectCheck('key', { 'x-api-key': key }, state === 'good' ? '200 alice' : '401');
  }
  const users = JSON.parse(await run('users', 'list', '--json')) as { username: string; locked: boolean }[];
  for (const [name, state] of ledger.locks) {
    const user = users.find(({ username }) => username === name);
    if (state !== 'unsure' && user?.locked !== (state === 'ended')) wrong.push(`${name}: locked is ${user?.locked}`);
  }
  return wrong;
}

/** How many things of each kind and state there are. */
export function tally({ sessions, keys, locks }: Ledger): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  const count = (what: string, state: State) => {
    counts[`${what} ${state}`] = (counts[`${what} ${state}`] ?? 0) + 1;
  };
  for (const { state } of sessions.values()) count('sessions', state);
  for (const state of keys.values()) count('keys', state);
  for (const state of locks.values()) count('locks', state);
  return counts;
}

function surprise(ledger: Ledger, what: string): string {
  ledger.surprises.push(what);
  return what;
}
