import { readFile, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Application, startApplication } from '../support/application.ts';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { logIn } from '../support/login.ts';
import { copyRecipes, RECIPES, startNginx } from '../support/nginx.ts';
import { ALICE, USERS } from '../support/people.ts';
import { replaceText } from '../support/replace-text.ts';
import { tempDir } from '../support/temp-dir.ts';
import { type Load, startLoad } from './load.ts';

export interface Instance extends Gatelodge {
  readonly port: number;
}
export interface Site {
  /** On the same data. */
  readonly instances: readonly Instance[];
  readonly application: Application;
  /** `https://app.example.com:PORT` */
  readonly app: string;
  /** A key of alice's. */
  readonly key: string;
  /** What nginx has logged so far. */
  nginxLog(): Promise<string>;
}

/**
 * An application behind nginx as the minimal recipe has it, and so many gatelodges on the same data, until the test ends. A second one
 * is a second `server` line in gatelodge-upstream.conf, as docs/operations.md says.
 * @param more configuration of each
 * @param rules in front of the recipe's, each a line of YAML
 */
export async function startSite({
  count,
  more = '',
  rules = [],
}: {
  readonly count: number;
  readonly more?: string;
  readonly rules?: readonly string[];
}): Promise<Site> {
  const directory = await tempDir();
  onTestFinished(directory.remove);
  const application = await startApplication();
  onTestFinished(application.stop);
  const [tlsPort, plainPort] = [await freePort(), await freePort()];
  const recipe = await readFile(join(RECIPES, 'minimal.yaml'), 'utf8');
  const instances: Instance[] = [];
  for (let made = 0; made < count; made += 1) {
    const port = await freePort();
    const yaml = replaceText(recipe, [
      ['port: 9190', `port: ${port}`],
      ['public_url: https://app.example.com', `public_url: https://app.example.com:${tlsPort}`],
      ['data_dir: ./data', `data_dir: ${directory.path}/data`],
      ['\npaths:\n', `\npaths:\n${rules.map((rule) => `  - ${rule}\n`).join('')}`],
    ]);
    const gatelodge = await startGatelodge({ yaml: yaml + USERS + more, ready: port });
    onTestFinished(gatelodge.stop);
    instances.push({ ...gatelodge, port });
  }
  const [first, ...others] = instances;
  if (first === undefined) throw new Error('a site has an instance');
  await copyRecipes(directory.path, {
    ...{ tlsPort, plainPort, gatelodgePort: first.port, applicationPort: application.port },
    socketDirectory: directory.path,
  });
  const upstream = join(directory.path, 'gatelodge', 'gatelodge-upstream.conf');
  const server = (port: number) => `server 127.0.0.1:${port};`;
  await writeFile(
    upstream,
    replaceText(await readFile(upstream, 'utf8'), [
      [server(first.port), [first, ...others].map(({ port }) => server(port)).join('\n    ')],
    ]),
  );
  const nginx = await startNginx(directory.path, 'include gatelodge/minimal.conf;', tlsPort);
  onTestFinished(nginx.stop);
  const key = (await first.run('keys', 'create', '--user', ALICE.username, '--name', 'load')).trim();
  return { instances, application, app: `https://app.example.com:${tlsPort}`, key, nginxLog: nginx.errorLog };
}

/** What the application was told of one request through nginx: `200 alice`; or the status alone, or what failed. */
export function visit(
  app: string,
  path: string,
  headers: Record<string, string>,
  agent: Agent | false,
): Promise<string> {
  const { port, hostname, host } = new URL(app);
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port, servername: hostname, rejectUnauthorized: false, agent, path };
    request({ ...options, headers: { host, ...headers }, timeout: 20_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', (error) => resolve(error.message));
      response.on('end', () => resolve(`${response.statusCode} ${userIn(Buffer.concat(chunks))}`.trim()));
    })
      .on('timeout', () => resolve('no answer in 20 s'))
      .on('error', (error) => resolve(error.message))
      .end();
  });
}

/** Whom the application's answer says it saw; nothing where it is somebody else's answer. */
function userIn(body: Buffer): string {
  try {
    const seen = JSON.parse(body.toString()) as { headers?: Readonly<Record<string, readonly string[]>> };
    return seen.headers?.['x-auth-user']?.join() ?? '';
  } catch {
    return '';
  }
}

/** Eight ask the application without a pause, half of them on connections that stay, and two log in. */
export function siteLoad({ app, key }: Site, path = '/api/x'): Load {
  const agent = new Agent({ keepAlive: true });
  const load = startLoad(10, async (lane) => {
    if (lane < 8) return visit(app, path, { 'x-api-key': key }, lane % 2 === 0 && agent);
    try {
      const { answer } = await logIn(`${app}/gatelodge/login`, ALICE.username, ALICE.password);
      return answer.status === 303 ? 'login' : `login ${answer.status}`;
    } catch (error) {
      return `login ${String(error)}`;
    }
  });
  return {
    get total() {
      return load.total;
    },
    async stop() {
      const outcome = await load.stop();
      agent.destroy();
      return outcome;
    },
  };
}
