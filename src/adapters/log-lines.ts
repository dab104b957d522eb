import { type DestinationStream, destination } from 'pino';

/** Bytes that wait where nobody reads the log any more; beyond it lines are lost, and not the service. */
const MOST_UNREAD = 64 * 1024 * 1024;
/** How long a line may wait for others, in ms, and how many bytes may. A write to the log costs as much as half a check. */
const WAIT = 10;
const MOST_WAITING = 65_536;
/** Of a character in UTF-8, for each of its UTF-16 units (RFC 3629 section 3). */
const MOST_BYTES = 3;

export interface LogLines extends DestinationStream {
  /** Hands on what waits. The process does not end before it is written, unless it is made to. */
  flush(): void;
}

/**
 * Writes lines to a file descriptor in batches, without ever waiting for whoever reads them. A line becomes bytes as it comes:
 * the parts of a text that waits for others are what the garbage collector would copy, again and again.
 */
export function openLogLines(fd: number): LogLines {
  const sink = destination({
    dest: fd,
    sync: false,
    maxLength: MOST_UNREAD,
    maxWrite: MOST_WAITING,
    contentMode: 'buffer',
  });
  const batch = Buffer.allocUnsafe(MOST_WAITING);
  let used = 0;
  let timer: NodeJS.Timeout | undefined;
  // Its types know text alone, but with this contentMode it takes bytes alone.
  const hand = (bytes: Buffer) => sink.write(bytes as unknown as string);
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (used === 0) return;
    const bytes = Buffer.from(batch.subarray(0, used));
    used = 0;
    hand(bytes);
  };
  return {
    write(line) {
      const most = line.length * MOST_BYTES;
      if (most > MOST_WAITING - used) flush();
      if (most > MOST_WAITING) {
        hand(Buffer.from(line));
        return;
      }
      used += batch.write(line, used);
      timer ??= setTimeout(flush, WAIT);
    },
    flush,
  };
}
