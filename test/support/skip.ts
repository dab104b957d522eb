import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where scripts/install-front-servers.sh puts what the machine does not have. */
const INSTALLED = join(import.meta.dirname, '../../.front-servers/programs');

const told = new Set<string>();

/** Where a program is, on the PATH, in a place for administrators' programs or among the front servers of the tests; null where it is not installed. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', INSTALLED];
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not here
    }
  }
  return null;
}

/**
 * Whether all of the counterparts are installed, for `describe.skipIf(missing('nginx', 'chromium'))`. Prints one line for each that is not.
 * @throws where GATELODGE_REQUIRE_ALL=1: continuous integration must not skip in silence
 */
export function missing(...names: readonly string[]): boolean {
  const absent = names.filter((name) => findProgram(name) === null);
  if (absent.length > 0 && process.env['GATELODGE_REQUIRE_ALL'] === '1')
    throw new Error(`not installed: ${absent.join(', ')}`);
  for (const name of absent.filter((one) => !told.has(one))) {
    told.add(name);
    console.log(`skipped: ${name} is not installed`);
  }
  return absent.length > 0;
}
