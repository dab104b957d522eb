import { expect, it } from 'vitest';
import { attack, checksFor, expectSane, HEAD_GIVEN_UP, serve, until } from './stage.ts';

it('answers checks beside hundreds of requests that come byte by byte, on both listeners, and gives those up in time', async () => {
  const service = await serve();
  expectSane('before', await checksFor(service, 2_000));
  const files = (await service.measure())('process_open_fds');
  const onDecisions = await attack('slow-head', service.decisions, 300);
  const onPages = await attack('slow-head', service.pages, 300);
  const withBody = await attack('slow-body', service.pages, 300);
  expectSane('beside 900 slow requests', await checksFor(service, 5_000));
  await until(() => [onDecisions, onPages].every((one) => one.progress().closed === 300), HEAD_GIVEN_UP);
  expect(onDecisions.progress().answers).toEqual({ 408: 300 });
  await until(() => withBody.progress().closed === 300, 60_000);
  await until(async () => (await service.measure())('process_open_fds') <= files + 8, 20_000);
}, 180_000);
