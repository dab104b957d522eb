import { dirname, resolve } from 'node:path';
import { plainAddress } from '../domain/network.ts';
import type { KeyPath } from './key-path.ts';
import type { Reporter } from './reporter.ts';
import type { Configuration } from './schema.ts';

type Place = Configuration['listen'][number] | NonNullable<Configuration['metrics']>['listen'];

/** Two listeners at one place: the second could not start. Names that lead to one address are not looked up. */
export function checkListeners({ listen, metrics }: Configuration, file: string, reporter: Reporter): void {
  const taken = new Set<string>();
  for (const [index, place] of listen.entries()) {
    // One listener stands there without a list.
    const isUnknown = [['listen', index], ['listen']].some((path) => isRefused(path, reporter));
    const address = isUnknown ? null : addressOf(place, file);
    if (address !== null && taken.has(address))
      reporter.report('duplicate-name', ['listen', index], 'another listener is there already');
    if (address !== null) taken.add(address);
  }
  if (metrics === undefined || isRefused(['metrics', 'listen'], reporter)) return;
  const address = addressOf(metrics.listen, file);
  if (address === null || !taken.has(address)) return;
  const message = 'gatelodge listens there already: metrics have a listener of their own';
  reporter.report('invalid-value', ['metrics', 'listen'], message);
}

/** What was refused has its default here, which the file does not say. */
function isRefused(path: KeyPath, reporter: Reporter): boolean {
  return ['host', 'port', 'socket'].some((key) => reporter.isRefused([...path, key]));
}

/** null where the system chooses a free port. */
function addressOf(place: Place, file: string): string | null {
  if ('socket' in place) return resolve(dirname(file), place.socket);
  return place.port === 0 ? null : `${plainAddress(place.host) ?? place.host.toLowerCase()} ${place.port}`;
}
