import { setTimeout as sleep } from 'node:timers/promises';
import { GatelodgeError } from '../domain/errors.ts';
import { type Command, DONE, FAILED, readOptions } from './command.ts';
import { CONFIG_OPTION } from './configuration.ts';

/** How long the service may take, in ms, and how often it is looked. */
const PATIENCE = 5_000;
const STEP = 25;

export const command: Command = {
  summary: 'has the running service read its configuration again',
  usage: `Usage: gatelodge reload [-c FILE]

  -c, --config FILE  configuration (default gatelodge.yaml)

Reads the configuration first, and prints everything that is wrong with it; then nothing is sent. Waits until the service has
taken it, for 5 seconds at most. Exits 1 where it was refused, or no service runs on its data_dir.`,
  async run(args, terminal) {
    const { values } = readOptions(args, CONFIG_OPTION);
    const { loadSound } = await import('./configuration.ts');
    const { findService } = await import('../pid-file.ts');
    const { configuration } = await loadSound(values.config, terminal);
    const service = findService(configuration.data_dir);
    if (service === null) throw new GatelodgeError('not-found', `no service runs on ${configuration.data_dir}`);
    const asked = Date.now();
    signal(service.pid);
    for (const end = performance.now() + PATIENCE; performance.now() < end; await sleep(STEP)) {
      const now = findService(configuration.data_dir);
      if (now?.pid !== service.pid) throw new GatelodgeError('not-found', 'the service has ended');
      // An earlier reload may have read the file before it was changed.
      if (now.lastReload === null || now.lastReload.began < asked) continue;
      const { well } = now.lastReload;
      if (well) terminal.out(`gatelodge (process ${now.pid}) has reloaded ${now.file}\n`);
      else terminal.error(`gatelodge (process ${now.pid}) has refused ${now.file}: its log says why\n`);
      return well ? DONE : FAILED;
    }
    terminal.error(
      `gatelodge (process ${service.pid}) was told, but has not reloaded within ${PATIENCE / 1_000} seconds\n`,
    );
    return FAILED;
  },
};

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGHUP');
  } catch (cause) {
    throw new GatelodgeError('not-found', `the service (process ${pid}) cannot be told: run this as its user`, {
      cause,
    });
  }
}
