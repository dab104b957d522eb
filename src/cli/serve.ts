import { type Core, failureDetail } from '../compose.ts';
import { openRuntime, type Runtime } from '../runtime.ts';
import { listen, type Listening } from '../http/listener.ts';
import { type Command, DONE, FAILED, readOptions, type Terminal, UsageError } from './command.ts';
import { CONFIG_OPTION, loadSound } from './configuration.ts';
import { createFirstAdministrator } from './first-administrator.ts';
import { welcome } from './welcome.ts';

export const command: Command = {
  summary: 'runs the service',
  usage: 'Usage: gatelodge serve [-c FILE] [--workers N] [--plain]\n\n  -c, --config FILE  configuration (default gatelodge.yaml; without one, the defaults)\n  --workers N        processes; this version runs one\n  --plain            says that it is ready in plain lines, as on a terminal',
  async run(args, terminal) {
    const { values } = readOptions(args, { ...CONFIG_OPTION, workers: { type: 'string' }, plain: { type: 'boolean', default: false } });
    if (values.workers !== undefined && !/^(?:[1-9]\d{0,2}|auto)$/.test(values.workers)) throw new UsageError('--workers takes a number or auto');
    if (values.workers !== undefined && values.workers !== '1') terminal.error('gatelodge serve: this version runs one process\n');
    return serve(values.config, terminal, values.plain || terminal.interactive);
  },
};

/** Runs until SIGTERM or SIGINT; SIGHUP reads the configuration again. */
async function serve(file: string | undefined, terminal: Terminal, plain: boolean): Promise<number> {
  const sound = await loadSound(file, terminal, { hash: true });
  let runtime: Runtime | null = null;
  const listeners: Listening[] = [];
  try {
    for (const listener of sound.configuration.listen) listeners.push(await listen(listener, () => runtime?.handlers ?? null));
  } catch (error) {
    terminal.error(`gatelodge serve: cannot listen (${errorCode(error)})\n`);
    await stopAll(listeners, 0);
    return FAILED;
  }
  const addresses = listeners.map(({ address }) => address);
  const publicUrl = new URL(sound.configuration.public_url ?? addresses.find((address) => address.startsWith('http')) ?? 'http://127.0.0.1:9190');
  try {
    runtime = await openRuntime(sound, publicUrl);
  } catch (error) {
    await stopAll(listeners, 0);
    throw error;
  }
  const { core } = runtime;
  const administrator = sound.defaults ? await createFirstAdministrator(core) : null;
  if (plain) terminal.out(welcome({ addresses, publicUrl, administrator }));
  else {
    core.log.write('info', 'service.ready', { addresses, public_url: publicUrl.href });
    if (administrator !== null) terminal.error(welcome({ addresses, publicUrl, administrator }));
  }

  const reload = async () => {
    const old = runtime;
    try {
      const changed = await loadSound(file, terminal, { hash: true });
      const next = await openRuntime(changed, new URL(changed.configuration.public_url ?? publicUrl));
      runtime = next;
      next.core.log.write('info', 'configuration.reloaded');
      // What was begun with the old one is finished with it.
      setTimeout(() => void old?.close(), RELOAD_GRACE).unref();
    } catch (error) {
      old?.core.log.write('error', 'configuration.refused', failureDetail(error));
    }
  };
  await untilStopped(() => void reload());

  const { shutdown_timeout: deadline } = sound.configuration;
  currentLog(runtime, core).write('info', 'service.stopping');
  await stopAll(listeners, deadline);
  currentLog(runtime, core).write('info', 'service.stopped');
  await runtime.close();
  return DONE;
}

const RELOAD_GRACE = 10_000;

function currentLog(runtime: Runtime | null, core: Core) {
  return (runtime?.core ?? core).log;
}

function untilStopped(reload: () => void): Promise<void> {
  return new Promise((resolve) => {
    process.on('SIGHUP', reload);
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}

async function stopAll(listeners: readonly Listening[], deadline: number): Promise<void> {
  await Promise.all(listeners.map((listener) => listener.stop(deadline)));
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
