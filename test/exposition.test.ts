import { expect, it } from 'vitest';
import { remembering } from '../src/exposition.ts';

it('counts sessions once a minute at most', async () => {
  let now = 1_000;
  let asked = 0;
  const count = remembering(
    async () => {
      asked += 1;
      return asked;
    },
    () => now,
  );
  expect([await count(), await count()]).toEqual([1, 1]);
  now += 59_999;
  expect(await count()).toBe(1);
  now += 1;
  expect(await count()).toBe(2);
});
