import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { portOf } from '../support/free-port.ts';

export const LOGIN = { username: 'alice', password: 'correct horse battery staple' } as const;
export const KEY = 'glk_0123456789abcdef.the-secret-of-a-key';

/** What happens to one call instead of an answer, or to it on its way back. */
export type Mishap =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | 'lost-request'
  | 'lost-answer'
  | 'silence'
  | 'stops-halfway';

export interface Call {
  readonly path: string;
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A small gatelodge on a real socket: tokens that are good or not, refresh tokens that are spent once. */
export interface Lodge {
  readonly url: string;
  readonly origin: string;
  readonly calls: Call[];
  /** Seconds. */
  lifetime: number;
  password: string;
  /** How often this path was called. */
  count(path: string): number;
  /** The next calls of a path end so, in this order. */
  plan(path: string, ...mishaps: readonly Mishap[]): void;
  /** The next calls of a path wait for this before they are looked at. */
  hold(path: string, until: Promise<unknown>): void;
  /** Whether an application would let this credential in. */
  accepts(token: string): boolean;
  /** Every access token handed out so far is no good any more. */
  expireTokens(): void;
  /** A refresh token of a new family. */
  refreshToken(): string;
  /** Another program uses it. */
  spend(refreshToken: string): void;
  revoked(): readonly string[];
  stop(): Promise<void>;
}

/** @param files what it serves besides, as a front server would: path → type and content */
export async function startLodge(
  files: ReadonlyMap<string, readonly [type: string, content: string]> = new Map(),
): Promise<Lodge> {
  const calls: Call[] = [];
  const good = new Set<string>([KEY]);
  const refreshTokens = new Map<string, 'good' | 'spent'>();
  const revoked: string[] = [];
  const planned = new Map<string, Mishap[]>();
  const held = new Map<string, Promise<unknown>>();
  const mint = (prefix: string) => `${prefix}-${randomBytes(12).toString('base64url')}`;

  function refreshToken(): string {
    const token = mint('refresh');
    refreshTokens.set(token, 'good');
    return token;
  }
  function grant(): readonly [number, unknown] {
    const token = mint('access');
    good.add(token);
    const until = new Date(Date.now() + 86_400_000).toISOString();
    return [
      200,
      {
        ...{ token, token_type: 'Bearer', expires_in: lodge.lifetime, expires_at: until },
        ...{ refresh_token: refreshToken(), refresh_expires_at: until },
      },
    ];
  }
  function answer(path: string, body: Readonly<Record<string, string>>): readonly [number, unknown] {
    if (path === '/gate/auth') {
      const right = body['username'] === LOGIN.username && body['password'] === lodge.password;
      return right ? grant() : [401, { error: 'invalid-credentials', message: 'wrong' }];
    }
    if (path === '/gate/refresh') {
      const state = refreshTokens.get(body['refresh_token'] ?? '');
      if (state === 'spent') return [409, { error: 'conflict', message: 'spent a moment ago' }];
      if (state !== 'good') return [401, { error: 'invalid-grant', message: 'unknown' }];
      refreshTokens.set(body['refresh_token'] ?? '', 'spent');
      return grant();
    }
    if (path !== '/gate/revoke') return [404, { error: 'not-found', message: 'nothing' }];
    revoked.push(body['token'] ?? '');
    good.delete(body['token'] ?? '');
    refreshTokens.delete(body['token'] ?? '');
    return [200, {}];
  }

  const server = await serve(async (request, response) => {
    const call = { path: request.url ?? '', method: request.method ?? '', headers: request.headers, body: '' };
    const file = files.get(call.path);
    if (file !== undefined) return end(response, 200, file[1], { 'content-type': file[0] });
    call.body = await textOf(request);
    calls.push(call);
    await held.get(call.path);
    const mishap = planned.get(call.path)?.shift();
    if (mishap === 'silence') return;
    if (mishap === 'lost-request') return void response.destroy();
    if (typeof mishap === 'object') return end(response, mishap.status, mishap.body ?? '{}', mishap.headers);
    // The body is what the client sent; what is missing in it is refused above.
    const fields = JSON.parse(call.body || '{}') as Record<string, string>;
    const [status, body] = answer(call.path, fields);
    if (mishap === 'lost-answer') {
      // As gatelodge does for ten seconds: the same request gets its answer once more.
      const token = fields['refresh_token'] ?? '';
      if (refreshTokens.has(token)) refreshTokens.set(token, 'good');
      return void response.destroy();
    }
    if (mishap === 'stops-halfway') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      return void response.write('{"token":');
    }
    end(response, status, JSON.stringify(body));
  });

  const lodge: Lodge = {
    url: `${server.origin}/gate`,
    origin: server.origin,
    calls,
    lifetime: 3_600,
    password: LOGIN.password,
    count: (path) => calls.filter((call) => call.path === path).length,
    plan: (path, ...mishaps) => void planned.set(path, [...(planned.get(path) ?? []), ...mishaps]),
    hold: (path, until) => void held.set(path, until),
    accepts: (token) => good.has(token),
    expireTokens() {
      for (const token of good) if (token !== KEY) good.delete(token);
    },
    refreshToken,
    spend: (token) => void refreshTokens.set(token, 'spent'),
    revoked: () => revoked,
    stop: server.stop,
  };
  return lodge;
}

/** An application behind the gate: 401 without a good token, else it echoes. `/always-401` has reasons of its own. */
export interface Guarded {
  readonly origin: string;
  readonly calls: Call[];
  /** What was sent to it as credentials, in order; undefined for none. */
  credentials(): (string | undefined)[];
  stop(): Promise<void>;
}

/**
 * @param redirects path → where it leads, with which status
 * @param does path → what happens there, for everybody
 */
export async function startGuarded(
  accepts: (token: string) => boolean | Promise<boolean>,
  redirects: ReadonlyMap<string, readonly [status: number, location: string]> = new Map(),
  does: Readonly<Record<string, () => void>> = {},
): Promise<Guarded> {
  const calls: Call[] = [];
  const server = await serve(async (request, response) => {
    const path = request.url ?? '';
    const call = { path, method: request.method ?? '', headers: request.headers, body: await textOf(request) };
    calls.push(call);
    if (request.method === 'OPTIONS') return end(response, 204, '', CORS);
    const redirect = redirects.get(path);
    if (redirect !== undefined) return end(response, redirect[0], '', { location: redirect[1], ...CORS });
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    if (does[path] !== undefined) {
      does[path]();
      return end(response, 200, '', CORS);
    }
    if (path === '/always-401' || !(await accepts(token))) return end(response, 401, 'no', CORS);
    end(response, 200, JSON.stringify({ path, body: call.body, type: request.headers['content-type'] }), CORS);
  });
  return {
    origin: server.origin,
    calls,
    credentials: () => calls.filter(({ method }) => method !== 'OPTIONS').map(({ headers }) => headers.authorization),
    stop: server.stop,
  };
}

/** As an application in the wild might answer; a client must be safe with it. */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': 'authorization, content-type',
  'access-control-allow-methods': 'GET, POST',
};

/** A real server on 127.0.0.1 at any port. */
export async function serve(
  listener: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<{ readonly origin: string; stop(): Promise<void> }> {
  const handle: RequestListener = (request, response) => void listener(request, response);
  const server = createServer(handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${portOf(server.address())}`,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function end(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body);
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
