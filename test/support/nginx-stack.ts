import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Application, startApplication } from './application.ts';
import { type CountingRelay, startCountingRelay } from './counting-relay.ts';
import { freePort } from './free-port.ts';
import { type Gatelodge, startGatelodge } from './gatelodge.ts';
import { copyRecipes, type Nginx, RECIPES, startNginx } from './nginx.ts';
import { ADMIN, ALICE, USERS } from './people.ts';
import { type Replacement, replaceText } from './replace-text.ts';
import { tempDir } from './temp-dir.ts';

export { ADMIN, ALICE };

export type Recipe = 'minimal' | 'complete' | 'unix-socket';

/** A recipe at work: application, gatelodge and nginx, all on 127.0.0.1. */
export interface NginxStack {
  readonly application: Application;
  readonly gatelodge: Gatelodge;
  readonly nginx: Nginx;
  /** Between nginx and gatelodge; undefined where they talk over Unix sockets. */
  readonly relay: CountingRelay | undefined;
  readonly port: number;
  /** `https://app.example.com:PORT` */
  readonly app: string;
  /** `public_url`, under which the pages are. */
  readonly pages: string;
  stop(): Promise<void>;
}

export interface NginxStackOptions {
  /** Another content of nginx's `http { }` than the recipe's own, for snippets of other programs. */
  readonly http?: (tlsPort: number) => string;
  /** Rules in front of the recipe's, each a line of YAML. */
  readonly rules?: readonly string[];
  /** More of gatelodge.yaml, each a line. */
  readonly settings?: readonly string[];
  /** The world reaches nginx at 443 though it listens elsewhere, as in a container: gatelodge-maps.conf says what to change then. */
  readonly publishedAs443?: boolean;
}

/** What is replaced in the recipe's YAML: gatelodge's port or sockets, and the port that URLs have here and not in real life. */
function yamlReplacements(recipe: Recipe, gatelodgePort: number, urlPort: string): Replacement[] {
  const listen: Replacement =
    recipe === 'unix-socket' ? ['/run/gatelodge/', './'] : ['port: 9190', `port: ${gatelodgePort}`];
  if (recipe === 'minimal')
    return [listen, ['public_url: https://app.example.com', `public_url: https://app.example.com${urlPort}`]];
  return [
    listen,
    ['public_url: https://auth.example.com', `public_url: https://auth.example.com${urlPort}`],
    ['"https://*.example.com"', `"https://*.example.com${urlPort}"`],
  ];
}

export async function startNginxStack(
  recipe: Recipe,
  { http, rules = [], settings = [], publishedAs443 = false }: NginxStackOptions = {},
): Promise<NginxStack> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.reverse()) await one();
  };
  try {
    const directory = await tempDir();
    stops.push(directory.remove);
    const application = await startApplication();
    stops.push(application.stop);
    const [gatelodgePort, tlsPort, plainPort] = [await freePort(), await freePort(), await freePort()];
    const urlPort = publishedAs443 ? '' : `:${tlsPort}`;
    const yaml = await readFile(join(RECIPES, `${recipe}.yaml`), 'utf8');
    const withRules: Replacement = ['\npaths:\n', `\npaths:\n${rules.map((rule) => `  - ${rule}\n`).join('')}`];
    const gatelodge = await startGatelodge({
      yaml:
        replaceText(yaml, [...yamlReplacements(recipe, gatelodgePort, urlPort), withRules]) +
        USERS +
        settings.map((line) => `${line}\n`).join(''),
      ready: recipe === 'unix-socket' ? 'decisions.sock' : gatelodgePort,
    });
    stops.push(gatelodge.stop);
    const relay = recipe === 'unix-socket' ? undefined : await startCountingRelay(gatelodgePort);
    if (relay !== undefined) stops.push(relay.stop);
    await copyRecipes(directory.path, {
      tlsPort,
      publishedAs443,
      plainPort,
      gatelodgePort: relay?.port ?? gatelodgePort,
      applicationPort: application.port,
      socketDirectory: gatelodge.directory,
    });
    const nginx = await startNginx(directory.path, http?.(tlsPort) ?? (await siteOf(recipe, directory.path)), tlsPort);
    stops.push(nginx.stop);
    const app = `https://app.example.com:${tlsPort}`;
    const pages = recipe === 'minimal' ? `${app}/gatelodge` : `https://auth.example.com:${tlsPort}`;
    return { application, gatelodge, nginx, relay, port: tlsPort, app, pages, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** unix-socket.conf takes the place of one line of complete.conf, as its comment says. */
async function siteOf(recipe: Recipe, directory: string): Promise<string> {
  if (recipe !== 'unix-socket') return `include gatelodge/${recipe}.conf;`;
  const site = await readFile(join(directory, 'gatelodge', 'complete.conf'), 'utf8');
  return replaceText(site, [['include gatelodge/gatelodge-upstream.conf;', 'include gatelodge/unix-socket.conf;']]);
}
