import { once } from 'node:events';
import { get } from 'node:https';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { logIn } from '../../support/login.ts';
import { ALICE, type NginxStack, type Recipe, startNginxStack } from '../../support/nginx-stack.ts';
import { missing } from '../../support/skip.ts';

describe.skipIf(missing('nginx', 'openssl'))('WebSocket and event streams', () => {
  describe.each<Recipe>(['minimal', 'complete'])('%s.conf', (recipe) => {
    let stack: NginxStack;
    let cookie: string;
    beforeAll(async () => {
      stack = await startNginxStack(recipe);
      cookie = (await logIn(`${stack.pages}/login`, ALICE.username, ALICE.password)).jar.header();
    });
    afterAll(() => stack?.stop());
    beforeEach(() => {
      stack.application.requests.length = 0;
    });

    function open(headers: Readonly<Record<string, string>>): WebSocket {
      return new WebSocket(`wss://app.example.com:${stack.port}/ws`, {
        headers,
        rejectUnauthorized: false,
        // 127.0.0.1 for every name
        lookup: (_host, options, found) =>
          options.all === true ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4),
      });
    }

    test('a session opens a WebSocket, and its messages come back', async () => {
      const socket = open({ cookie });
      await once(socket, 'open');
      socket.send('Grüße');
      const [message] = await once(socket, 'message');
      expect(String(message)).toBe('Grüße');
      expect(stack.application.requests[0]?.headers).toMatchObject({
        'x-auth-user': ['alice'],
        upgrade: ['websocket'],
      });
      socket.close();
      await once(socket, 'close');
    });

    test('without a session it is 401, and the application is not reached', async () => {
      for (const headers of [
        {},
        { cookie: 'gatelodge=x; __Host-gatelodge=x; __Secure-gatelodge=x' },
        { 'x-auth-user': 'alice' },
        { accept: 'text/html', 'sec-fetch-mode': 'websocket' },
      ]) {
        const socket = open(headers);
        const [, response] = await once(socket, 'unexpected-response');
        expect(response.statusCode).toBe(401);
        socket.on('error', () => undefined);
        socket.terminate();
      }
      expect(stack.application.requests).toEqual([]);
    });

    test.runIf(recipe === 'complete')('events arrive one by one', async () => {
      const events: { sent: number; arrived: number }[] = [];
      await new Promise<void>((resolve, reject) => {
        const request = get({
          host: '127.0.0.1',
          port: stack.port,
          servername: 'app.example.com',
          path: '/sse',
          rejectUnauthorized: false,
          headers: { host: 'app.example.com', cookie },
        });
        request.on('error', reject);
        request.on('response', (response) => {
          response.on('data', (chunk: Buffer) => {
            for (const [, sent] of chunk.toString().matchAll(/data: \d+ (\d+)/g))
              events.push({ sent: Number(sent), arrived: Date.now() });
          });
          response.on('end', resolve);
        });
      });
      expect(events).toHaveLength(3);
      // With buffering the first would wait for the last.
      expect(events[0]?.arrived).toBeLessThan(events[2]?.sent ?? 0);
    });
  });
});
