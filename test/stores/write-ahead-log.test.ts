import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { shared } from '../../src/stores/write-ahead-log.ts';

/** A disk whose every turn is ended by hand. */
function slowDisk() {
  const turns: PromiseWithResolvers<void>[] = [];
  const flush = shared(() => {
    const one = Promise.withResolvers<void>();
    turns.push(one);
    return one.promise;
  });
  const done: string[] = [];
  const failed: string[] = [];
  const ask = (name: string) =>
    void flush().then(
      () => done.push(name),
      () => failed.push(name),
    );
  return { turns, done, failed, ask };
}

describe('waiting for the disk', () => {
  it('ends when it has done what was there before, not with a turn that was under way', async () => {
    const { turns, done, ask } = slowDisk();
    ask('first');
    ask('late');
    ask('later');
    expect(turns).toHaveLength(1);
    turns[0]?.resolve();
    await turn();
    expect(done).toEqual(['first']);
    // One turn for all who waited.
    expect(turns).toHaveLength(2);
    ask('last');
    expect(turns).toHaveLength(2);
    turns[1]?.resolve();
    await turn();
    expect(done).toEqual(['first', 'late', 'later']);
    turns[2]?.resolve();
    await turn();
    expect(done).toEqual(['first', 'late', 'later', 'last']);
    ask('alone');
    expect(turns).toHaveLength(4);
    turns[3]?.resolve();
    await turn();
    expect(done.at(-1)).toBe('alone');
  });

  it('never succeeds again once it has failed: a kernel forgets what it could not write', async () => {
    const { turns, done, failed, ask } = slowDisk();
    ask('first');
    ask('late');
    turns[0]?.reject(new Error('EIO'));
    await turn();
    ask('later');
    await turn();
    expect(failed).toEqual(['first', 'late', 'later']);
    expect(done).toEqual([]);
    expect(turns).toHaveLength(1);
  });
});
