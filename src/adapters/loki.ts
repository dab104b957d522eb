import { randomInt } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { ShippedLines } from '../domain/measurements.ts';

/*
 * Not pino-loki 3.0.0: with our lines, whose times are text, it sends the time NaN; it starts a push every few seconds whether or
 * not those before have ended, each with all its lines; what a push had is lost when it fails, and nobody counts it; it follows
 * redirects with the credentials, reads an answer of any length, and prints that and a URL with a password on standard error.
 */

export interface LokiTarget {
  /** Base URL, or the whole one of the push call; a user and password in it become Basic. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Sent as X-Scope-OrgID. */
  readonly tenant?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** Told what standard output is to say: never a URL, nor what somebody answered. */
export type LokiReport = (level: 'info' | 'warn', event: string, detail: Readonly<Record<string, unknown>>) => void;

export interface LokiSender {
  /** Takes a line; never waits. */
  write(line: string): void;
  /** Sends what waits, for at most `deadline` ms, and no more after it. */
  close(deadline: number): Promise<void>;
}

const PUSH_PATH = '/loki/api/v1/push';
/** Characters that wait while Loki is down or slow; beyond it the oldest lines go. */
const MOST_WAITING = 8 * 1024 * 1024;
/** One push: as much as is made ready in less than a millisecond. */
const MOST_LINES = 1_000;
const MOST_CHARACTERS = 256 * 1024;
/** How long a line waits for others, in ms. */
const WAIT = 1_000;
const TIMEOUT = 10_000;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
/** How often a failure that goes on is told, in ms. */
const REMIND = 60_000;
/** Bytes of an answer; nobody reads them. */
const LONGEST_ANSWER = 64 * 1024;

type Outcome =
  | { readonly kind: 'accepted' }
  /** Loki will never take it. */
  | { readonly kind: 'refused'; readonly why: string }
  /** It may, later. `pause` in ms, where it said when. */
  | { readonly kind: 'failed'; readonly why: string; readonly pause: number };

/** Sends log lines to Loki's push API, one push at a time. Whatever Loki does, writing a line costs the same, and memory is bounded. */
export function createLokiSender(options: {
  readonly target: LokiTarget;
  readonly report: LokiReport;
  readonly counts?: ShippedLines;
  /** For tests: ms that a push may take, and a line waits. */
  readonly timeout?: number;
  readonly wait?: number;
}): LokiSender {
  const { report, counts = { sent: 0, dropped: 0 }, timeout = TIMEOUT, wait = WAIT } = options;
  const push = pushTo(options.target, timeout);
  const formatted = createFormat({ job: 'gatelodge', ...options.target.labels });

  let waiting: string[] = [];
  /** Lines at the beginning of `waiting` that are gone already. */
  let gone = 0;
  let characters = 0;
  let batch: readonly string[] | null = null;
  let sending: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let closed = false;
  let lost = 0;
  let remindAt = 0;

  function takeBatch(): readonly string[] | null {
    let end = gone;
    let length = 0;
    while (end < waiting.length && end - gone < MOST_LINES) {
      length += waiting[end]?.length ?? 0;
      if (length > MOST_CHARACTERS && end > gone) {
        length -= waiting[end]?.length ?? 0;
        break;
      }
      end += 1;
    }
    if (end === gone) return null;
    const lines = waiting.slice(gone, end);
    gone = end;
    characters -= length;
    if (gone * 2 > waiting.length) {
      waiting = waiting.slice(gone);
      gone = 0;
    }
    return lines;
  }

  function drop(lines: number): void {
    counts.dropped += lines;
    lost += lines;
  }

  function tell(why: string): void {
    const now = performance.now();
    if (remindAt !== 0 && now < remindAt) return;
    remindAt = now + REMIND;
    report('warn', 'loki.failing', { why, waiting: waiting.length - gone + (batch?.length ?? 0), dropped: lost });
  }

  async function sendOne(signal?: AbortSignal): Promise<number> {
    batch ??= takeBatch();
    if (batch === null) return -1;
    // Whatever is wrong with these lines, the next ones may be well, and the service goes on.
    const outcome = await push(formatted(batch), signal).catch((): Outcome => ({ kind: 'refused', why: 'unsendable' }));
    if (outcome.kind === 'failed') {
      failures += 1;
      tell(outcome.why);
      return Math.max(outcome.pause, Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures - 1, 10)));
    }
    if (outcome.kind === 'refused') {
      drop(batch.length);
      tell(outcome.why);
    } else {
      counts.sent += batch.length;
      if (remindAt !== 0) report('info', 'loki.recovered', { dropped: lost });
      remindAt = 0;
      lost = 0;
    }
    failures = 0;
    batch = null;
    return gone < waiting.length ? 0 : -1;
  }

  function schedule(delay: number): void {
    if (closed) return;
    timer = setTimeout(() => {
      timer = undefined;
      sending = sendOne().then((next) => {
        sending = null;
        if (next >= 0) schedule(next);
      });
    }, delay);
    timer.unref();
  }

  return {
    write(line) {
      if (closed) {
        drop(1);
        return;
      }
      waiting.push(line);
      characters += line.length;
      while (characters > MOST_WAITING) {
        characters -= waiting[gone]?.length ?? 0;
        waiting[gone] = '';
        gone += 1;
        drop(1);
      }
      if (gone > MOST_LINES && gone * 2 > waiting.length) {
        waiting = waiting.slice(gone);
        gone = 0;
      }
      if (timer === undefined && sending === null) schedule(wait);
    },

    async close(deadline) {
      if (closed) return;
      closed = true;
      clearTimeout(timer);
      const end = new AbortController();
      const ends = setTimeout(() => end.abort(), deadline);
      const over = new Promise<void>((resolve) =>
        end.signal.addEventListener('abort', () => resolve(), { once: true }),
      );
      await Promise.race([sending, over]);
      // A failure here is the last: there is nobody to try again.
      while (!end.signal.aborted && sending === null && (await sendOne(end.signal)) === 0);
      clearTimeout(ends);
      const left = (batch?.length ?? 0) + waiting.length - gone;
      push.stop();
      if (left === 0) return;
      drop(left);
      report('warn', 'loki.unsent', { lines: left });
    },
  };
}

/** Labels are few and bounded: the level, and what is configured. Everything else stays in the line. */
function createFormat(labels: Readonly<Record<string, string>>): (lines: readonly string[]) => string {
  let lastTime = 0;
  // Loki drops a line that has the time and text of one before: those of one millisecond, and of several workers, are told apart.
  const first = randomInt(900_000);
  let place = first;
  return (lines) => {
    const streams = new Map<string, string[]>();
    for (const line of lines) {
      const [, level = 'info', text = ''] = /^\{"level":"(\w+)","time":"([^"]+)"/.exec(line) ?? [];
      const time = Date.parse(text) || Date.now();
      place = time === lastTime ? Math.min(place + 1, 999_999) : first;
      lastTime = time;
      const values = streams.get(level) ?? [];
      values.push(`["${time}${String(place).padStart(6, '0')}",${JSON.stringify(line.trimEnd())}]`);
      streams.set(level, values);
    }
    const parts = [...streams].map(
      ([level, values]) => `{"stream":${JSON.stringify({ ...labels, level })},"values":[${values.join(',')}]}`,
    );
    return `{"streams":[${parts.join(',')}]}`;
  };
}

interface Push {
  (body: string, signal?: AbortSignal): Promise<Outcome>;
  /** Lets go of the connection. */
  stop(): void;
}

/** One call, which always ends. A redirect is not followed: it would take the lines, and the credentials, elsewhere. */
function pushTo(target: LokiTarget, timeout: number): Push {
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
    new Promise<Outcome>((resolve) => {
      const late = AbortSignal.timeout(timeout);
      const ends = signal === undefined ? late : AbortSignal.any([late, signal]);
      /** What was answered counts, also where the rest of the answer never came. */
      let outcome: Outcome = { kind: 'failed', why: 'no answer', pause: 0 };
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

function outcomeOf(status: number, retryAfter: string | undefined): Outcome {
  if (status >= 200 && status < 300) return { kind: 'accepted' };
  const why = `status ${status}`;
  if (status < 500 && status !== 408 && status !== 429) return { kind: 'refused', why };
  const seconds = /^\d{1,9}$/.test(retryAfter ?? '') ? Number(retryAfter) : 0;
  return { kind: 'failed', why, pause: Math.min(seconds * 1_000, LONGEST_PAUSE) };
}
