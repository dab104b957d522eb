import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { configurationSchema } from '../../src/config/schema.ts';
import type { Store } from '../../src/domain/store.ts';
import { createDirectory, type Directory, fileUserId } from '../../src/flows/directory.ts';
import { openSqliteStore } from '../../src/stores/sqlite.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';

const ALICE = fileUserId('alice');
const BOB = fileUserId('bob');

let home: TempDir;
let store: Store;
let directory: Directory;
/** Readings of the file that are under way, each answered when the test says so. */
let readings: ((hashes: Readonly<Record<string, string>> | null) => void)[];

beforeEach(async () => {
  home = await tempDir();
  store = await openSqliteStore({ file: join(home.path, 'gatelodge.db') });
  readings = [];
  const { users: fileUsers } = configurationSchema.parse({
    users: [
      { username: 'alice', password: 'old of alice' },
      { username: 'bob', password: 'old of bob' },
    ],
  });
  directory = createDirectory({
    fileUsers,
    store: store.users,
    clock: Date.now,
    writeFileHash: null,
    readFileHashes: () =>
      new Promise((resolve) => {
        readings.push((hashes) => resolve(hashes === null ? null : new Map(Object.entries(hashes))));
      }),
  });
});
afterEach(async () => {
  await store.close();
  await home.remove();
});

const hashOf = async (id: string) => (await directory.byId(id))?.passwordHash;
async function answer(index: number, hashes: Readonly<Record<string, string>> | null): Promise<void> {
  await vi.waitFor(() => expect(readings.length).toBeGreaterThan(index));
  readings[index]?.(hashes);
}

it('reads the file once for all whom a change may concern, whoever asks at once', async () => {
  directory.forget(null);
  const asked = Promise.all([hashOf(ALICE), hashOf(BOB), directory.list()]);
  await answer(0, { alice: 'new of alice', bob: 'new of bob' });
  expect((await asked).slice(0, 2)).toEqual(['new of alice', 'new of bob']);
  expect(await hashOf(ALICE)).toBe('new of alice');
  expect(readings).toHaveLength(1);
});

it('believes no reading that began before the newest change, in whatever order they come back', async () => {
  directory.forget(ALICE);
  const first = hashOf(ALICE);
  await vi.waitFor(() => expect(readings).toHaveLength(1));
  directory.forget(ALICE);
  const second = hashOf(ALICE);
  await answer(1, { alice: 'newest' });
  expect(await second).toBe('newest');
  await answer(0, { alice: 'between' });
  expect(await first).toBe('newest');
  directory.forget(BOB);
  const bob = hashOf(BOB);
  await answer(2, { alice: 'newest', bob: 'old of bob' });
  await bob;
  expect(await hashOf(ALICE)).toBe('newest');
});

it('goes on with no old password where the file cannot be read, of the changed user alone', async () => {
  directory.forget(ALICE);
  const asked = hashOf(ALICE);
  await answer(0, null);
  expect(await asked).toBeNull();
  expect(await hashOf(BOB)).toBe('old of bob');
  directory.forget(ALICE);
  const again = hashOf(ALICE);
  await answer(1, { alice: 'new of alice' });
  expect(await again).toBe('new of alice');
});
