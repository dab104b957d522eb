import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startApplication } from '../../support/application.ts';
import { freePort, portOf } from '../../support/free-port.ts';
import { ask } from '../../support/http-client.ts';
import { copyRecipes, startNginx } from '../../support/nginx.ts';
import { ALICE, type NginxStack, startNginxStack } from '../../support/nginx-stack.ts';
import { missing } from '../../support/skip.ts';
import { tempDir } from '../../support/temp-dir.ts';

const BASIC = { authorization: `Basic ${Buffer.from(`${ALICE.username}:${ALICE.password}`).toString('base64')}` };

describe.skipIf(missing('nginx', 'openssl'))('when gatelodge does not answer', () => {
  let stack: NginxStack;
  beforeAll(async () => {
    stack = await startNginxStack('complete');
  });
  afterAll(() => stack?.stop());
  beforeEach(() => {
    stack.application.requests.length = 0;
  });

  test('stopped: everything that needs a decision is refused, public paths too; started again: it works', async () => {
    expect((await ask(`${stack.app}/api/x`, { headers: BASIC })).status).toBe(200);
    expect(await stack.gatelodge.halt()).toBe(0);
    stack.application.requests.length = 0;
    for (const path of ['/', '/api/x', '/public/x', '/health', '/ws', '/sse']) {
      for (const headers of [
        {},
        BASIC,
        { 'sec-fetch-mode': 'navigate', accept: 'text/html' },
        { connection: 'upgrade', upgrade: 'websocket' },
      ]) {
        const answer = await ask(stack.app + path, { headers });
        expect(answer.status).toBeGreaterThanOrEqual(500);
      }
    }
    expect(stack.application.requests).toEqual([]);
    expect((await ask(`${stack.pages}/login`)).status).toBe(502);
    expect((await ask(`${stack.app}/robots.txt`)).status).toBe(200);

    await stack.gatelodge.start();
    expect((await ask(`${stack.app}/api/x`, { headers: BASIC })).status).toBe(200);
  });

  test('silent: refused after the time that the recipe gives it', async () => {
    const silent = createServer();
    const open = new Set<Socket>();
    silent.on('connection', (socket) => open.add(socket));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const [directory, application, tlsPort] = [await tempDir(), await startApplication(), await freePort()];
    await copyRecipes(directory.path, {
      tlsPort,
      plainPort: await freePort(),
      gatelodgePort: portOf(silent.address()),
      applicationPort: application.port,
      socketDirectory: directory.path,
    });
    const nginx = await startNginx(directory.path, 'include gatelodge/minimal.conf;', tlsPort);
    try {
      const begin = Date.now();
      const answer = await ask(`https://app.example.com:${tlsPort}/page`, { headers: BASIC });
      expect(answer.status).toBeGreaterThanOrEqual(500);
      expect(Date.now() - begin).toBeLessThan(12_000);
      expect(application.requests).toEqual([]);
    } finally {
      await nginx.stop();
      await application.stop();
      for (const socket of open) socket.destroy();
      silent.close();
      await directory.remove();
    }
  });
});
