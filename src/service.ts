import { createAttemptsOverMessages } from './cluster/attempts-over-messages.ts';
import { createSharedRateLimits } from './cluster/shared-rate-limits.ts';
import type { Primary } from './cluster/worker.ts';
import { type Core, failureDetail } from './compose.ts';
import type { PluginInstanceConfiguration } from './config/plugin-instances.ts';
import type { Configuration } from './config/schema.ts';
import { systemClock } from './domain/clock.ts';
import { GatelodgeError } from './domain/errors.ts';
import { type Listening, listen } from './http/listener.ts';
import { openRuntime, type Runtime, type Shared } from './runtime.ts';

/** A configuration that was found sound, with hashes in the place of passwords. */
export interface SoundParts {
  readonly file: string;
  readonly configuration: Configuration;
  readonly plugins: readonly PluginInstanceConfiguration[];
}

export interface ServiceParts {
  readonly sound: SoundParts;
  /** Reads the configuration again; rejects where it cannot be used. */
  readonly reload: () => Promise<SoundParts>;
  /** The process that started this one as a worker; null where it serves alone. */
  readonly primary: Primary | null;
  readonly ready: (facts: {
    readonly addresses: readonly string[];
    readonly publicUrl: URL;
    readonly core: Core;
  }) => Promise<void>;
}

/** What a reload replaced goes on this long, in ms, for what was begun with it. */
const RELOAD_GRACE = 10_000;

/**
 * One process that serves, until SIGTERM or SIGINT; SIGHUP reads the configuration again.
 * @throws GatelodgeError `configuration-invalid` where it cannot listen, or what opening the data throws
 */
export async function runService({ sound, reload, primary, ready }: ServiceParts): Promise<void> {
  const stopped = whenStopped();
  const shared: Shared =
    primary === null
      ? {}
      : { attempts: createAttemptsOverMessages(primary), makeRateLimit: createSharedRateLimits(primary, systemClock) };
  let runtime: Runtime | null = null;
  const listeners: Listening[] = [];
  try {
    for (const listener of sound.configuration.listen) {
      listeners.push(await listen(listener, () => runtime?.handlers ?? null, primary === null));
    }
    const addresses = listeners.map(({ address }) => address);
    const publicUrl = publicUrlOf(sound.configuration, addresses);
    runtime = await openRuntime(sound, publicUrl, shared);
    await ready({ addresses, publicUrl, core: runtime.core });
  } catch (error) {
    await stopAll(listeners, 0);
    await runtime?.close();
    throw isListenError(error) ? new GatelodgeError('configuration-invalid', `cannot listen (${error.code})`) : error;
  }
  const addresses = listeners.map(({ address }) => address);
  let current: Runtime = runtime;

  async function replace(): Promise<void> {
    const old = current;
    try {
      const next = await reload();
      // Whoever was locked out stays so: a reload forgets no failed login.
      current = await openRuntime(next, publicUrlOf(next.configuration, addresses), {
        ...shared,
        attempts: old.core.attempts,
      });
      runtime = current;
      current.core.log.write('info', 'configuration.reloaded');
      setTimeout(() => void old.close(), RELOAD_GRACE).unref();
    } catch (error) {
      old.core.log.write('error', 'configuration.refused', failureDetail(error));
    }
  }
  // One after the other: of two reloads the later one has to win.
  let reloading = Promise.resolve();
  const onHangup = () => {
    reloading = reloading.then(replace);
  };
  process.on('SIGHUP', onHangup);

  await stopped;
  process.off('SIGHUP', onHangup);
  current.core.log.write('info', 'service.stopping');
  await stopAll(listeners, sound.configuration.shutdown_timeout);
  current.core.log.write('info', 'service.stopped');
  await current.close();
}

/** Without a `public_url`, browsers on this machine reach the first TCP listener. */
export function publicUrlOf(configuration: Configuration, addresses: readonly string[]): URL {
  return new URL(
    configuration.public_url ?? addresses.find((address) => address.startsWith('http')) ?? 'http://127.0.0.1:9190',
  );
}

/** Resolves at the first SIGTERM or SIGINT. */
export function whenStopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}

async function stopAll(listeners: readonly Listening[], deadline: number): Promise<void> {
  await Promise.all(listeners.map((listener) => listener.stop(deadline)));
}

function isListenError(error: unknown): error is Error & { code: string } {
  return (
    error instanceof Error &&
    'syscall' in error &&
    (error.syscall === 'listen' || error.syscall === 'bind') &&
    'code' in error
  );
}
