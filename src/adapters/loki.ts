import { randomInt } from 'node:crypto';
import type { ShippedLines } from '../domain/measurements.ts';
import { LONGEST_PAUSE, type LokiTarget, type PushOutcome, pushTo } from './loki-push.ts';

/*
 * Not pino-loki 3.0.0: with our lines, whose times are text, it sends the time NaN; it starts a push every few seconds whether or
 * not those before have ended, each with all its lines; what a push had is lost when it fails, and nobody counts it; it follows
 * redirects with the credentials, reads an answer of any length, and prints that and a URL with a password on standard error.
 */

/** Told what standard output is to say: never a URL, nor what somebody answered. */
export type LokiReport = (level: 'info' | 'warn', event: string, detail: Readonly<Record<string, unknown>>) => void;

export interface LokiSender {
  /** Takes a line; never waits. */
  write(line: string): void;
  /** Sends what waits, for at most `deadline` ms, and no more after it. */
  close(deadline: number): Promise<void>;
}

/** Characters that wait while Loki is down or slow; beyond it the oldest lines go. */
const MOST_WAITING = 8 * 1024 * 1024;
/** One push: as much as is made ready in less than a millisecond. */
const MOST_LINES = 1_000;
const MOST_CHARACTERS = 256 * 1024;
/** How long a line waits for others, in ms. */
const WAIT = 1_000;
const TIMEOUT = 10_000;
const FIRST_PAUSE = 1_000;
/** How often a failure that goes on is told, in ms. */
const REMIND = 60_000;

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
    const outcome = await push(formatted(batch), signal).catch(
      (): PushOutcome => ({ kind: 'refused', why: 'unsendable' }),
    );
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
