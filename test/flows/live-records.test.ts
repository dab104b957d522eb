import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mintSecret } from '../../src/domain/secret.ts';
import type { Store } from '../../src/domain/store.ts';
import type { User } from '../../src/domain/user.ts';
import { createLiveSessions } from '../../src/flows/live-records.ts';
import { WireHeaderFields } from '../../src/http/header-fields.ts';
import { accessRequest } from '../../src/http/target.ts';
import type { BuiltInContext } from '../../src/plugins/built-in.ts';
import { createSessionPlugin } from '../../src/plugins/session.ts';
import { openSqliteStore } from '../../src/stores/sqlite.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';

const MINUTE = 60_000;
const alice: User = {
  id: 'usr_1',
  username: 'alice',
  name: '',
  email: '',
  roles: [],
  groups: [],
  networks: [],
  locked: false,
  passwordHash: null,
  source: 'database',
};

let directory: TempDir;
let store: Store;
let now = 1_000_000_000_000;
const clock = () => now;

beforeEach(async () => {
  directory = await tempDir();
  store = await openSqliteStore({ file: join(directory.path, 'gatelodge.db'), clock });
});

afterEach(async () => {
  await store.close();
  await directory.remove();
});

/** One process's view of the sessions, and its plugin. */
function processOf(cookie: string) {
  const sessions = createLiveSessions(store, clock);
  const context = { instance: 'session', clock, sessions, directory: { byId: () => alice }, cookieName: 'gatelodge' };
  // The session plugin takes no more of its context than this.
  const plugin = createSessionPlugin(context as unknown as BuiltInContext);
  const headers = new WireHeaderFields(['Cookie', `gatelodge=${cookie}`]);
  const target = { method: 'GET', scheme: 'https', host: 'app.example.com', port: 443, requestTarget: '/' } as const;
  return { sessions, ask: async () => (await plugin.authenticate(accessRequest(target, headers, () => null))).kind };
}

it('a session that one process sees stays alive in another that has not been asked for long', async () => {
  const { id, text, secretHash } = mintSecret();
  const times = { createdAt: now, authenticatedAt: now, lastSeenAt: now, expiresAt: now + 600 * MINUTE };
  await store.sessions.insert({ id, secretHash, userId: alice.id, idle: 60 * MINUTE, ...times });
  const [busy, quiet] = [processOf(text), processOf(text)];
  expect([await busy.ask(), await quiet.ask()]).toEqual(['authenticated', 'authenticated']);
  for (let asked = 0; asked < 3; asked += 1) {
    now += 30 * MINUTE;
    expect(await busy.ask()).toBe('authenticated');
    await busy.sessions.flush();
  }
  expect(await quiet.ask()).toBe('authenticated');
  now += 61 * MINUTE;
  expect([await busy.ask(), await quiet.ask()]).toEqual(['rejected', 'rejected']);
});

it('notes at most one use a second, and writes it once', async () => {
  const { id, text, secretHash } = mintSecret();
  const times = { createdAt: now, authenticatedAt: now, lastSeenAt: now, expiresAt: now + 600 * MINUTE };
  await store.sessions.insert({ id, secretHash, userId: alice.id, idle: 60 * MINUTE, ...times });
  const { ask, sessions } = processOf(text);
  now += 500;
  await ask();
  await sessions.flush();
  expect((await store.sessions.findById(id))?.lastSeenAt).toBe(times.lastSeenAt);
  now += 600;
  await ask();
  expect((await store.sessions.findById(id))?.lastSeenAt).toBe(times.lastSeenAt);
  await sessions.flush();
  expect((await store.sessions.findById(id))?.lastSeenAt).toBe(now);
});

it('remembers more sessions than those of which it remembers what was made of them, and writes the use of all', async () => {
  const created = { createdAt: now, authenticatedAt: now, lastSeenAt: now, expiresAt: now + 600 * MINUTE };
  let reads = 0;
  const sessions = createLiveSessions(
    {
      ...store,
      sessions: {
        ...store.sessions,
        async findById(id) {
          reads += 1;
          return { id, secretHash: new Uint8Array(32), userId: alice.id, idle: 60 * MINUTE, ...created };
        },
      },
    },
    clock,
  );
  const ids = Array.from({ length: 20_000 }, (_, index) => `session-${index}`);
  for (const id of ids) await sessions.find(id);
  now += 2_000;
  for (const id of ids) {
    // Not a promise: nobody was asked.
    const live = sessions.find(id);
    expect(live !== null && 'record' in live && live.record.id).toBe(id);
    if (live !== null && 'record' in live) sessions.used(live.record);
  }
  expect([reads, sessions.size]).toEqual([20_000, 20_000]);
  const first = ids[0] ?? '';
  await store.sessions.insert({ id: first, secretHash: new Uint8Array(32), userId: alice.id, idle: null, ...created });
  await sessions.flush();
  expect((await store.sessions.findById(first))?.lastSeenAt).toBe(now);
});

it('remembers what was made of a session from the second time on', async () => {
  const { id, text, secretHash } = mintSecret();
  const times = { createdAt: now, authenticatedAt: now, lastSeenAt: now, expiresAt: now + 600 * MINUTE };
  await store.sessions.insert({ id, secretHash, userId: alice.id, idle: 60 * MINUTE, ...times });
  const { ask, sessions } = processOf(text);
  for (let times = 0; times < 2; times += 1) expect(await ask()).toBe('authenticated');
  const live = await sessions.find(id);
  expect(live?.proven).toBe(text.split('.')[1]);
  expect(live?.identity).not.toBeNull();
  expect(await ask()).toBe('authenticated');
  expect(await sessions.find(id)).toBe(live);
});

it('makes nothing of a session that has been let go of', async () => {
  const { id, text, secretHash } = mintSecret();
  const times = { createdAt: now, authenticatedAt: now, lastSeenAt: now, expiresAt: now + 600 * MINUTE };
  await store.sessions.insert({ id, secretHash, userId: alice.id, idle: 60 * MINUTE, ...times });
  const { ask, sessions } = processOf(text);
  expect(await ask()).toBe('authenticated');
  const stale = sessions.find(id);
  sessions.forget(id);
  expect(await sessions.find(id)).not.toBe(await stale);
  await store.sessions.delete(id);
  sessions.forget(null);
  expect(await ask()).toBe('rejected');
});
