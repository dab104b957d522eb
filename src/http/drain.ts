import type { Server } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { Connection } from './connections.ts';

/** So short, in ms, is a turn of the event loop in which nothing happens; and how long one is waited for. */
const QUIET = 0.2;
const QUIET_PATIENCE = 250;
/** How long, in ms, the process that accepts for several may take to pass a connection on. */
const PASSED_ON = 3;
/** How long, in ms, connections stay that are idle at the end: a busy front server has asked on each by then, and was told to close it. */
const IDLE_GRACE = 300;
const DRAIN_STEP = 25;
/** How long a connection that has just been made may take to send its request, in ms, once there are to be no more. */
const FIRST_REQUEST = 500;

/**
 * The end of a server: it accepts what waits, answers what has come, and resolves when no connection is left.
 * @param open its connections, and since when
 * @param deadline in ms, after which whatever is left is closed
 * @param ownsSocket false where another process accepts for this one
 */
export async function drain(
  server: Server,
  open: ReadonlyMap<Socket, Connection>,
  deadline: number,
  ownsSocket: boolean,
): Promise<void> {
  const began = performance.now();
  const ends = began + deadline;
  // What waits to be accepted is reset with the listening socket.
  let made = 0;
  server.on('connection', () => {
    made += 1;
  });
  await quietMoment(Math.min(QUIET_PATIENCE, deadline / 2), () => made, ownsSocket ? 0 : PASSED_ON);
  // Not the HTTP server's own `close`, which also ends connections that have been accepted and whose request is on its way.
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  const sweep = async () => {
    // A request that is on its way on an idle connection would be reset with it.
    if (performance.now() < ends) await quietMoment(DRAIN_STEP, () => made);
    const now = performance.now();
    if (now >= ends) server.closeAllConnections();
    else if (now - began > IDLE_GRACE && !awaitsFirst(open, now)) server.closeIdleConnections();
  };
  const timer = setInterval(() => void sweep(), DRAIN_STEP);
  await closed;
  clearInterval(timer);
}

/** Whether a connection was made a moment ago, whose request is still to come. */
function awaitsFirst(open: ReadonlyMap<Socket, Connection>, now: number): boolean {
  return [...open].some(([socket, { since }]) => socket.bytesRead === 0 && now - since < FIRST_REQUEST);
}

/**
 * Resolves where the event loop has just taken in all that had come and had little to do with it, or after `patience` ms, twice
 * that at the latest: whatever arrives unseen before the caller goes on has only this moment.
 * @param made how many connections have been accepted. A turn of the loop accepts one at most, so none may come in the last
 * @param gap how long, in ms, there must have been none
 */
async function quietMoment(patience: number, made: () => number, gap = 0): Promise<void> {
  let arrived = performance.now();
  const ends = arrived + patience;
  let seen = made();
  // From one check phase to the next: only in between has the system been asked for what had come.
  let last = 0;
  for (;;) {
    await new Promise(setImmediate);
    const now = performance.now();
    const isShort = now - last <= QUIET;
    const isWhole = last > 0;
    last = now;
    if (seen !== made()) {
      seen = made();
      arrived = now;
    } else if (isWhole && ((isShort && now - arrived >= gap) || now > ends)) return;
    if (now > ends + patience) return;
  }
}
