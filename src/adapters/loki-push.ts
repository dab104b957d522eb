import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface LokiTarget {
  /** Base URL, or the whole one of the push call; a user and password in it become Basic. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Sent as X-Scope-OrgID. */
  readonly tenant?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

const PUSH_PATH = '/loki/api/v1/push';
/** How long Loki may ask us to wait, and we wait by ourselves, in ms. */
export const LONGEST_PAUSE = 30_000;
/** Bytes of an answer; nobody reads them. */
const LONGEST_ANSWER = 64 * 1024;

export type PushOutcome =
  | { readonly kind: 'accepted' }
  /** Loki will never take it. */
  | { readonly kind: 'refused'; readonly why: string }
  /** It may, later. `pause` in ms, where it said when. */
  | { readonly kind: 'failed'; readonly why: string; readonly pause: number };

export interface Push {
  (body: string, signal?: AbortSignal): Promise<PushOutcome>;
  /** Lets go of the connection. */
  stop(): void;
}

/** One call, which always ends. A redirect is not followed: it would take the lines, and the credentials, elsewhere. */
export function pushTo(target: LokiTarget, timeout: number): Push {
  const url = new URL(target.url);
  const username = target.username ?? decodeURIComponent(url.username);
  const password = target.password ?? decodeURIComponent(url.password);
  url.username = '';
  url.password = '';
  if (!url.pathname.endsWith('/push')) url.pathname = url.pathname.replace(/\/$/, '') + PUSH_PATH;
  const secure = url.protocol === 'https:';
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 1 });
  const headers = {
    'Content-Type': 'application/json',
    ...(username === '' && password === ''
      ? {}
      : { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }),
    ...(target.tenant === undefined ? {} : { 'X-Scope-OrgID': target.tenant }),
  };

  const push = (body: string, signal?: AbortSignal) =>
    new Promise<PushOutcome>((resolve) => {
      const late = AbortSignal.timeout(timeout);
      const ends = signal === undefined ? late : AbortSignal.any([late, signal]);
      /** What was answered counts, also where the rest of the answer never came. */
      let outcome: PushOutcome = { kind: 'failed', why: 'no answer', pause: 0 };
      const request = (secure ? httpsRequest : httpRequest)(url, {
        ...{ method: 'POST', agent, signal: ends },
        headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
      });
      request.on('response', (response) => {
        outcome = outcomeOf(response.statusCode ?? 0, response.headers['retry-after']);
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > LONGEST_ANSWER) response.destroy();
        });
        response.on('error', () => {});
      });
      request.on('error', (error) => {
        const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
        if (outcome.kind === 'failed' && outcome.why === 'no answer')
          outcome = { kind: 'failed', why: ends.aborted ? 'timeout' : code, pause: 0 };
      });
      // Not before it is through or was cut off: there is never more than one push.
      request.on('close', () => resolve(outcome));
      request.end(body);
    });
  return Object.assign(push, { stop: () => agent.destroy() });
}

function outcomeOf(status: number, retryAfter: string | undefined): PushOutcome {
  if (status >= 200 && status < 300) return { kind: 'accepted' };
  const why = `status ${status}`;
  if (status < 500 && status !== 408 && status !== 429) return { kind: 'refused', why };
  const seconds = /^\d{1,9}$/.test(retryAfter ?? '') ? Number(retryAfter) : 0;
  return { kind: 'failed', why, pause: Math.min(seconds * 1_000, LONGEST_PAUSE) };
}
