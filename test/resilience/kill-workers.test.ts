import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { childrenOf } from '../support/child-process.ts';
import { ask } from '../support/http-client.ts';
import { serve, underLoad } from './kill-stage.ts';
import { createLedger, differences, tally } from './ledger.ts';
import { startLoad } from './load.ts';
import { until } from './stage.ts';

it('kill -9 of a worker, and of the process that started the workers, loses nothing either', async () => {
  const stage = await serve('workers: 2\n');
  await until(() => stage.output().includes('service.ready'), 30_000);
  const ledger = createLedger();
  const [victim = 0] = childrenOf(stage.pid());
  await underLoad(stage, ledger, async () => {
    process.kill(victim, 'SIGKILL');
    await until(() => stage.output().includes('worker.lost'), 30_000);
    // The other one goes on, then there are two again.
    await until(() => childrenOf(stage.pid()).length === 2, 30_000);
    await sleep(500);
  });
  expect(await differences(stage.base, ledger, stage.run)).toEqual([]);
  const counts = await underLoad(stage, ledger, async (administrator) => {
    await Promise.all([stage.halt('SIGKILL'), administrator.stop('SIGKILL')]);
  });
  await stage.start();
  console.log(counts, tally(ledger));
  expect(await differences(stage.base, ledger, stage.run)).toEqual([]);
}, 240_000);

it('a connection that was on its way to a worker when it died is another one’s, and nobody waits for the dead', async () => {
  const stage = await serve('workers: 2\n');
  await until(() => stage.output().includes('service.ready'), 30_000);
  const lost = () => stage.output().split('worker.lost').length - 1;
  for (let round = 1; round <= 3; round += 1) {
    const load = startLoad(4, async () => {
      await sleep(5);
      const answer = await ask(`${stage.base}/login`).catch(() => null);
      return answer === null ? 'broken' : String(answer.status);
    });
    process.kill(childrenOf(stage.pid())[0] ?? 0, 'SIGKILL');
    await until(() => lost() === round && childrenOf(stage.pid()).length === 2, 30_000);
    await sleep(1_500);
    const { counts, slowest } = await load.stop();
    expect(Object.keys(counts).filter((status) => status !== 'broken')).toEqual(['200']);
    expect(slowest).toBeLessThan(10_000);
  }
}, 240_000);
