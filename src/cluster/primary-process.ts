import { type Core, ensureKeys, openCore } from '../compose/core.ts';
import { systemClock } from '../domain/clock.ts';
import { failureDetail } from '../domain/errors.ts';
import { exposeMetrics, metricsOfAll, openMetrics, remembering } from '../exposition.ts';
import { inheritedSockets } from '../http/inherited-sockets.ts';
import { type Listening, removeStaleSocket } from '../http/listener.ts';
import { reloadOnHangup } from '../reloads.ts';
import { asListenError, type SoundParts, whenStopped } from '../serving.ts';
import { type Ready, startWorkers } from './primary.ts';

/** Workers end by themselves at their own deadline, in ms; only one that hangs is killed. */
const STOP_MARGIN = 2_000;

/**
 * The process that people start where there are workers: it prepares the data once, starts them, and ends with them.
 * @param parts.again reads the configuration again; rejects where it cannot be used
 * @param parts.prepared told when the data is open, before any worker starts
 * @param parts.ready told when all of them answer
 * @returns false where they could not start
 * @throws GatelodgeError `configuration-invalid` where the metrics cannot be listened for, or what opening the data throws
 */
export async function runWithWorkers(parts: {
  readonly sound: SoundParts;
  readonly again: () => Promise<SoundParts>;
  readonly count: number;
  readonly prepared: (core: Core) => Promise<void>;
  readonly ready: (core: Core, facts: Ready) => Promise<void>;
}): Promise<boolean> {
  const { sound, count } = parts;
  const { listen, metrics, data_dir: dataDir, shutdown_timeout: deadline } = sound.configuration;
  const stopped = whenStopped();
  const inherited = inheritedSockets(process.env, process.pid, listen);
  // Secret, tables and the first key are made here, before several processes could.
  const core = await openCore({ ...sound, clock: systemClock });
  let metricsListener: Listening | null = null;
  try {
    await ensureKeys(core);
    await parts.prepared(core);
    if (inherited === null) for (const place of listen) if ('socket' in place) await removeStaleSocket(place.socket);

    let lost = 0;
    const allReady = Promise.withResolvers<void>();
    const workers = startWorkers(count, inherited !== null, {
      ready(facts) {
        reloads.announce();
        allReady.resolve(parts.ready(core, facts));
      },
      lost(pid, code) {
        lost += 1;
        core.log.write('error', 'worker.lost', { pid, code });
      },
    });
    // Judged once here: a file that cannot be used is not handed to anybody.
    const reload = async () => {
      await allReady.promise;
      try {
        await parts.again();
      } catch (error) {
        core.log.write('error', 'configuration.refused', failureDetail(error));
        return false;
      }
      return workers.reload();
    };
    const reloads = reloadOnHangup({
      ...{ dataDir, file: sound.file, reload },
      reportFailure: (error) => core.log.write('error', 'reload.unrecorded', failureDetail(error)),
    });
    if (metrics !== undefined) {
      const countSessions = remembering(() => core.store.sessions.countLive(systemClock()), systemClock);
      const own = await openMetrics({ countSessions, reloads: reloads.counts });
      const take = await metricsOfAll(own, { ask: workers.measure, lost: () => lost });
      metricsListener = await exposeMetrics(metrics.listen, take).catch((error: unknown) => {
        workers.stop(0);
        throw asListenError(error);
      });
      core.log.write('info', 'metrics.ready', { address: metricsListener.address });
    }
    const early = await Promise.race([workers.ended, stopped.then(() => null)]);
    if (early === null) workers.stop(deadline + STOP_MARGIN);
    return await workers.ended;
  } finally {
    await metricsListener?.stop(0);
    await core.close();
  }
}
