import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FrontServerStack, startFrontServerStack } from '../../support/front-server-stack.ts';
import { ALICE } from '../../support/people.ts';
import { missing } from '../../support/skip.ts';
import { haproxyRecipe } from './haproxy-recipe.ts';

/** A masked text frame with `hello` in it, and the answer to it (RFC 6455 section 5.2). */
const HELLO = Buffer.from('81850000000068656c6c6f', 'hex');
const ECHO = Buffer.from('810568656c6c6f', 'hex');

// HAProxy offers WebSocket over HTTP/2 (RFC 8441), and browsers take it: a CONNECT that must be asked about like any other request.
describe.each(['haproxy', 'haproxy-2.8'].filter((program) => !missing('openssl', program)))(
  '%s: WebSocket over HTTP/2',
  (program) => {
    let stack: FrontServerStack;
    let session: ClientHttp2Session;
    beforeAll(async () => {
      stack = await startFrontServerStack(haproxyRecipe(program, 'minimal'));
      session = connect(`https://127.0.0.1:${stack.port}`, {
        rejectUnauthorized: false,
        servername: 'app.example.com',
      });
      const [settings] = await once(session, 'remoteSettings');
      expect(settings.enableConnectProtocol).toBe(true);
    });
    afterAll(async () => {
      session?.destroy();
      await stack?.stop();
    });
    beforeEach(() => {
      stack.application.requests.length = 0;
    });

    const open = (headers: Readonly<Record<string, string>>) =>
      session.request(
        {
          ':method': 'CONNECT',
          ':protocol': 'websocket',
          ':scheme': 'https',
          ':authority': `app.example.com:${stack.port}`,
          ':path': '/ws?x=1',
          'sec-websocket-version': '13',
          ...headers,
        },
        { endStream: false },
      );

    test('without a credential it is 401, and the application is not reached', async () => {
      const stream = open({ 'x-auth-user': 'forged' });
      stream.on('error', () => undefined);
      const [headers] = await once(stream, 'response');
      expect(headers[':status']).toBe(401);
      stream.close();
      expect(stack.application.requests).toEqual([]);
    });

    test('with one it is open', async () => {
      const key = (await stack.gatelodge.run('keys', 'create', '--user', ALICE.username, '--name', 'h2')).trim();
      const stream = open({ 'x-api-key': key });
      const [headers] = await once(stream, 'response');
      expect(headers[':status']).toBe(200);
      stream.write(HELLO);
      const [echoed] = await once(stream, 'data');
      expect(echoed).toEqual(ECHO);
      stream.close();
      expect(stack.application.requests[0]).toMatchObject({
        method: 'GET',
        url: '/ws?x=1',
        headers: { 'x-auth-user': ['alice'] },
      });
    });
  },
);
