import { availableParallelism } from 'node:os';
import type { Primary } from '../cluster/worker.ts';
import type { Core } from '../compose/core.ts';
import type { Serving } from '../serving.ts';
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
    // What a warning is about has been said by the process that started this one.
    const told = primary === null ? terminal : { ...terminal, error: () => {} };
    const load = () => loadSound(values.config, told, { hash: true });
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

async function serveAlone(sound: SoundConfiguration, again: Load, say: Announce): Promise<number> {
  const { runService } = await import('../serving-process.ts');
  await runService({
    sound,
    again,
    async ready({ addresses, publicUrl, current }) {
      const { core } = current();
      const administrator = await firstAdministrator(sound, core);
      await say({ addresses, publicUrl, administrator, log: infoLog(core) });
    },
  });
  return DONE;
}

async function serveAsWorker(sound: SoundConfiguration, again: Load, primary: Primary): Promise<number> {
  const { runWorker } = await import('../serving-process.ts');
  const ready = async ({ addresses, publicUrl }: Serving) =>
    primary.send({ kind: 'ready', addresses, publicUrl: publicUrl.href });
  await runWorker({ sound, again, ready }, primary);
  return DONE;
}

async function serveWithWorkers(
  sound: SoundConfiguration,
  again: Load,
  say: Announce,
  count: number,
  terminal: Terminal,
): Promise<number> {
  const { runWithWorkers } = await import('../cluster/primary-process.ts');
  let administrator: FirstAdministrator | null = null;
  const well = await runWithWorkers({
    ...{ sound, again, count },
    async prepared(core) {
      administrator = await firstAdministrator(sound, core);
    },
    ready: (core, { addresses, publicUrl }) =>
      say({ addresses, publicUrl: new URL(publicUrl), administrator, log: infoLog(core) }),
  });
  if (!well) terminal.error('gatelodge serve: the workers could not start\n');
  return well ? DONE : FAILED;
}

/** Whoever starts without a configuration has nobody to log in as. */
async function firstAdministrator(sound: SoundConfiguration, core: Core): Promise<FirstAdministrator | null> {
  if (!sound.defaults) return null;
  const { createFirstAdministrator } = await import('./first-administrator.ts');
  return createFirstAdministrator(core);
}

function infoLog(core: Core): Log {
  return (event, detail) => core.log.write('info', event, detail);
}
