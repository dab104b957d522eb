import { readFile } from 'node:fs/promises';
import { inventPassword } from '../../src/cli/first-administrator.ts';
import { createCertificate } from '../../test/support/certificate.ts';
import { freePort } from '../../test/support/free-port.ts';
import { HOSTS } from '../../test/support/front-server-stack.ts';
import { startGatelodge } from '../../test/support/gatelodge.ts';
import { type Replacement, replaceText } from '../../test/support/replace-text.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { startSampleApplication } from './application.ts';
import type { DemoFrontServer } from './front-servers.ts';

/** Browsers and curl take every name below localhost for this machine (RFC 6761 section 6.3). */
export const APP_HOST = 'app.localhost';

export interface DemoUser {
  readonly username: string;
  readonly password: string;
}

/** A demo at work. */
export interface Demo {
  readonly frontServer: string;
  /** `https://app.localhost:PORT` */
  readonly app: string;
  /** May everything. */
  readonly admin: DemoUser;
  /** May not see /admin. */
  readonly user: DemoUser;
  /** Ends everything and removes its files. */
  stop(): Promise<void>;
}

/**
 * Starts the application, gatelodge and the front server from its minimal recipe, with only ports, host and certificate replaced.
 * @param stopped where this resolves first, everything is ended again
 * @returns null where it was stopped while it started
 */
export async function startDemo({ name, recipe }: DemoFrontServer, stopped: Promise<void>): Promise<Demo | null> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  const interrupted = { yet: false };
  void stopped.then(() => {
    interrupted.yet = true;
  });
  try {
    const application = await startSampleApplication();
    stops.push(application.stop);
    const directory = await tempDir();
    stops.push(directory.remove);
    const [tlsPort, plainPort, decisionsPort] = [await freePort(), await freePort(), await freePort()];
    const text = await readFile(recipe.yaml, 'utf8');
    const pagesPort = text.includes('port: 9191') ? await freePort() : decisionsPort;
    const users = { admin: inventUser('admin'), user: inventUser('alice') };
    const app = `https://${APP_HOST}:${tlsPort}`;
    const gatelodge = await startGatelodge({
      yaml: replaceText(text, replacements(text, { app, decisionsPort, pagesPort })) + usersYaml(users),
      ready: decisionsPort,
    });
    stops.push(gatelodge.stop);
    const files = await createCertificate(directory.path, [APP_HOST]);
    const server = await recipe.start({
      ...{ ...files, directory: directory.path, appHost: APP_HOST, applicationPort: application.port },
      ...{ tlsPort, plainPort, decisionsPort, pagesPort },
    });
    stops.push(server.stop);
    if (!interrupted.yet) return { frontServer: name, app, ...users, stop };
    await stop();
    return null;
  } catch (error) {
    await stop();
    // The programs get the terminal's Ctrl-C too, and whoever waits for one that ended so has not failed.
    if (interrupted.yet) return null;
    throw error;
  }
}

function replacements(text: string, to: { app: string; decisionsPort: number; pagesPort: number }): Replacement[] {
  return [
    ['port: 9190', `port: ${to.decisionsPort}`],
    ...(text.includes('port: 9191') ? [['port: 9191', `port: ${to.pagesPort}`] as const] : []),
    [`https://${HOSTS.app}`, to.app],
    [HOSTS.app, APP_HOST],
  ];
}

function inventUser(username: string): DemoUser {
  return { username, password: inventPassword() };
}

function usersYaml({ admin, user }: { readonly admin: DemoUser; readonly user: DemoUser }): string {
  return `
users:
  - {username: ${admin.username}, password: ${admin.password}, name: Administrator, roles: [admin]}
  - {username: ${user.username}, password: ${user.password}, name: Alice Example, email: alice@example.com, roles: [user]}
`;
}
