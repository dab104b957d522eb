import { AsyncLocalStorage } from 'node:async_hooks';
import { type DestinationStream, pino } from 'pino';
import type { Configuration } from '../config/schema.ts';
import type { AuditEvent, AuditSink } from '../domain/audit.ts';
import { createRecentMap } from '../domain/recent-map.ts';
import { keyedHash } from '../domain/secret.ts';
import { openLogLines } from './log-lines.ts';
import { createRefusalLines, type Refusal } from './refusal-line.ts';

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
  /** Sends on what is to be sent on, for at most `deadline` ms, and hands on what waits; the process does not end before it is written. */
  readonly close: (deadline: number) => Promise<void>;
}

/** Where lines go besides standard output. */
export interface LineShipper {
  write(line: string): void;
  close(deadline: number): Promise<void>;
}

/** Makes one; `report` writes a line to standard output alone, or a trouble with sending lines would make more of them. */
export type OpenShipper = (
  report: (level: 'info' | 'warn', event: string, detail: Readonly<Record<string, unknown>>) => void,
) => LineShipper;

/**
 * @param hashKey under which users, e-mails, addresses and session ids are hashed where `pii` is `hash`: the same person has
 *   the same hash in every line, and nobody can find out whose it is by trying names
 */
export function createLog(configuration: Configuration['log'], hashKey: Uint8Array, openShipper?: OpenShipper): Log {
  const lines = openLogLines(1);
  const output: DestinationStream = configuration.pretty ? { write: (line) => lines.write(pretty(line)) } : lines;
  const shipper = openShipper?.((level, event, detail) => {
    output.write(`${JSON.stringify({ level, time: new Date().toISOString(), event, ...detail })}\n`);
  });
  const stream: DestinationStream =
    shipper === undefined
      ? output
      : {
          write(line) {
            output.write(line);
            shipper.write(line);
          },
        };
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
  const refusalLine = createRefusalLines(hide);
  const informs = logger.isLevelEnabled('info');

  const write = (level: LogLevel, event: string, detail: Readonly<Record<string, unknown>> = {}) => {
    if (!logger.isLevelEnabled(level)) return;
    const requestId = requests.getStore();
    logger[level](requestId === undefined ? { event, ...detail } : { event, requestId, ...detail });
  };
  return {
    write,
    audit: (event) => write('info', event.event, auditFields(event, hide)),
    refused(refusal) {
      if (informs) stream.write(refusalLine(refusal));
    },
    enabled: (level) => (level === 'info' ? informs : logger.isLevelEnabled(level)),
    withRequestId: (requestId, run) => requests.run(requestId, run),
    async close(deadline) {
      logger.flush();
      await shipper?.close(deadline);
      lines.flush();
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

/** Names and addresses are shorter. What somebody makes up to fill memory is hashed each time. */
const LONGEST_KNOWN = 256;

/** An HMAC costs more than the line it stands in, and the same few people and places come again and again. */
function createHider(key: Uint8Array): (text: string) => string {
  const known = createRecentMap<string>(10_000);
  return (text) => {
    let hidden = known.get(text);
    if (hidden === undefined) {
      hidden = keyedHash(key, text).slice(0, 16);
      if (text.length <= LONGEST_KNOWN) known.set(text, hidden);
    }
    return hidden;
  };
}

/** A line for people's eyes: on a terminal what somebody sent is neither a line of its own nor a control sequence. */
function pretty(line: string): string {
  const { level, time, event, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${legible(value)}`);
  return `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${String(event)} ${fields.join(' ')}\n`;
}

/** As it is where it cannot be taken for anything else, and as JSON otherwise. */
function legible(value: unknown): string {
  if (typeof value === 'string' && /^[^\p{C}\p{Zl}\p{Zp}"=]*$/u.test(value)) return value;
  // JSON itself leaves out some of those that a terminal obeys, or that turn the direction of what follows (Unicode TR 36).
  return JSON.stringify(value).replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
