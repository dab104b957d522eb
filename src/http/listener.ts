import { randomUUID } from 'node:crypto';
import { chmodSync, statSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Listener } from '../config/listener-schema.ts';
import { announcesBody, CheckMessage, isCheck } from './check-message.ts';
import { boundConnections, MAX_HEADERS, mostConnections } from './connections.ts';
import type { DecisionEndpoint } from './decision-endpoint.ts';
import { drain } from './drain.ts';
import { requireAt } from './inherited-sockets.ts';
import { oneATurn } from './one-a-turn.ts';
import type { Peer } from './peer.ts';

type AnswerPart = (message: IncomingMessage, response: ServerResponse, peer: Peer, requestId: string) => void;

/** What answers on a listener. Replaced as a whole when the configuration is. */
export interface Handlers {
  readonly peerOf: (socket: IncomingMessage['socket']) => Peer;
  readonly decisions: DecisionEndpoint;
  /** Answers everything that is not a check. */
  readonly publicPart: AnswerPart;
  /** Answers everything on a listener that serves internal calls alone, where there are any. */
  readonly internalPart?: AnswerPart;
  /** What is missing for the service to be of use; empty when it is ready. */
  readonly missing: () => Promise<readonly string[]>;
}

/** Where a server listens. */
export type Place =
  | { readonly host: string; readonly port: number }
  | { readonly socket: string; readonly socket_chmod: string };

export interface Listening {
  /** `http://127.0.0.1:9190` or `unix:/run/gatelodge.sock`. */
  readonly address: string;
  /** No new connections; resolves when what was in flight is answered, or at the deadline (in ms). */
  stop(deadline: number): Promise<void>;
}

/** nginx keeps a connection for 60 s; a server that closes first makes the next check fail. */
const KEEP_ALIVE = 75_000;
/**
 * How long, in ms, a request's head may take from its first byte, or from the connection, and the whole of it. A front server
 * has the head before it opens a connection; some send a form's body on as it comes.
 */
const HEAD_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 30_000;
const TIMEOUT_STEP = 1_000;

/** How a process listens. */
export interface Terms {
  /** The descriptor of a socket that listens already; whoever has opened it takes care of it. */
  readonly inherited?: number;
  /** False where other processes listen on the same. */
  readonly ownsSocket?: boolean;
  /** How many connections at a time. */
  readonly most?: number;
  /** Told how many connections were closed for new ones. */
  readonly gaveWay?: (count: number) => void;
}

/** Listens; the handlers may come later, and until then everything but the health check is 503. */
export async function listen(
  listener: Listener,
  handlers: () => Handlers | null,
  terms: Terms = {},
): Promise<Listening> {
  let draining = false;
  const inTurn = oneATurn();
  const take = (message: IncomingMessage, response: ServerResponse): void => {
    // Given up, as one of too many.
    if (message.socket.destroyed) return;
    // Not before: every connection that is closed is one more to be made, and that needs somebody who accepts it.
    if (!server.listening || (isCheck(message.url ?? '') && announcesBody(message.rawHeaders)))
      response.setHeader('Connection', 'close');
    answer(message, response, listener.serves, handlers(), draining);
  };
  const server: Server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE,
      headersTimeout: HEAD_TIMEOUT,
      requestTimeout: REQUEST_TIMEOUT,
      connectionsCheckingInterval: TIMEOUT_STEP,
      maxHeaderSize: MAX_HEADERS,
      IncomingMessage: CheckMessage,
    },
    (message, response) => {
      const url = message.url ?? '';
      if (isCheck(url) || isHealth(url)) take(message, response);
      else inTurn(() => take(message, response));
    },
  );
  // Node.js would drop what comes after the 2000th field without a word, and with it, say, X-Forwarded-For. Their size is limited.
  server.maxHeadersCount = 0;
  const { address, stop } = await listenAt(server, listener, terms);
  return {
    address,
    stop(deadline) {
      draining = true;
      return stop(deadline);
    },
  };
}

export async function listenAt(
  server: Server,
  place: Place,
  { inherited, ownsSocket = true, most = mostConnections(1), gaveWay }: Terms = {},
): Promise<Listening> {
  const open = boundConnections(server, most, gaveWay);
  if (inherited !== undefined) {
    await listening(server, () => server.listen({ fd: inherited }));
    try {
      requireAt(server, place);
    } catch (error) {
      server.close();
      throw error;
    }
  } else if ('socket' in place) await listenOnSocket(server, place.socket, place.socket_chmod, ownsSocket);
  else await listening(server, () => server.listen(place.port, place.host));
  return { address: addressOf(server, place), stop: (deadline) => drain(server, open, deadline, ownsSocket) };
}

function answer(
  message: IncomingMessage,
  response: ServerResponse,
  serves: readonly string[],
  handlers: Handlers | null,
  draining: boolean,
): void {
  const url = message.url ?? '';
  if (isPath(url, '/healthz')) json(response, 200, { status: 'alive' });
  else if (isPath(url, '/readyz')) void ready(response, handlers, draining);
  else if (handlers === null) {
    if (isCheck(url)) response.setHeader('X-Auth-Reason', 'store-unavailable');
    json(response, 503, { error: 'store-unavailable', message: 'gatelodge is starting' });
  } else if (isCheck(url)) {
    const peer = handlers.peerOf(message.socket);
    if (serves.includes('decisions') && handlers.decisions(message, response, peer)) return;
    json(response, 404, { error: 'not-found', message: 'there is no such check here' });
  } else if (serves.includes('public')) {
    const peer = handlers.peerOf(message.socket);
    handlers.publicPart(message, response, peer, requestIdOf(message, peer));
  } else if (serves.includes('internal')) {
    const peer = handlers.peerOf(message.socket);
    if (handlers.internalPart === undefined)
      json(response, 404, { error: 'not-found', message: 'nothing is internal' });
    else handlers.internalPart(message, response, peer, requestIdOf(message, peer));
  } else json(response, 404, { error: 'not-found', message: 'this listener answers checks alone' });
}

function isHealth(url: string): boolean {
  return isPath(url, '/healthz') || isPath(url, '/readyz');
}

function isPath(url: string, path: string): boolean {
  return url === path || (url.startsWith(path) && url.charCodeAt(path.length) === 0x3f);
}

async function ready(response: ServerResponse, handlers: Handlers | null, draining: boolean): Promise<void> {
  const missing = draining ? ['stopping'] : handlers === null ? ['starting'] : await handlers.missing();
  json(
    response,
    missing.length === 0 ? 200 : 503,
    missing.length === 0 ? { status: 'ready' } : { status: 'not-ready', missing },
  );
}

function json(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(text),
      'Cache-Control': 'no-store',
    })
    .end(text);
}

/** The front server's id of the request, so that its log and ours can be read together; one of our own from anybody else. */
function requestIdOf(message: IncomingMessage, peer: Peer): string {
  const told = message.headers['x-request-id'];
  return peer.trusted && typeof told === 'string' && /^[\w.-]{1,64}$/.test(told) ? told : randomUUID();
}

function listening(server: Server, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    start();
  });
}

async function listenOnSocket(server: Server, path: string, mode: string, owns: boolean): Promise<void> {
  // A worker shares its listener with others, which may have made it already.
  if (owns) await removeStaleSocket(path);
  // Made closed: between listening and chmod nobody else can connect.
  const umask = process.umask(0o177);
  try {
    await listening(server, () => server.listen(path));
  } finally {
    process.umask(umask);
  }
  chmodSync(path, Number.parseInt(mode, 8));
}

/** A socket that a killed process left behind. One that somebody answers on, and whatever is no socket, stays. */
export async function removeStaleSocket(path: string): Promise<void> {
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const answered = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (!answered) unlinkSync(path);
}

function addressOf(server: Server, place: Place): string {
  const address = server.address();
  if (address === null || typeof address === 'string') return `unix:${'socket' in place ? place.socket : ''}`;
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}
