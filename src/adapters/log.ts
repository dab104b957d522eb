import { AsyncLocalStorage } from 'node:async_hooks';
import { LRUCache } from 'lru-cache';
import { type DestinationStream, destination, type Logger, pino } from 'pino';
import type { Configuration } from '../config/schema.ts';
import type { AuditEvent, AuditSink } from '../domain/audit.ts';
import { keyedHash } from '../domain/secret.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** One JSON line an event. Who and where go through `pii` and nothing else. */
export interface Log {
  readonly write: (level: LogLevel, event: string, detail?: Readonly<Record<string, unknown>>) => void;
  readonly audit: AuditSink;
  /** True where a line of this level would be written: ask before it costs something to make one. */
  readonly enabled: (level: LogLevel) => boolean;
  /** Everything that happens in `run` is logged with this request's id. */
  readonly withRequestId: <T>(requestId: string, run: () => T) => T;
  /** Waits until everything is written. */
  readonly flush: () => Promise<void>;
}

/**
 * @param hashKey under which users, e-mails, addresses and session ids are hashed where `pii` is `hash`: the same person has
 *   the same hash in every line, and nobody can find out whose it is by trying names
 */
export function createLog(configuration: Configuration['log'], hashKey: Uint8Array): Log {
  const sink = destination({ dest: 1, sync: false });
  const stream: DestinationStream = configuration.pretty ? { write: (line) => sink.write(pretty(line)) } : sink;
  const logger = pino({ level: configuration.level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } }, stream);
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
    enabled: (level) => logger.isLevelEnabled(level),
    withRequestId: (requestId, run) => requests.run(requestId, run),
    flush: () => flushed(logger, sink),
  };
}

function auditFields({ user, address, session, requestId, detail }: AuditEvent, hide: (text: string) => string): Record<string, unknown> {
  return {
    audit: true,
    ...(requestId === undefined ? {} : { requestId }),
    ...(user === undefined ? {} : { user: hide(user) }),
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

function flushed(logger: Logger, sink: ReturnType<typeof destination>): Promise<void> {
  return new Promise((resolve) => {
    logger.flush();
    sink.flush(() => resolve());
  });
}

function pretty(line: string): string {
  const { level, time, event, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${String(event)} ${fields.join(' ')}\n`;
}
