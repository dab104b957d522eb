import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Application, startApplication } from '../support/application.ts';
import { freePort } from '../support/free-port.ts';
import {
  type FrontServer,
  type FrontServerStack,
  startFrontServer,
  startFrontServerStack,
} from '../support/front-server-stack.ts';
import { ask } from '../support/http-client.ts';
import { ALICE, basic } from '../support/people.ts';
import { type Misbehaviour, type StandIn, startStandIn } from '../support/stand-in.ts';
import type { FrontServerUnderTest } from './front-server-contract.ts';

const PATHS = ['/', '/api/x', '/public/x', '/health', '/ws', '/sse'];
const VISITORS: readonly Readonly<Record<string, string>>[] = [
  {},
  basic(ALICE),
  { 'sec-fetch-mode': 'navigate', accept: 'text/html' },
  { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'a'.repeat(24) },
];

/** Whatever happens to gatelodge, nobody gets past. */
export function describeFailure({ minimal, complete, traits }: FrontServerUnderTest): void {
  describe('stopped', () => {
    let stack: FrontServerStack;
    beforeAll(async () => {
      stack = await startFrontServerStack(complete);
    });
    afterAll(() => stack?.stop());

    test('everything that needs a decision is refused, public paths too; started again: it works', async () => {
      expect((await ask(`${stack.app}/api/x`, { headers: basic(ALICE) })).status).toBe(200);
      expect(await stack.gatelodge.halt()).toBe(0);
      stack.application.requests.length = 0;
      for (const path of PATHS) {
        for (const headers of VISITORS) {
          expect((await ask(stack.app + path, { headers })).status).toBeGreaterThanOrEqual(500);
        }
      }
      expect(stack.application.requests).toEqual([]);
      expect((await ask(`${stack.pages}/login`)).status).toBeGreaterThanOrEqual(500);
      expect((await ask(`${stack.app}/robots.txt`)).status).toBe(200);

      await stack.gatelodge.start();
      expect((await ask(`${stack.app}/api/x`, { headers: basic(ALICE) })).status).toBe(200);
    });
  });

  describe.each([
    ['minimal', minimal],
    ['complete', complete],
  ])('something else in its place: %s', (_name, recipe) => {
    let standIn: StandIn;
    let application: Application;
    let frontServer: FrontServer;
    let app = '';
    beforeAll(async () => {
      [standIn, application] = [await startStandIn(), await startApplication()];
      const tlsPort = await freePort();
      app = `https://app.example.com:${tlsPort}`;
      frontServer = await startFrontServer(recipe, {
        tlsPort,
        decisionsPort: standIn.port,
        pagesPort: standIn.port,
        applicationPort: application.port,
      });
    });
    afterAll(async () => {
      await frontServer?.stop();
      await standIn?.stop();
      await application?.stop();
    });
    beforeEach(() => {
      application.requests.length = 0;
    });

    test.each<Misbehaviour>(['status-500', 'hangs-up', 'garbage', 'stops-halfway'])('%s: refused', async (how) => {
      standIn.misbehave(how);
      for (const path of PATHS) {
        for (const headers of VISITORS) {
          expect((await ask(app + path, { headers })).status).toBeGreaterThanOrEqual(500);
        }
      }
      expect(application.requests).toEqual([]);
    });

    test('silent: refused after the time that the recipe gives it', { timeout: traits.patience + 20_000 }, async () => {
      standIn.misbehave('silent');
      const begin = Date.now();
      const answers = await Promise.all(
        PATHS.map((path) => ask(app + path, { headers: basic(ALICE), timeout: traits.patience + 5_000 })),
      );
      for (const { status } of answers) expect(status).toBeGreaterThanOrEqual(500);
      expect(Date.now() - begin).toBeLessThan(traits.patience);
      expect(application.requests).toEqual([]);
    });
  });
}
