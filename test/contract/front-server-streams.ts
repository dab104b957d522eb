import { once } from 'node:events';
import { get } from 'node:https';
import { beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { logIn } from '../support/login.ts';
import { ALICE } from '../support/people.ts';
import type { Subject } from './front-server-contract.ts';

/** What does not end with an answer. @param events whether the recipe has a place for event streams */
export function describeStreams({ stack }: Subject, events: boolean): void {
  describe('streams', () => {
    let cookie = '';
    beforeAll(async () => {
      cookie = (await logIn(`${stack().pages}/login`, ALICE.username, ALICE.password)).jar.header();
    });

    function open(headers: Readonly<Record<string, string>>): WebSocket {
      return new WebSocket(`wss://app.example.com:${stack().port}/ws`, {
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
      expect(stack().application.requests[0]?.headers).toMatchObject({
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
      expect(stack().application.requests).toEqual([]);
    });

    test.runIf(events)('events arrive one by one', async () => {
      const arrivals: number[] = [];
      await new Promise<void>((resolve, reject) => {
        const request = get({
          host: '127.0.0.1',
          port: stack().port,
          servername: 'app.example.com',
          path: '/sse',
          rejectUnauthorized: false,
          headers: { host: `app.example.com:${stack().port}`, cookie, accept: 'text/event-stream' },
        });
        request.on('error', reject);
        request.on('response', (response) => {
          response.on('data', (chunk: Buffer) => {
            const sent = Number(/data: \d+ (\d+)/.exec(chunk.toString())?.[1]);
            arrivals.push(Date.now() - sent);
          });
          response.on('end', resolve);
        });
      });
      expect(arrivals).toHaveLength(3);
      // With buffering the first would wait 200 ms for the last.
      expect(arrivals[0]).toBeLessThan(90);
    });
  });
}
