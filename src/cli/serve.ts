import { availableParallelism } from 'node:os';
import { systemClock } from '../domain/clock.ts';
import { type Command, DONE, FAILED, readOptions, type Terminal, UsageError } from './command.ts';
import { CONFIG_OPTION, loadSound, type SoundConfiguration } from './configuration.ts';
import type { FirstAdministrator } from './first-administrator.ts';

export const command: Command = {
  summary: 'runs the service',
  usage: `Usage: gatelodge serve [-c FILE] [--workers N] [--plain]

  -c, --config FILE  configuration (default gatelodge.yaml; without one, the defaults)
  --workers N        processes that share the listeners; auto is one a core (default: workers in the configuration)
  --plain            says that it is ready in plain lines, as on a terminal`,
  async run(args, terminal) {
    const options = {
      ...CONFIG_OPTION,
      workers: { type: 'string' },
      plain: { type: 'boolean', default: false },
    } as const;
    const { values } = readOptions(args, options);
    const { workers } = values;
    if (workers !== undefined && !/^(?:[1-9]\d{0,2}|auto)$/.test(workers))
      throw new UsageError('--workers takes a number or auto');
    const { primaryOf } = await import('../cluster/worker.ts');
    const primary = primaryOf();
    const load = () => loadSound(values.config, terminal, { hash: true });
    const sound = await load();
    const say = announcer(terminal, values.plain || terminal.interactive);
    if (primary !== null) return serveAsWorker(sound, load, primary);
    const count = workerCount(workers ?? String(sound.configuration.workers));
    return count === 1 ? serveAlone(sound, load, say) : serveWithWorkers(sound, load, say, count, terminal);
  },
};

type Announce = (facts: {
  addresses: readonly string[];
  publicUrl: URL;
  administrator: FirstAdministrator | null;
  log: Log;
}) => Promise<void>;
type Log = (event: string, detail: Readonly<Record<string, unknown>>) => void;
type Load = () => Promise<SoundConfiguration>;

function workerCount(text: string): number {
  return text === 'auto' ? availableParallelism() : Number(text);
}

/** Plain lines for people, or an event in the log; the first password is for people's eyes either way. */
function announcer(terminal: Terminal, plain: boolean): Announce {
  return async ({ addresses, publicUrl, administrator, log }) => {
    const { welcome } = await import('./welcome.ts');
    if (plain) terminal.out(welcome({ addresses, publicUrl, administrator }));
    else {
      log('service.ready', { addresses, public_url: publicUrl.href });
      if (administrator !== null) terminal.error(welcome({ addresses, publicUrl, administrator }));
    }
  };
}

async function serveAlone(sound: SoundConfiguration, load: Load, say: Announce): Promise<number> {
  const { runService } = await import('../service.ts');
  await runService({
    sound,
    reload: load,
    primary: null,
    async ready({ core, ...facts }) {
      const { createFirstAdministrator } = await import('./first-administrator.ts');
      const administrator = sound.defaults ? await createFirstAdministrator(core) : null;
      await say({ ...facts, administrator, log: (event, detail) => core.log.write('info', event, detail) });
    },
  });
  return DONE;
}

async function serveAsWorker(
  sound: SoundConfiguration,
  load: Load,
  primary: import('../cluster/worker.ts').Primary,
): Promise<number> {
  const { runService } = await import('../service.ts');
  await runService({
    sound,
    reload: load,
    primary,
    async ready({ addresses, publicUrl }) {
      primary.send({ kind: 'ready', addresses, publicUrl: publicUrl.href });
    },
  });
  return DONE;
}

/** The process that people start: it prepares the data once, starts the workers, and ends with them. */
async function serveWithWorkers(
  sound: SoundConfiguration,
  load: Load,
  say: Announce,
  count: number,
  terminal: Terminal,
): Promise<number> {
  const { openCore } = await import('../compose.ts');
  const { whenStopped } = await import('../service.ts');
  const { removeStaleSocket } = await import('../http/listener.ts');
  const { startWorkers } = await import('../cluster/primary.ts');
  const { createFirstAdministrator } = await import('./first-administrator.ts');
  // Secret, tables, first key and administrator are made here, before several processes could.
  const core = await openCore({ ...sound, clock: systemClock });
  await core.signingKeys.ensure();
  const administrator = sound.defaults ? await createFirstAdministrator(core) : null;
  for (const listener of sound.configuration.listen) if ('socket' in listener) await removeStaleSocket(listener.socket);
  const log: Log = (event, detail) => core.log.write('info', event, detail);

  const stopped = whenStopped();
  const workers = startWorkers(count, {
    ready: ({ addresses, publicUrl }) => void say({ addresses, publicUrl: new URL(publicUrl), administrator, log }),
    lost: (pid, code) => core.log.write('error', 'worker.lost', { pid, code }),
  });
  process.on('SIGHUP', () => {
    // Judged once here: a file that cannot be used is not handed to anybody.
    load().then(
      () => workers.signal('SIGHUP'),
      () => core.log.write('error', 'configuration.refused', {}),
    );
  });
  const well = await Promise.race([workers.ended, stopped.then(() => null)]);
  if (well === null) workers.stop(sound.configuration.shutdown_timeout + STOP_MARGIN);
  const ended = await workers.ended;
  if (!ended) terminal.error('gatelodge serve: the workers could not start\n');
  await core.close();
  return ended ? DONE : FAILED;
}

/** Workers end by themselves at their own deadline; only one that hangs is killed. */
const STOP_MARGIN = 2_000;
