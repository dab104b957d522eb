import { AsyncLocalStorage } from 'node:async_hooks';
import { LRUCache } from 'lru-cache';
import { type DestinationStream, destination, pino } from 'pino';
import type { Configuration } from '../config/schema.ts';
import type { AuditEvent, AuditSink } from '../domain/audit.ts';
import { keyedHash } from '../domain/secret.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** One JSON line an event. Who and where go through `pii` and nothing else. */
export interface Log {
  readonly write: (level: LogLevel, event: string, detail?: Readonly<Record<string, unknown>>) => void;
  readonly audit: AuditSink;
  /** A check that was refused, which happens a thousand times a second on a bad day. */
  readonly refused: (refusal: Refusal) => void;
  /** True where a line of this level would be written: ask before it costs something to make one. */
  readonly enabled: (level: LogLevel) => boolean;
  /** Everything that happens in `run` is logged with this request's id. */
  readonly withRequestId: <T>(requestId: string, run: () => T) => T;
  /** Waits until everything is written. */
  readonly flush: () => Promise<void>;
}

/** What the line about a refused check tells; null where it is not known. */
export interface Refusal {
  readonly effect: string;
  readonly reason: string;
  readonly rule: number;
  readonly address: string | null;
  readonly user: string | null;
  readonly method: string | null;
  readonly host: string | null;
  readonly path: string | null;
  readonly requestId: string | null;
}

/**
 * @param hashKey under which users, e-mails, addresses and session ids are hashed where `pii` is `hash`: the same person has
 *   the same hash in every line, and nobody can find out whose it is by trying names
 */
export function createLog(configuration: Configuration['log'], hashKey: Uint8Array): Log {
  const sink = destination({ dest: 1, sync: false, maxLength: MOST_UNREAD });
  const lines = inBatches(sink);
  const stream: DestinationStream = configuration.pretty ? { write: (line) => lines.write(pretty(line)) } : lines;
  const logger = pino(
    {
      level: configuration.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  const requests = new AsyncLocalStorage<string>();
  const hide = configuration.pii === 'plain' ? (text: string) => text : createHider(hashKey);

  const write = (level: LogLevel, event: string, detail: Readonly<Record<string, unknown>> = {}) => {
    if (!logger.isLevelEnabled(level)) return;
    const requestId = requests.getStore();
    logger[level](requestId === undefined ? { event, ...detail } : { event, requestId, ...detail });
  };
  return {
    write,
    audit: (event) => write('info', event.event, auditFields(event, hide)),
    refused(refusal) {
      if (logger.isLevelEnabled('info')) stream.write(refusalLine(refusal, hide));
    },
    enabled: (level) => logger.isLevelEnabled(level),
    withRequestId: (requestId, run) => requests.run(requestId, run),
    async flush() {
      logger.flush();
      lines.flush();
      await new Promise<void>((resolve) => sink.flush(() => resolve()));
    },
  };
}

function auditFields(
  { user, actor, address, session, requestId, detail }: AuditEvent,
  hide: (text: string) => string,
): Record<string, unknown> {
  return {
    audit: true,
    ...(requestId === undefined ? {} : { requestId }),
    ...(user === undefined ? {} : { user: hide(user) }),
    ...(actor === undefined ? {} : { actor: hide(actor) }),
    ...(address === undefined || address === null ? {} : { address: hide(address) }),
    ...(session === undefined ? {} : { session: hide(session) }),
    ...detail,
  };
}

/** An HMAC costs more than the line it stands in, and the same few people and places come again and again. */
function createHider(key: Uint8Array): (text: string) => string {
  const known = new LRUCache<string, string>({ max: 10_000 });
  return (text) => {
    let hidden = known.get(text);
    if (hidden === undefined) {
      hidden = keyedHash(key, text).slice(0, 16);
      known.set(text, hidden);
    }
    return hidden;
  };
}

/** Characters that wait where nobody reads the log any more; beyond it lines are lost, and not the service. */
const MOST_UNREAD = 64 * 1024 * 1024;
/** How long a line may wait for others, in ms, and how many characters may. A write to the log costs as much as half a check. */
const WAIT = 10;
const MOST_WAITING = 16_384;

function inBatches(sink: DestinationStream): DestinationStream & { flush(): void } {
  let waiting = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting === '') return;
    const text = waiting;
    waiting = '';
    sink.write(text);
  };
  return {
    write(line) {
      waiting += line;
      if (waiting.length >= MOST_WAITING) flush();
      else timer ??= setTimeout(flush, WAIT);
    },
    flush,
  };
}

/** The same line as `audit` would write, put together by hand: a serializer for everything costs three times as much. */
function refusalLine(refusal: Refusal, hide: (text: string) => string): string {
  const { effect, reason, rule, address, user, method, host, path, requestId } = refusal;
  return (
    `{"level":"info","time":"${isoTime()}","event":"decision.refused","audit":true` +
    (requestId === null ? '' : `,"requestId":${quoted(requestId)}`) +
    (user === null ? '' : `,"user":${quoted(hide(user))}`) +
    (address === null ? '' : `,"address":${quoted(hide(address))}`) +
    `,"effect":"${effect}","reason":"${reason}","rule":${rule}` +
    (method === null || host === null || path === null
      ? ''
      : `,"method":${quoted(method)},"host":${quoted(host)},"path":${quoted(path)}`) +
    '}\n'
  );
}

let lastTime = 0;
let lastIsoTime = '';
function isoTime(): string {
  const now = Date.now();
  if (now !== lastTime) {
    lastTime = now;
    lastIsoTime = new Date(now).toISOString();
  }
  return lastIsoTime;
}

/** A JSON text; nearly all need no escape. */
function quoted(text: string): string {
  return /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(text) ? `"${text}"` : JSON.stringify(text);
}

function pretty(line: string): string {
  const { level, time, event, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const fields = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${String(event)} ${fields.join(' ')}\n`;
}
