import { readdirSync, readFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

const THREADS = '/proc/self/task';
/** libuv's own name for the threads of its pool. */
const POOL_THREAD = 'libuv-worker';

/**
 * Gives the threads on which passwords are hashed less of a busy processor than the thread that answers checks: while 50
 * logins hash on one core, the p99 of answers stayed near the idle one's instead of rising to two or three times it.
 * Linux has priorities by thread; elsewhere, and where the threads have no names yet, nothing happens. The pool must have
 * been used before. File and DNS work shares the pool and waits a little longer too, on a busy processor only.
 */
export function lowerPoolPriority(): void {
  if (process.platform !== 'linux') return;
  try {
    for (const thread of readdirSync(THREADS)) {
      const name = readFileSync(`${THREADS}/${thread}/comm`, 'utf8').trim();
      if (name === POOL_THREAD) setPriority(Number(thread), constants.priority.PRIORITY_BELOW_NORMAL);
    }
  } catch {
    // A thread that ended meanwhile, or a system that forbids it: speed alone is lost.
  }
}
