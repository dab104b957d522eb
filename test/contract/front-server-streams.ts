import { once } from 'node:events';
import { get } from 'node:https';
import { beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { logIn } from '../support/login.ts';
import { ALICE } from '../support/people.ts';
import { rawRequest } from '../support/raw-request.ts';
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

    test('a WebSocket cannot have headers taken off by naming them in Connection', async () => {
      const lines = [
        'GET /ws HTTP/1.1',
        'Host: app.example.com',
        `Cookie: ${cookie}`,
        'Upgrade: websocket',
        'Connection: X-Auth-User, Upgrade, X-Auth-Roles',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${'a'.repeat(22)}==`,
        '',
        '',
      ];
      const answer = await rawRequest(stack().port, lines.join('\r\n'), {
        servername: 'app.example.com',
        until: '\r\n\r\n',
      });
      expect(answer).toMatch(/^HTTP\/1\.1 101 /);
      expect(stack().application.requests[0]?.headers).toMatchObject({
        'x-auth-user': ['alice'],
        'x-auth-roles': ['user,a%2Cb'],
      });
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
      const events: { sent: number; arrived: number }[] = [];
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
}
