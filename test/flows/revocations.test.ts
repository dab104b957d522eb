import { expect, it } from 'vitest';
import { GatelodgeError } from '../../src/domain/errors.ts';
import { createRevocations } from '../../src/flows/revocations.ts';

const token = (tokenId: string) => ({ tokenId, familyId: 'family' });

/** A list of which each page has to be waited for, if `gate` says so. */
function listOf(ids: string[]) {
  const list = {
    ids,
    reads: 0,
    gate: Promise.resolve() as Promise<unknown>,
    async listLive(_now: number, after: string, limit: number) {
      list.reads += 1;
      const page = list.ids
        .filter((id) => id > after)
        .sort()
        .slice(0, limit);
      await list.gate;
      return page;
    },
  };
  return list;
}

it('knows by token and by family, and asks nobody once it has read', async () => {
  const list = listOf(['t1', 'another family']);
  const revocations = createRevocations({ store: list, clock: () => 0 });
  await revocations.reload();
  const { reads } = list;
  expect(revocations.isRevoked(token('t1'))).toBe(true);
  expect(revocations.isRevoked(token('t2'))).toBe(false);
  expect(revocations.isRevoked({ tokenId: 't3', familyId: 'another family' })).toBe(true);
  revocations.add('family');
  expect(revocations.isRevoked(token('t2'))).toBe(true);
  expect(list.reads).toBe(reads);
});

it('reads many, page by page', async () => {
  const list = listOf(Array.from({ length: 5_001 }, (_, index) => `t${index}`));
  const revocations = createRevocations({ store: list, clock: () => 0 });
  await revocations.reload();
  expect(revocations.size).toBe(5_001);
  expect(list.reads).toBe(4);
});

it('lets nobody in by what it knew, where changes were missed', async () => {
  const list = listOf([]);
  const revocations = createRevocations({ store: list, clock: () => 0 });
  await revocations.reload();
  expect(revocations.isRevoked(token('t1'))).toBe(false);
  list.ids = ['t1'];
  const reloaded = revocations.reload();
  const asked = revocations.isRevoked(token('t1'));
  expect(asked).toBeInstanceOf(Promise);
  expect(await asked).toBe(true);
  await reloaded;
});

it('reads again what was missed while it was reading', async () => {
  const list = listOf([]);
  const revocations = createRevocations({ store: list, clock: () => 0 });
  const opened = Promise.withResolvers<void>();
  list.gate = opened.promise;
  const first = revocations.reload();
  // Too late for the page that is on its way.
  list.ids = ['t1'];
  const second = revocations.reload();
  opened.resolve();
  await Promise.all([first, second]);
  expect(revocations.isRevoked(token('t1'))).toBe(true);
});

it('keeps what it is told while it reads', async () => {
  const list = listOf([]);
  const revocations = createRevocations({ store: list, clock: () => 0 });
  const opened = Promise.withResolvers<void>();
  list.gate = opened.promise;
  const reading = revocations.reload();
  revocations.add('t1');
  opened.resolve();
  await reading;
  expect(revocations.isRevoked(token('t1'))).toBe(true);
});

it('refuses as long as the list cannot be read, and no longer', async () => {
  const list = listOf([]);
  const revocations = createRevocations({ store: list, clock: () => 0 });
  await revocations.reload();
  list.gate = Promise.reject(new GatelodgeError('store-unavailable', 'away'));
  await expect(revocations.reload()).rejects.toMatchObject({ code: 'store-unavailable' });
  await expect(revocations.isRevoked(token('t1'))).rejects.toMatchObject({ code: 'store-unavailable' });
  list.gate = Promise.resolve();
  expect(await revocations.isRevoked(token('t1'))).toBe(false);
  expect(revocations.isRevoked(token('t1'))).toBe(false);
});

it('lets go of what has expired when it has grown, and goes on answering meanwhile', async () => {
  const list = listOf([]);
  const revocations = createRevocations({ store: list, clock: () => 0 });
  await revocations.reload();
  for (let index = 0; index < 10_000; index += 1) revocations.add(`t${index}`);
  await revocations.trim();
  expect(revocations.size).toBe(10_000);
  revocations.add('one more');
  list.ids = ['one more'];
  const trimmed = revocations.trim();
  expect(revocations.isRevoked(token('t1'))).toBe(true);
  await trimmed;
  expect(revocations.size).toBe(1);
});
