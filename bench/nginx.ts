import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../test/support/free-port.ts';
import { mainConfiguration } from '../test/support/nginx.ts';
import { replaceText } from '../test/support/replace-text.ts';
import { findProgram } from '../test/support/skip.ts';
import { tempDir } from '../test/support/temp-dir.ts';
import { type ReadyProcess, startServer } from './process.ts';

/** An nginx that asks a service about every request, and serves an empty file where the answer is good. */
export interface MeasuredNginx extends ReadyProcess {
  /** Where it serves the same file and asks nobody. */
  readonly alone: number;
}

export const NGINX = findProgram('nginx');

/**
 * Starts nginx as one process on the core of the servers under test.
 * @param site what goes into `http { }`, with 127.0.0.1:8080 as the address to listen on and /srv/site as the directory to serve
 * @param prepare puts what the site includes into the directory of nginx's configuration
 */
export async function startNginx(
  site: string,
  prepare: (directory: string) => Promise<void> = async () => {},
): Promise<MeasuredNginx> {
  if (NGINX === null) throw new Error('nginx is not installed');
  const { path, remove } = await tempDir();
  try {
    const [port, alone] = [await freePort(), await freePort()];
    await mkdir(join(path, 'site'));
    await writeFile(join(path, 'site', 'empty'), '');
    await prepare(path);
    const file = join(path, 'nginx.conf');
    await writeFile(file, mainConfiguration(path, siteConfiguration(site, path, port, alone)));
    const args = ['-c', file, '-e', join(path, 'error.log'), '-g', 'master_process off;'];
    const ready = `http://127.0.0.1:${alone}/`;
    const process = await startServer({ program: [NGINX, ...args], port, ready });
    const stop = async (): Promise<void> => {
      await process.stop();
      await remove();
    };
    return { ...process, alone, stop };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The content of `http { }`. Connections of the load stay open: closing one after a thousand requests is not what is measured. */
export function siteConfiguration(site: string, directory: string, port: number, alone: number): string {
  const placed = replaceText(site, [
    ['127.0.0.1:8080', `127.0.0.1:${port}`],
    ['/srv/site', `${directory}/site`],
  ]);
  return `
  keepalive_requests 1000000000;
  keepalive_timeout 10m;
  server {
    listen 127.0.0.1:${alone};
    location / { root ${directory}/site; try_files /empty =404; }
  }
  ${placed}`;
}
