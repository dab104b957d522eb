import { expect, it } from 'vitest';
import { affordable } from './attack.ts';
import { attack, checksFor, expectSane, HEAD_GIVEN_UP, memoryOf, serve, until } from './stage.ts';

/** What readings of resident memory may differ by, in MB. The system takes little back at once, so what counts is what comes on top: 10,000 connections are 90 MB. */
const NOISE = 48;

it('answers checks beside 10,000 idle connections, which are gone in time and leave nothing behind', async () => {
  const service = await serve();
  expectSane('before', await checksFor(service, 2_000));
  const count = affordable(10_000);
  const files = (await service.measure())('process_open_fds');
  const memory = [await memoryOf(service)];
  for (const port of [service.pages, service.decisions]) {
    const idle = await attack('idle', port, count);
    expectSane(`beside ${count} idle connections`, await checksFor(service, 3_000));
    await until(() => idle.progress().closed === count, HEAD_GIVEN_UP);
    await idle.stop();
    await until(async () => (await service.measure())('process_open_fds') <= files + 8, 20_000);
    memory.push(await memoryOf(service));
  }
  console.log('memory in MB, before and after each time', memory);
  const [, once, twice] = memory;
  expect(twice?.resident).toBeLessThan((once?.resident ?? 0) + NOISE);
}, 180_000);
