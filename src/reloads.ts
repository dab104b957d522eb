import { systemClock } from './domain/clock.ts';
import { createPidFile, type PidFile } from './pid-file.ts';

export interface Reloads {
  /** How they ended so far. */
  readonly counts: Readonly<Record<'done' | 'refused', number>>;
  /** Writes down where `gatelodge reload` finds this process. Throws what the file system throws. */
  announce(): void;
  /** From now on SIGHUP does nothing; resolves when none is under way. */
  stop(): Promise<void>;
}

/**
 * Reloads at every SIGHUP, and writes down for `gatelodge reload` how it ended.
 * @param options.reload resolves to false where the configuration was refused; it does not reject
 */
export function reloadOnHangup(options: {
  readonly dataDir: string;
  readonly file: string;
  readonly reload: () => Promise<boolean>;
  readonly reportFailure: (error: unknown) => void;
}): Reloads {
  const counts = { done: 0, refused: 0 };
  let stopping = false;
  let pidFile: PidFile | null = null;
  // One after the other: of two reloads the later one has to win.
  let underWay: Promise<void> = Promise.resolve();
  const once = async () => {
    if (stopping) return;
    const began = systemClock();
    const well = await options.reload();
    counts[well ? 'done' : 'refused'] += 1;
    pidFile?.reloaded({ began, well });
  };
  // Left in place to the end: without a listener the signal would end the process, and what is in flight with it.
  process.on('SIGHUP', () => {
    underWay = underWay.then(once).catch(options.reportFailure);
  });
  return {
    counts,
    announce() {
      pidFile = createPidFile(options.dataDir, options.file);
    },
    stop() {
      stopping = true;
      return underWay;
    },
  };
}
