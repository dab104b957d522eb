import { createAttemptsOverMessages } from './cluster/attempts-over-messages.ts';
import { createSharedRateLimits } from './cluster/shared-rate-limits.ts';
import { createSpread } from './cluster/spread.ts';
import type { Primary } from './cluster/worker.ts';
import { systemClock } from './domain/clock.ts';
import { failureDetail } from './domain/errors.ts';
import { createMeasurements, type Measurements } from './domain/measurements.ts';
import { createRateLimits } from './domain/rate-limits.ts';
import { exposeMetrics, openMetrics, remembering } from './exposition.ts';
import { createFollowers, type Followers } from './followers.ts';
import { reloadOnHangup } from './reloads.ts';
import { asListenError, openServing, type Serving, type SoundParts, whenStopped } from './serving.ts';

export interface ServiceParts {
  readonly sound: SoundParts;
  /** Reads the configuration again; rejects where it cannot be used. */
  readonly again: () => Promise<SoundParts>;
  /** Told when it answers. */
  readonly ready: (serving: Serving) => Promise<void>;
}

/**
 * One process that serves alone, until SIGTERM or SIGINT; SIGHUP reads the configuration again.
 * @throws GatelodgeError `configuration-invalid` where it cannot listen, or what opening the data throws
 */
export async function runService({ sound, again, ready }: ServiceParts): Promise<void> {
  const stopped = whenStopped();
  const { metrics, data_dir: dataDir, shutdown_timeout: deadline } = sound.configuration;
  const measurements = metrics === undefined ? undefined : createMeasurements();
  const followers = createFollowers();
  const shared = {
    followers,
    spread: followers.catchUp,
    makeRateLimit: createRateLimits(systemClock).get,
    ...(measurements === undefined ? {} : { measurements }),
  };
  const serving = await openServing({ sound, again, shared, ownsSockets: true });
  logStrayRejections(serving);
  try {
    const reloads = reloadOnHangup({
      ...{ dataDir, file: sound.file, reload: serving.reload },
      reportFailure: (error) => serving.current().core.log.write('error', 'reload.unrecorded', failureDetail(error)),
    });
    if (metrics !== undefined && measurements !== undefined) {
      const count = () => serving.current().core.store.sessions.countLive(systemClock());
      const countSessions = remembering(count, systemClock);
      const take = await openMetrics({ measurements, countSessions, reloads: reloads.counts });
      const listening = await exposeMetrics(metrics.listen, take);
      serving.add(listening);
      serving.current().core.log.write('info', 'metrics.ready', { address: listening.address });
    }
    reloads.announce();
    await ready(serving);
    await stopped;
    await reloads.stop();
  } catch (error) {
    await serving.stop(0);
    throw asListenError(error);
  }
  await serving.stop(deadline);
}

/** One of several processes that share their listeners: it does what the process asks that started it. As above. */
export async function runWorker({ sound, again, ready }: ServiceParts, primary: Primary): Promise<void> {
  const stopped = whenStopped();
  // For the primary, which judges the file first. Without a listener it would end this process.
  process.on('SIGHUP', () => {});
  const measurements = sound.configuration.metrics === undefined ? undefined : createMeasurements();
  const followers = createFollowers();
  const spread = createSpread(primary);
  // From now on the others wait for this one, so that nothing is revoked between its reading of the data and its first answer.
  followWith(primary, followers);
  const shared = {
    followers,
    attempts: createAttemptsOverMessages(primary),
    makeRateLimit: createSharedRateLimits(primary, systemClock),
    spread: async () => void (await Promise.all([followers.catchUp(), spread()])),
    ...(measurements === undefined ? {} : { measurements }),
  };
  try {
    const serving = await openServing({ sound, again, shared, ownsSockets: false });
    logStrayRejections(serving);
    await runErrands(primary, serving, measurements);
    await ready(serving);
    await stopped;
    await serving.stop(sound.configuration.shutdown_timeout);
  } finally {
    primary.leave();
  }
}

/**
 * A promise that nobody waits for, such as a plugin's note of who came, decides nothing: where it fails, Node.js would end the
 * process, and print a message that may quote a credential. Whoever can make it fail could end every worker.
 */
function logStrayRejections(serving: Serving): void {
  process.on('unhandledRejection', (error) =>
    serving.current().core.log.write('error', 'process.stray-rejection', failureDetail(error)),
  );
}

/** Catches up when another worker has committed something, and says so. */
function followWith(primary: Primary, followers: Followers): void {
  primary.onMessage((message) => {
    if (message.kind !== 'errand' || message.what !== 'catch-up') return;
    const done = (well: boolean) => primary.send({ kind: 'done', id: message.id, well });
    followers.catchUp().then(
      () => done(true),
      () => done(false),
    );
  });
  primary.send({ kind: 'follows' });
}

async function runErrands(primary: Primary, serving: Serving, measurements: Measurements | undefined): Promise<void> {
  const take = measurements === undefined ? null : await openMetrics({ measurements });
  primary.onMessage((message) => {
    if (message.kind !== 'errand') return;
    const { id, what } = message;
    const done = (well: boolean) => primary.send({ kind: 'done', id, well });
    if (what === 'reload') void serving.reload().then(done);
    else if (what === 'measure')
      void take?.().then((snapshot) => primary.send({ kind: 'done', id, well: true, snapshot }));
  });
}
