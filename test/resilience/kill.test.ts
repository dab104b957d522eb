import { expect, it } from 'vitest';
import { serve, underLoad } from './kill-stage.ts';
import { createLedger, differences, tally } from './ledger.ts';

it('kill -9 loses nothing that was acknowledged', async () => {
  const stage = await serve();
  const ledger = createLedger();
  for (let times = 0; times < 2; times += 1) {
    const counts = await underLoad(stage, ledger, async (administrator) => {
      await Promise.all([stage.halt('SIGKILL'), administrator.stop('SIGKILL')]);
    });
    // Some were under way.
    expect(counts['broken']).toBeGreaterThan(0);
    await stage.start();
    console.log(counts, tally(ledger));
    expect(await differences(stage.base, ledger, stage.run)).toEqual([]);
  }
  expect(tally(ledger)['sessions ended']).toBeGreaterThan(4);
  expect(tally(ledger)['keys ended']).toBeGreaterThan(4);
}, 120_000);
