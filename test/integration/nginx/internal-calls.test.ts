import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../../support/gatelodge.ts';
import { ask } from '../../support/http-client.ts';
import { copyRecipes, type Nginx, startNginx } from '../../support/nginx.ts';
import { missing } from '../../support/skip.ts';
import { type TempDir, tempDir } from '../../support/temp-dir.ts';

const KEY = JSON.stringify({ key: 'a key', identifier: '00000000-0000-0000-0000-000000000000' });

/** What forwards everything, by locations: ours, and what people write who have not read about it. */
const site = (port: number, gatelodge: number) => `
include gatelodge/gatelodge-maps.conf;
include gatelodge/gatelodge-upstream.conf;
server {
  listen 127.0.0.1:${port};
  set $gatelodge_login_url "";
  location /ours/ { include gatelodge/gatelodge-pages.conf; proxy_pass http://gatelodge_pages/; }
  location /bare/ { proxy_pass http://127.0.0.1:${gatelodge}/; }
  location /usual/ {
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_pass http://127.0.0.1:${gatelodge}/;
  }
  location /appended/ {
    proxy_http_version 1.1;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_pass http://127.0.0.1:${gatelodge}/;
  }
}`;

describe.skipIf(missing('nginx', 'openssl'))('internal: trusted, behind an nginx on the same machine', () => {
  let directory: TempDir;
  let gatelodge: Gatelodge;
  let nginx: Nginx;
  let direct: string;
  let origin: string;
  beforeAll(async () => {
    directory = await tempDir();
    const [gatelodgePort, port] = [await freePort(), await freePort()];
    gatelodge = await startGatelodge({
      yaml: `listen: {port: ${gatelodgePort}}\ncompat: {jwthenticator: {internal: trusted}}\n`,
      ready: gatelodgePort,
    });
    await copyRecipes(directory.path, {
      ...{ tlsPort: await freePort(), plainPort: await freePort(), gatelodgePort, applicationPort: gatelodgePort },
      socketDirectory: directory.path,
    });
    nginx = await startNginx(directory.path, site(port, gatelodgePort), port);
    direct = `http://127.0.0.1:${gatelodgePort}/jwthenticator`;
    origin = `http://127.0.0.1:${port}`;
  });
  afterAll(async () => {
    await nginx?.stop();
    await gatelodge?.stop();
    await directory?.remove();
  });

  test.each(['ours', 'bare', 'usual', 'appended'])('nobody registers a key through it: /%s/', async (location) => {
    const mount = `${origin}/${location}/jwthenticator`;
    for (const headers of [
      {},
      { 'x-forwarded-for': '' },
      { 'x-forwarded-for': '127.0.0.1' },
      { connection: 'close, x-forwarded-for' },
    ]) {
      for (const call of ['register_key', 'is_key_registered', 'x/../register_key', '%72egister_key']) {
        const answer = await ask(`${mount}/${call}`, { method: 'POST', body: KEY, headers });
        expect([call, answer.status]).toEqual([call, 403]);
      }
    }
    expect((await ask(`${mount}/authenticate`, { method: 'POST', body: KEY })).status).toBe(401);
    expect((await ask(`${mount}/health`)).status).toBe(200);
  });

  test('a program on the machine does, and is let in through nginx', async () => {
    expect((await ask(`${direct}/register_key`, { method: 'POST', body: KEY })).status).toBe(201);
    expect((await ask(`${origin}/ours/jwthenticator/authenticate`, { method: 'POST', body: KEY })).status).toBe(200);
  });
});
