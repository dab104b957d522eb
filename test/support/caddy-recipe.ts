import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { handshakes } from './accepts.ts';
import { startProgram, waitUntil } from './child-process.ts';
import { HOSTS, hostReplacement, type Places, type Recipe } from './front-server-stack.ts';
import { type Replacement, replaceText } from './replace-text.ts';
import { findProgram } from './skip.ts';

export const CADDY_RECIPES = 'deploy/caddy';

/**
 * The global options around what a site's administrator would have: everything Caddy writes stays in the test's directory, and
 * certificates come from an authority of its own instead of from the internet.
 */
function globalOptions({ tlsPort, plainPort }: Places): string {
  return `{
	admin off
	http_port ${plainPort}
	https_port ${tlsPort}
	default_bind 127.0.0.1
	local_certs
	skip_install_trust
}
`;
}

/** Writes the recipe into the directory as /etc/caddy would have it. Only ports are replaced. Resolves to the main file. */
export async function writeCaddyfile(
  name: 'minimal' | 'complete',
  places: Places,
  changes: readonly Replacement[] = [],
): Promise<string> {
  const { directory, tlsPort, decisionsPort, pagesPort, applicationPort } = places;
  await mkdir(join(directory, 'gatelodge'));
  const snippets = await readFile(join(CADDY_RECIPES, 'gatelodge.caddy'), 'utf8');
  await writeFile(
    join(directory, 'gatelodge', 'gatelodge.caddy'),
    replaceText(snippets, [
      ['127.0.0.1:9190', `127.0.0.1:${decisionsPort}`],
      ['127.0.0.1:9191', `127.0.0.1:${pagesPort}`],
      // The way that the comment above it names.
      ['request_header Host {host}\n', `request_header Host {host}:${tlsPort}\n`],
    ]),
  );
  const site = await readFile(join(CADDY_RECIPES, `${name}.caddy`), 'utf8');
  const file = join(directory, 'Caddyfile');
  const adapted = replaceText(site, [
    ['127.0.0.1:3000', `127.0.0.1:${applicationPort}`],
    ...hostReplacement(places),
    ...changes,
  ]);
  await writeFile(file, `${globalOptions(places)}${adapted}`);
  return file;
}

/**
 * @param program its name, where more than one Caddy is installed
 * @param changes what else is different
 */
export function caddyRecipe(
  name: 'minimal' | 'complete',
  program: string,
  changes: readonly Replacement[] = [],
): Recipe {
  return {
    yaml: join(CADDY_RECIPES, `${name}.yaml`),
    async start(places) {
      const path = findProgram(program);
      if (path === null) throw new Error(`${program} is not installed`);
      const file = await writeCaddyfile(name, places, changes);
      const home = join(places.directory, 'home');
      const caddy = await startProgram(path, ['run', '--adapter', 'caddyfile', '--config', file], {
        cwd: places.directory,
        env: { PATH: '', HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
      });
      const stop = async (): Promise<void> => void (await caddy.stop());
      try {
        // Its authority takes a moment for each host.
        for (const host of name === 'minimal' ? [places.appHost ?? HOSTS.app] : Object.values(HOSTS))
          await waitUntil('caddy', () => handshakes(places.tlsPort, host), caddy);
      } catch (error) {
        await stop();
        throw error;
      }
      return { log: caddy.output, stop };
    },
  };
}
