import { setImmediate } from 'node:timers/promises';
import { applyChange } from './compose/changes.ts';
import { type Core, type CoreParts, ensureKeys, hashingPlaces, openCore } from './compose/core.ts';
import { type Decider, openDecider } from './compose/decider.ts';
import { createHandlers } from './compose/handlers.ts';
import { openMounts } from './compose/mounts.ts';
import type { PluginInstanceConfiguration } from './config/plugin-instances.ts';
import type { Configuration } from './config/schema.ts';
import { failureDetail } from './domain/errors.ts';
import type { Present } from './domain/measurements.ts';
import { fileUserId } from './flows/directory.ts';
import { RETRY } from './flows/token-grants.ts';
import { createFollowers, type Followers } from './followers.ts';
import type { Handlers } from './http/listener.ts';

/** A configuration at work: everything between a listener and the data. */
export interface Runtime {
  readonly core: Core;
  readonly handlers: Handlers;
  /** Writes what is only in memory, and lets go of the data. @param deadline as `Core.close` */
  close(deadline?: number): Promise<void>;
}

/** What goes on when a configuration takes the place of another, or is shared by several processes. */
export type Shared = Pick<CoreParts, 'attempts' | 'measurements' | 'makeRateLimit' | 'spread'> & {
  readonly followers?: Followers;
};

/** How soon what another process changes holds here, in ms. The question costs 4 µs. */
const FOLLOW = 50;
/** How much of "when was it last used" a crash may lose, in ms. */
const FLUSH = 5_000;
/** How often what has expired is removed, in ms. */
const SWEEP = 10 * 60_000;
/** How long an expired API key is listed, in ms, for whoever wonders why a program is refused. */
const EXPIRED_KEYS_STAY = 30 * 86_400_000;

export async function openRuntime(
  sound: {
    readonly file: string;
    readonly configuration: Configuration;
    readonly plugins: readonly PluginInstanceConfiguration[];
  },
  publicUrl: URL,
  shared: Shared = {},
): Promise<Runtime> {
  const { followers = createFollowers(), ...rest } = shared;
  const core = await openCore({ ...sound, ...rest });
  let opened: Decider | undefined;
  let stopFollowing: (() => void) | undefined;
  try {
    await ensureKeys(core);
    await core.revocations.reload();
    const decider = await openDecider(core, publicUrl);
    opened = decider;
    const handlers = createHandlers(core, decider, publicUrl, await openMounts(core));
    const unfollow = core.store.changes.follow((change) => applyChange(core, change), FOLLOW);
    const leave = followers.add(core.store.changes);
    stopFollowing = () => {
      leave();
      unfollow();
    };
    // What was revoked while all this was being read is known before the first request is answered.
    await core.store.changes.catchUp();
    // Last: a configuration that cannot be used ends nobody's keys.
    await forgetStrangers(core);
    const flush = () => Promise.all([core.liveSessions.flush(), core.liveApiKeys.flush()]);
    const sweep = async () => {
      await flush();
      const now = core.clock();
      await core.store.sessions.deleteExpired(now);
      await core.store.apiKeys.deleteExpired(now - EXPIRED_KEYS_STAY);
      await core.store.signingKeys.deleteExpired(now);
      await core.store.refreshTokens.deleteExpired(now);
      while ((await core.store.refreshTokens.forgetAnswers(now - RETRY)) > 0) await setImmediate();
      await core.store.revocations.deleteExpired(now);
      await core.revocations.trim();
      await core.store.jwthenticator.deleteExpired(now);
    };
    const failed = (what: string) => (error: unknown) => core.log.write('error', what, failureDetail(error));
    const timers = [
      setInterval(() => void flush().catch(failed('sessions.flush-failed')), FLUSH),
      setInterval(() => void sweep().catch(failed('sessions.sweep-failed')), SWEEP),
    ];
    for (const timer of timers) timer.unref();
    if (core.measurements !== undefined) core.measurements.present = presentOf(core, decider);
    return {
      core,
      handlers,
      async close(deadline) {
        for (const timer of timers) clearInterval(timer);
        stopFollowing?.();
        await decider.close();
        await flush().catch(failed('sessions.flush-failed'));
        await core.close(deadline);
      },
    };
  } catch (error) {
    stopFollowing?.();
    await opened?.close();
    await core.close();
    throw error;
  }
}

/** A user who is taken out of the file is deleted: whoever gets the name after them gets none of their keys, and they none of theirs. */
async function forgetStrangers({ configuration, store, clock, log }: Core): Promise<void> {
  const ofFile = new Set(configuration.users.map(({ username }) => fileUserId(username)));
  for (const user of await store.users.forgetStrangers(ofFile, clock()))
    log.audit({ event: 'user.deleted', user, detail: { from: 'file' } });
}

/** What is remembered by this configuration's parts, once it is the one at work. */
function presentOf(core: Core, decider: Decider): Present {
  const sizes = {
    sessions: () => core.liveSessions.size,
    api_keys: () => core.liveApiKeys.size,
    remembered: decider.remembered,
  };
  return { entries: (cache) => sizes[cache](), hashingPlaces: hashingPlaces(core.configuration) };
}
