import { readFile } from 'node:fs/promises';
import { type Application, startApplication } from './application.ts';
import { createCertificate } from './certificate.ts';
import { type CountingRelay, startCountingRelay } from './counting-relay.ts';
import { freePort } from './free-port.ts';
import { type Gatelodge, startGatelodge } from './gatelodge.ts';
import { USERS } from './people.ts';
import { type Replacement, replaceText } from './replace-text.ts';
import { tempDir } from './temp-dir.ts';

/** What a recipe names and a test has elsewhere. */
export interface Places {
  /** Empty but for the certificate; the front server's files go there. */
  readonly directory: string;
  /** Stands for 443. */
  readonly tlsPort: number;
  /** Stands for 80. */
  readonly plainPort: number;
  /** Where gatelodge answers checks; 9190 in the recipes. */
  readonly decisionsPort: number;
  /** Where gatelodge serves its pages; 9191 in recipes with two listeners, else 9190. */
  readonly pagesPort: number;
  /** 3000 in the recipes. */
  readonly applicationPort: number;
  /** PEM files for app.example.com and auth.example.com. */
  readonly certificate: string;
  readonly key: string;
  /** Stands for app.example.com where that name does not lead here. */
  readonly appHost?: string;
}

/** One configuration of a front server, with gatelodge's side of it. */
export interface Recipe {
  /** gatelodge's side, such as deploy/caddy/complete.yaml. */
  readonly yaml: string;
  /** Starts the front server from the recipe, with nothing but the places replaced, and waits until it accepts connections. */
  start(places: Places): Promise<FrontServer>;
}
export interface FrontServer {
  /** What it logged so far. */
  log(): Promise<string> | string;
  stop(): Promise<void>;
}

/** A recipe at work: application, gatelodge and front server, all on 127.0.0.1. */
export interface FrontServerStack {
  readonly application: Application;
  readonly gatelodge: Gatelodge;
  readonly frontServer: FrontServer;
  /** Between the front server and gatelodge's checks. */
  readonly relay: CountingRelay;
  readonly port: number;
  /** `https://app.example.com:PORT` */
  readonly app: string;
  /** `public_url`, under which the pages are. */
  readonly pages: string;
  stop(): Promise<void>;
}

export const HOSTS = { app: 'app.example.com', auth: 'auth.example.com' } as const;

/** To be made last: the names of the recipes' files have the host in them, too. */
export function hostReplacement({ appHost }: { readonly appHost?: string | undefined }): Replacement[] {
  return appHost === undefined ? [] : [[HOSTS.app, appHost]];
}

/**
 * @param rules put in front of the recipe's, each a line of YAML
 * @param settings put behind the whole
 */
export async function startFrontServerStack(
  recipe: Recipe,
  { rules = [], settings = '' }: { rules?: readonly string[]; settings?: string } = {},
): Promise<FrontServerStack> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    const application = await startApplication();
    stops.push(application.stop);
    const [port, decisionsPort] = [await freePort(), await freePort()];
    const text = await readFile(recipe.yaml, 'utf8');
    const twoListeners = text.includes('port: 9191');
    const pagesPort = twoListeners ? await freePort() : decisionsPort;
    const publicUrl = /^public_url: (https:\/\/[a-z.]+)(\/\S*)?/m.exec(text);
    const [, origin = '', path = ''] = publicUrl ?? [];
    const replacements: Replacement[] = [
      ['port: 9190', `port: ${decisionsPort}`],
      ...(twoListeners ? [['port: 9191', `port: ${pagesPort}`] as const] : []),
      // The port that URLs have here and not in real life.
      [`public_url: ${origin}`, `public_url: ${origin}:${port}`],
      ...(text.includes('"https://*.example.com"')
        ? [['"https://*.example.com"', `"https://*.example.com:${port}"`] as const]
        : []),
      ['\npaths:\n', `\npaths:\n${rules.map((rule) => `  - ${rule}\n`).join('')}`],
    ];
    const gatelodge = await startGatelodge({
      yaml: replaceText(text, replacements) + USERS + settings,
      ready: decisionsPort,
    });
    stops.push(gatelodge.stop);
    const relay = await startCountingRelay(decisionsPort);
    stops.push(relay.stop);
    const frontServer = await startFrontServer(recipe, {
      tlsPort: port,
      decisionsPort: relay.port,
      pagesPort: twoListeners ? pagesPort : relay.port,
      applicationPort: application.port,
    });
    stops.push(frontServer.stop);
    const app = `https://${HOSTS.app}:${port}`;
    return { application, gatelodge, frontServer, relay, port, app, pages: `${origin}:${port}${path}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The front server of a recipe alone, for tests in which something else stands where gatelodge should. */
export async function startFrontServer(
  recipe: Recipe,
  ports: Pick<Places, 'tlsPort' | 'decisionsPort' | 'pagesPort' | 'applicationPort'>,
): Promise<FrontServer> {
  const directory = await tempDir();
  try {
    const files = await createCertificate(directory.path, Object.values(HOSTS));
    const server = await recipe.start({ ...ports, ...files, directory: directory.path, plainPort: await freePort() });
    return {
      log: () => server.log(),
      async stop() {
        await server.stop();
        await directory.remove();
      },
    };
  } catch (error) {
    await directory.remove();
    throw error;
  }
}
