import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startProgram, waitUntil } from './child-process.ts';
import { freePort } from './free-port.ts';
import { HOSTS, hostReplacement, type Places, type Recipe } from './front-server-stack.ts';
import { ask } from './http-client.ts';
import { type Replacement, replaceText } from './replace-text.ts';
import { findProgram } from './skip.ts';

export const TRAEFIK_RECIPES = 'deploy/traefik';

/** Writes the recipe into the directory as /etc/traefik would have it. Only ports and files are replaced. Resolves to the static file. */
async function writeConfiguration(
  name: 'minimal' | 'complete',
  places: Places,
  loopbackPort: number,
  changes: readonly Replacement[],
): Promise<string> {
  const { directory, tlsPort, plainPort, decisionsPort, pagesPort, applicationPort, certificate, key } = places;
  const dynamic = join(directory, 'dynamic');
  await mkdir(dynamic);
  const loopback: Replacement = ['127.0.0.1:9180', `127.0.0.1:${loopbackPort}`];
  const host = name === 'minimal' ? HOSTS.app : 'example.com';
  const files: Readonly<Record<string, readonly [target: string, replacements: readonly Replacement[]]>> = {
    'traefik.yaml': [
      join(directory, 'traefik.yaml'),
      [
        ['":80"', `"127.0.0.1:${plainPort}"`],
        ['":443"', `"127.0.0.1:${tlsPort}"`],
        loopback,
        ['/etc/traefik/dynamic', dynamic],
      ],
    ],
    'gatelodge.dynamic.yaml': [
      join(dynamic, 'gatelodge.yaml'),
      [
        ['127.0.0.1:9190', `127.0.0.1:${decisionsPort}`],
        ['127.0.0.1:9191', `127.0.0.1:${pagesPort}`],
        loopback,
        ...changes,
      ],
    ],
    [`${name}.dynamic.yaml`]: [
      join(dynamic, 'app.yaml'),
      [
        ['127.0.0.1:3000', `127.0.0.1:${applicationPort}`],
        [`/etc/ssl/certs/${host}.pem`, certificate],
        [`/etc/ssl/private/${host}.key`, key],
        ...hostReplacement(places),
      ],
    ],
  };
  for (const [file, [target, replacements]] of Object.entries(files))
    await writeFile(target, replaceText(await readFile(join(TRAEFIK_RECIPES, file), 'utf8'), replacements));
  return join(directory, 'traefik.yaml');
}

/**
 * @param loopbackPort stands for 9180, Traefik's entry point for itself; any free one where it does not matter
 * @param changes what else is different in gatelodge.dynamic.yaml
 */
export function traefikRecipe(
  name: 'minimal' | 'complete',
  loopbackPort?: number,
  changes: readonly Replacement[] = [],
): Recipe {
  return {
    yaml: join(TRAEFIK_RECIPES, `${name}.yaml`),
    async start(places) {
      const path = findProgram('traefik');
      if (path === null) throw new Error('traefik is not installed');
      const file = await writeConfiguration(name, places, loopbackPort ?? (await freePort()), changes);
      const traefik = await startProgram(path, [`--configfile=${file}`], { cwd: places.directory, env: {} });
      const stop = async (): Promise<void> => void (await traefik.stop());
      try {
        // It listens before it has read the dynamic files, and knows no host until then.
        const url = `https://${places.appHost ?? HOSTS.app}:${places.tlsPort}/`;
        await waitUntil(
          'traefik',
          () =>
            ask(url).then(
              ({ status }) => status !== 404,
              () => false,
            ),
          traefik,
        );
      } catch (error) {
        await stop();
        throw error;
      }
      return { log: traefik.output, stop };
    },
  };
}
