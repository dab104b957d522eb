import { isDeepStrictEqual } from 'node:util';
import type { PluginInstanceConfiguration } from './config/plugin-instances.ts';
import { publicUrlNeedsPort, publicUrlOf } from './config/public-url.ts';
import type { Configuration } from './config/schema.ts';
import { failureDetail, GatelodgeError } from './domain/errors.ts';
import { listenFailure } from './domain/system-failure.ts';
import { mostConnections } from './http/connections.ts';
import { inheritedSockets } from './http/inherited-sockets.ts';
import { type Listening, listen } from './http/listener.ts';
import { openRuntime, type Runtime, type Shared } from './runtime.ts';

/** A configuration that was found sound, with hashes in the place of passwords. */
export interface SoundParts {
  readonly file: string;
  readonly configuration: Configuration;
  readonly plugins: readonly PluginInstanceConfiguration[];
}

/** A process's listeners, and the configuration at work behind them. */
export interface Serving {
  readonly addresses: readonly string[];
  readonly publicUrl: URL;
  /** The configuration at work now. */
  current(): Runtime;
  /** Puts another in its place. False where that one was refused, which is logged; the old one stays then. */
  reload(): Promise<boolean>;
  /** Stops what else listens when the rest stops. */
  add(listening: Listening): void;
  /** No new connections; resolves when what was in flight is answered, or after `deadline` ms, and everything is written. */
  stop(deadline: number): Promise<void>;
}

/** How long the last log lines may take on their way to another machine, in ms. */
const LAST_LINES = 3_000;
/** What a reload replaced goes on this long, in ms, for what was begun with it. */
const RELOAD_GRACE = 10_000;
/** How often it is said that there are too many connections, in ms. */
const FULL_TOLD_EVERY = 60_000;

/**
 * Opens the data and listens.
 * @param options.again reads the configuration again; rejects where it cannot be used
 * @param options.ownsSockets false where other processes listen on the same
 * @throws GatelodgeError `configuration-invalid` where it cannot listen, or what opening the data throws
 */
export async function openServing(options: {
  readonly sound: SoundParts;
  readonly again: () => Promise<SoundParts>;
  readonly shared: Shared;
  readonly ownsSockets: boolean;
}): Promise<Serving> {
  const { sound, again, shared, ownsSockets } = options;
  const listeners: Listening[] = [];
  let runtime: Runtime | null = null;
  const stopListening = (deadline: number) => Promise.all(listeners.map((listener) => listener.stop(deadline)));
  try {
    const places = sound.configuration.listen;
    const inherited = inheritedSockets(process.env, ownsSockets ? process.pid : process.ppid, places);
    // Shared out: whoever fills one listener takes nothing from another.
    const most = mostConnections(places.length);
    const gaveWay = atMostEvery(FULL_TOLD_EVERY, (count) =>
      runtime?.core.log.write('warn', 'connections.full', { most, closed: count }),
    );
    const openListeners = async () => {
      for (const [index, place] of places.entries()) {
        const fd = inherited?.[index];
        const terms = { ownsSocket: ownsSockets, most, gaveWay, ...(fd === undefined ? {} : { inherited: fd }) };
        listeners.push(await listen(place, () => runtime?.handlers ?? null, terms));
      }
    };
    // Who cannot connect yet asks another instance or worker, and a 503 is an answer.
    const early = publicUrlNeedsPort(sound.configuration);
    if (early) await openListeners();
    const publicUrl = publicUrlOf(
      sound.configuration,
      listeners.map(({ address }) => address),
    );
    let current = await openRuntime(sound, publicUrl, shared);
    runtime = current;
    if (!early) await openListeners();
    const addresses = listeners.map(({ address }) => address);
    // One after the other: of two reloads the later one has to win.
    let reloading = Promise.resolve(true);

    const retired = new Set<Runtime>();
    const close = async (old: Runtime) => {
      if (!retired.delete(old)) return;
      await old
        .close()
        .catch((error: unknown) => current.core.log.write('error', 'service.close-failed', failureDetail(error)));
    };
    const retire = (old: Runtime) => {
      retired.add(old);
      setTimeout(() => void close(old), RELOAD_GRACE).unref();
    };

    const replace = async () => {
      const old = current;
      try {
        const read = await again();
        const keys = needsRestart(sound.configuration, read.configuration);
        // Other data would know nothing of who was locked and what was revoked.
        const next = { ...read, configuration: { ...read.configuration, data_dir: sound.configuration.data_dir } };
        // Whoever was locked out stays so: a reload forgets no failed login.
        current = await openRuntime(next, publicUrlOf(next.configuration, addresses), {
          ...shared,
          attempts: old.core.attempts,
        });
        runtime = current;
        current.core.log.write('info', 'configuration.reloaded');
        if (keys.length > 0) current.core.log.write('warn', 'configuration.needs-restart', { keys: keys.join(', ') });
        retire(old);
        return true;
      } catch (error) {
        old.core.log.write('error', 'configuration.refused', failureDetail(error));
        return false;
      }
    };
    return {
      addresses,
      publicUrl,
      current: () => current,
      reload() {
        reloading = reloading.then(replace);
        return reloading;
      },
      add: (listening) => void listeners.push(listening),
      async stop(deadline) {
        const began = performance.now();
        current.core.log.write('info', 'service.stopping');
        await stopListening(deadline);
        await Promise.all([...retired].map(close));
        current.core.log.write('info', 'service.stopped');
        await current.close(Math.max(0, Math.min(LAST_LINES, began + deadline - performance.now())));
      },
    };
  } catch (error) {
    await stopListening(0);
    await runtime?.close();
    throw asListenError(error);
  }
}

/** What is made once and stays as long as the process, whatever the file says now. */
const ONCE = ['listen', 'metrics', 'workers', 'shutdown_timeout', 'data_dir'] as const;

function needsRestart(begun: Configuration, next: Configuration): readonly string[] {
  return ONCE.filter((key) => !isDeepStrictEqual(begun[key], next[key]));
}

/** Adds up what it is told, and tells the sum at once and then so often, in ms, at most. */
function atMostEvery(interval: number, tell: (sum: number) => void): (count: number) => void {
  let sum = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  return (count) => {
    sum += count;
    const now = performance.now();
    if (now - toldAt < interval) return;
    toldAt = now;
    tell(sum);
    sum = 0;
  };
}

/** Resolves at the first SIGTERM or SIGINT. */
export function whenStopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}

/** What people are told where an address is taken, or is none, or may not be used; everything else as it is. */
export function asListenError(error: unknown): unknown {
  const why = listenFailure(error);
  return why === null
    ? error
    : new GatelodgeError('configuration-invalid', `cannot listen on ${why}`, { cause: error });
}
