import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { accepts } from '../../support/accepts.ts';
import { type RunningProgram, startProgram, waitUntil } from '../../support/child-process.ts';
import { documentedLines } from '../../support/documented-lines.ts';
import { freePort } from '../../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../../support/gatelodge.ts';
import { copyRecipes, RECIPES, startNginx } from '../../support/nginx.ts';
import { USERS } from '../../support/people.ts';
import { replaceText } from '../../support/replace-text.ts';
import { tempDir } from '../../support/temp-dir.ts';

/** gatelodge, nginx with the lines of the documentation, and an example application behind it. */
export interface SampleStack {
  readonly gatelodge: Gatelodge;
  /** Where gatelodge itself listens. */
  readonly gatelodgePort: number;
  /** Through nginx: `https://app.example.com:PORT` */
  readonly app: string;
  /** Past nginx, as nobody should reach it. */
  readonly direct: string;
  /** `public_url` */
  readonly issuer: string;
  stop(): Promise<void>;
}

/**
 * @param program the application and its arguments
 * @param identityJwt lines of gatelodge.yaml
 * @param env of the application beside its usual settings
 */
export async function startSampleStack(
  program: readonly [string, ...string[]],
  identityJwt: string,
  env: Readonly<Record<string, string>> = {},
): Promise<SampleStack> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    const directory = await tempDir();
    stops.push(directory.remove);
    const [gatelodgePort, applicationPort] = [await freePort(), await freePort()];
    const [tlsPort, plainPort] = [await freePort(), await freePort()];
    const app = `https://app.example.com:${tlsPort}`;
    const yaml = replaceText(await readFile(join(RECIPES, 'minimal.yaml'), 'utf8'), [
      ['port: 9190', `port: ${gatelodgePort}`],
      ['public_url: https://app.example.com', `public_url: ${app}`],
      ['\npaths:\n', '\npaths:\n  - {path: /visit, authenticate: optional, plugins: [basic]}\n'],
    ]);
    const gatelodge = await startGatelodge({ yaml: `${yaml}${USERS}${identityJwt}`, ready: gatelodgePort });
    stops.push(gatelodge.stop);

    const lines = await documentedLines('docs/identity-jwt.md', 'nginx', 'gatelodge-auth.conf');
    await copyRecipes(directory.path, {
      ...{ tlsPort, plainPort, gatelodgePort, applicationPort, socketDirectory: directory.path },
      changes: [['include gatelodge/gatelodge-auth.conf;', lines]],
    });
    const nginx = await startNginx(directory.path, 'include gatelodge/minimal.conf;', tlsPort);
    stops.push(nginx.stop);

    const issuer = `${app}/gatelodge`;
    const [file, ...args] = program;
    const application: RunningProgram = await startProgram(file, args, {
      env: {
        ...process.env,
        PORT: String(applicationPort),
        ISSUER: issuer,
        AUDIENCE: 'app.example.com',
        JWKS_URL: `http://127.0.0.1:${gatelodgePort}/gatelodge/jwks`,
        ...env,
      },
    });
    stops.push(application.stop);
    await waitUntil('the application', () => accepts(applicationPort), application);
    return { gatelodge, gatelodgePort, app, direct: `http://127.0.0.1:${applicationPort}`, issuer, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
