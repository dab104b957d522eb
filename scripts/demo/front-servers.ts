import { haproxyRecipe } from '../../test/integration/haproxy/haproxy-recipe.ts';
import { caddyRecipe } from '../../test/support/caddy-recipe.ts';
import type { Recipe } from '../../test/support/front-server-stack.ts';
import { nginxRecipe } from '../../test/support/nginx-recipe.ts';
import { findProgram } from '../../test/support/skip.ts';
import { traefikRecipe } from '../../test/support/traefik-recipe.ts';

/** What the demo says instead of starting. */
export class DemoRefused extends Error {
  override readonly name = 'DemoRefused';
}

export interface DemoFrontServer {
  readonly name: string;
  readonly program: string;
  readonly recipe: Recipe;
}

/** In the order in which one is chosen, each with the names under which its program may be installed. */
const KNOWN: Readonly<Record<string, readonly [programs: readonly string[], recipe: (program: string) => Recipe]>> = {
  nginx: [['nginx', 'nginx-1.31'], (program) => nginxRecipe('minimal', program)],
  caddy: [['caddy', 'caddy-2.11'], (program) => caddyRecipe('minimal', program)],
  traefik: [['traefik'], () => traefikRecipe('minimal')],
  haproxy: [['haproxy', 'haproxy-2.8'], (program) => haproxyRecipe(program, 'minimal')],
};
export const FRONT_SERVERS: readonly string[] = Object.keys(KNOWN);

/**
 * @param wanted one of FRONT_SERVERS, or null for whichever is installed
 * @param find where a program is; null where it is not installed
 * @throws DemoRefused with what to install
 */
export function chooseFrontServer(
  wanted: string | null,
  find: (program: string) => string | null = findProgram,
): DemoFrontServer {
  if (wanted !== null && !FRONT_SERVERS.includes(wanted))
    throw new DemoRefused(`the demo knows ${FRONT_SERVERS.join(', ')}, not ${wanted}`);
  const names = wanted === null ? FRONT_SERVERS : [wanted];
  // The certificate's maker is as much needed as the front server.
  if (find('openssl') === null) throw new DemoRefused('install openssl, which makes the certificate of the demo');
  for (const name of names) {
    const [programs, recipe] = KNOWN[name] ?? [[], null];
    const program = programs.find((one) => find(one) !== null);
    if (program !== undefined && recipe !== null) return { name, program, recipe: recipe(program) };
  }
  throw new DemoRefused(
    wanted === null
      ? `install one of ${FRONT_SERVERS.join(', ')}, such as: apt install nginx`
      : `install ${wanted}, or take another: npm run demo -- ${FRONT_SERVERS.filter((one) => one !== wanted).join(' | ')}`,
  );
}
