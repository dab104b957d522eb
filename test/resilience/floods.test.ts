import { expect, it } from 'vitest';
import { ask } from '../support/http-client.ts';
import { attack, checksFor, expectSane, memoryOf, serve } from './stage.ts';

it('answers checks beside a flood of headers that are too large, and keeps none', async () => {
  const service = await serve();
  expectSane('before', await checksFor(service, 1_000));
  const before = await memoryOf(service);
  const flood = await attack('large-head', service.decisions, 64);
  expectSane('beside headers of 80 KB', await checksFor(service, 3_000));
  await flood.stop();
  const { tried, answers } = flood.progress();
  console.log(`${tried} headers of 80 KB`, answers);
  expect(Object.keys(answers)).toEqual(['431']);
  expect(answers['431']).toBeGreaterThan(200);
  // Each takes 64 KB for a moment; all of them together would be hundreds of MB.
  expect((await memoryOf(service)).resident).toBeLessThan(before.resident + 64);
}, 60_000);

it.each([
  ['', ['idle', 'slow-head', 'endless-head', 'slow-body', 'idle-after-use']],
  ['workers: 2\n', ['idle', 'slow-body']],
])(
  'answers checks on every listener where somebody takes all connections that there are (%j)',
  async (more, kinds) => {
    const service = await serve({ openFiles: 768, more });
    for (const port of [service.pages, service.decisions]) {
      for (const kind of kinds) {
        const taking = await attack(kind, port, 700);
        // Half of them on new connections.
        expectSane(`beside 700 connections, ${kind}`, await checksFor(service, 1_000));
        expect((await ask(`http://127.0.0.1:${service.pages}/login`)).status).toBe(200);
        await taking.stop();
      }
    }
    // The database can still be opened once more, and written to.
    expect(await service.run('keys', 'create', '--user', 'alice', '--name', 'x')).toMatch(/^glk_/);
    expect(service.output()).toContain('"connections.full"');
  },
  90_000,
);
