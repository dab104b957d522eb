import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { type Gatelodge, startGatelodge } from './gatelodge.ts';
import { copyRecipes, RECIPES, startNginx } from './nginx.ts';
import { replaceText } from './replace-text.ts';
import { tempDir } from './temp-dir.ts';

/** netunnel.conf and netunnel.yaml at work, on 127.0.0.1. */
export interface NetunnelStack {
  readonly gatelodge: Gatelodge;
  /** nginx's, for TLS. */
  readonly port: number;
  /** Where keys are registered. */
  readonly internal: string;
  stop(): Promise<void>;
}

/**
 * @param host stands for tunnel.example.com, for clients to which that name does not lead here
 * @param netunnelPort where NETunnel is, or what stands for it
 */
export async function startNetunnelStack(host: string, netunnelPort: number): Promise<NetunnelStack> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    const directory = await tempDir();
    stops.push(directory.remove);
    const [gatelodgePort, internalPort, port] = [await freePort(), await freePort(), await freePort()];
    const yaml = replaceText(await readFile(join(RECIPES, 'netunnel.yaml'), 'utf8'), [
      ['port: 9190', `port: ${gatelodgePort}`],
      ['port: 9191', `port: ${internalPort}`],
      ['public_url: https://tunnel.example.com', `public_url: https://${host}:${port}`],
    ]);
    const gatelodge = await startGatelodge({ yaml, ready: gatelodgePort });
    stops.push(gatelodge.stop);
    await copyRecipes(directory.path, {
      ...{ tlsPort: port, plainPort: await freePort(), gatelodgePort, applicationPort: netunnelPort },
      ...{ socketDirectory: directory.path, tunnelHost: host },
    });
    const nginx = await startNginx(directory.path, 'include gatelodge/netunnel.conf;', port);
    stops.push(nginx.stop);
    return { gatelodge, port, internal: `http://127.0.0.1:${internalPort}/jwthenticator`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
