import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { oneATurn } from '../../src/http/one-a-turn.ts';

it('starts who is alone at once, and of those who come together one a turn, in order', async () => {
  const inTurn = oneATurn();
  const started: number[] = [];
  inTurn(() => started.push(0));
  expect(started).toEqual([0]);
  for (const each of [1, 2, 3]) inTurn(() => started.push(each));
  expect(started).toEqual([0]);
  for (const most of [2, 3, 4]) {
    await turn();
    expect(started.length).toBeLessThanOrEqual(most);
  }
  await turn();
  expect(started).toEqual([0, 1, 2, 3]);
  await turn();
  inTurn(() => started.push(4));
  expect(started.at(-1)).toBe(4);
});

it('goes on after one that fails', async () => {
  const inTurn = oneATurn();
  const started: string[] = [];
  expect(() =>
    inTurn(() => {
      throw new Error('broken');
    }),
  ).toThrow('broken');
  inTurn(() => started.push('after'));
  await turn();
  await turn();
  expect(started).toEqual(['after']);
});
