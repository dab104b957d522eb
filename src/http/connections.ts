import { readFileSync } from 'node:fs';
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { totalmem } from 'node:os';

/** A connection that is open. */
export interface Connection {
  /** When it was made, on the clock of `performance`. */
  readonly since: number;
  /** The answer to its newest request; null where that has been sent, or none has come yet. */
  response: ServerResponse | null;
  /** Counts requests of all connections: the larger, the later its newest one came. 0 where none has come. */
  turn: number;
  /** How many have come, one after the other, before the one in front of it was answered. */
  ahead: number;
}

/** What the largest header of a request takes, in bytes. Cookies and an 8 KiB URL, told twice. */
export const MAX_HEADERS = 65_536;
/** Open files for everything else: the database, the log, connections of our own. */
const OTHER_FILES = 256;
/** Where the system does not tell its limit. */
const CAUTIOUS_FILES = 1_024;
/** The part of the memory that headers may take, were all of them as large as they may be. */
const MEMORY_SHARE = 8;
/** Of connections that have been used, so many give way at once: to look for them takes a look at all. */
const AT_ONCE = 16;
/**
 * So many requests may come before they are answered (RFC 9112, section 9.3.2). No front server and no browser sends any; but
 * two thousand fit into one read, and would all be begun before anybody else is answered.
 */
const MOST_AHEAD = 8;
/** So long, in ms, the first request of a connection may already be here and not have been read yet. */
const UNREAD = 100;
/** How often, in ms, what has been answered is let go of. */
const SWEEP = 10_000;

/** How many connections each of so many listeners may hold without using up this process's files or memory. */
export function mostConnections(listeners: number): number {
  const files = openFilesLimit();
  const forAll = files - Math.min(OTHER_FILES, Math.ceil(files / 4));
  const memory = Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem());
  return Math.max(1, Math.floor(Math.min(forAll, memory / MEMORY_SHARE / MAX_HEADERS) / listeners));
}

function openFilesLimit(): number {
  try {
    // The soft limit, which Node.js has raised to the hard one by now (proc(5)).
    const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    if (soft !== undefined) return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    // not Linux
  }
  return CAUTIOUS_FILES;
}

/**
 * Never more than so many connections at a time. Who runs out of files answers nobody any more, on no listener; so somebody
 * gives way to a new connection: whoever has sent nothing whole for longest, then whoever still sends or takes no answer,
 * then whoever has been idle for longest. A request that is being answered never does, and one that may just have come only
 * where there is nobody else.
 * @param gaveWay told how many
 * @returns all that are open
 */
export function boundConnections(
  server: Server,
  most: number,
  gaveWay: (count: number) => void = () => {},
): ReadonlyMap<Socket, Connection> {
  const open = new Map<Socket, Connection>();
  /** Those whose first request has not come yet, the oldest first. */
  const silent = new Set<Socket>();
  let turn = 0;

  server.on('connection', (socket) => {
    if (open.size >= most) makeRoom(socket);
    if (socket.destroyed) return;
    open.set(socket, { since: performance.now(), response: null, turn: 0, ahead: 0 });
    silent.add(socket);
    socket.once('close', () => {
      open.delete(socket);
      silent.delete(socket);
    });
  });
  // Before whoever answers, who leaves alone what comes on a connection that has been given up: the rest of what was read does.
  server.prependListener('request', ({ socket }, response) => {
    const connection = open.get(socket);
    if (connection === undefined) return;
    if (connection.turn === 0) silent.delete(socket);
    turn += 1;
    connection.turn = turn;
    connection.ahead = connection.response === null || connection.response.writableFinished ? 0 : connection.ahead + 1;
    connection.response = response;
    if (connection.ahead > MOST_AHEAD) socket.destroy();
  });

  function makeRoom(newcomer: Socket): void {
    const [oldest] = silent;
    const since = oldest === undefined ? undefined : open.get(oldest)?.since;
    const hasWaited = since !== undefined && performance.now() - since >= UNREAD;
    const leaving = hasWaited && oldest !== undefined ? [oldest] : longestIdle(open, silent, Math.ceil(most / AT_ONCE));
    if (leaving.length === 0) leaving.push(oldest ?? newcomer);
    for (const socket of leaving) {
      // Not only when it has closed: until then it would be chosen again.
      open.delete(socket);
      silent.delete(socket);
      socket.destroy();
    }
    gaveWay(leaving.length);
  }

  // An answer that has been sent holds on to its request with all header lines.
  const sweep = setInterval(() => {
    for (const connection of open.values()) if (stateOf(connection) === 'idle') connection.response = null;
  }, SWEEP).unref();
  server.once('close', () => clearInterval(sweep));
  return open;
}

type State = 'stalling' | 'idle' | 'working';

function stateOf({ response }: Connection): State {
  if (response === null || (response.req.complete && response.writableFinished)) return 'idle';
  // What is still to be done is the other side's: to send the rest, or to take the answer.
  return !response.req.complete || response.writableEnded ? 'stalling' : 'working';
}

/** Of those that have sent something. */
function longestIdle(open: ReadonlyMap<Socket, Connection>, silent: ReadonlySet<Socket>, count: number): Socket[] {
  const order = { stalling: 0, idle: 1 };
  return [...open]
    .flatMap(([socket, connection]) => {
      const state = stateOf(connection);
      return state === 'working' || silent.has(socket) ? [] : [{ socket, turn: connection.turn, rank: order[state] }];
    })
    .sort((a, b) => a.rank - b.rank || a.turn - b.turn)
    .slice(0, count)
    .map(({ socket }) => socket);
}
