import { Pool } from 'undici';
import { findProgram } from '../test/support/skip.ts';

export const CHECKS = 2_000;
const CLIENTS = 8;

/** How many connections nginx, with deploy/nginx/minimal.conf, opens to gatelodge for CHECKS checks; null where nginx or openssl is missing. */
export async function countConnections(entry: string): Promise<number | null> {
  if (findProgram('nginx') === null || findProgram('openssl') === null) return null;
  // Read when the module is loaded.
  process.env['GATELODGE_ENTRY'] = entry;
  const { startNginxStack } = await import('../test/support/nginx-stack.ts');
  const stack = await startNginxStack('minimal');
  const clients = new Pool(`https://127.0.0.1:${stack.port}`, {
    connections: CLIENTS,
    connect: { rejectUnauthorized: false, servername: 'app.example.com' },
  });
  try {
    const before = stack.relay?.connections ?? Number.NaN;
    let left = CHECKS;
    const client = async (): Promise<void> => {
      for (; left > 0; ) {
        left -= 1;
        // Allowed and refused: each kind of answer must leave the connection usable.
        const path = left % 2 === 0 ? '/health' : '/page';
        const answer = await clients.request({
          method: 'GET',
          path,
          headers: { host: `app.example.com:${stack.port}` },
        });
        await answer.body.dump();
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    return (stack.relay?.connections ?? Number.NaN) - before;
  } finally {
    await clients.close();
    await stack.stop();
  }
}
