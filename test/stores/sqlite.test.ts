import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openSqliteStore } from '../../src/stores/sqlite.ts';
import { describeStore } from '../contract/store-contract.ts';
import { sessionOf } from '../contract/store-fixtures.ts';

describeStore('SQLite store', async () => {
  const home = await mkdtemp(join(tmpdir(), 'gatelodge-store-'));
  return {
    open: (clock) => openSqliteStore({ file: join(home, 'gatelodge.db'), clock }),
    remove: () => rm(home, { recursive: true }),
  };
});

describe('SQLite file', () => {
  let home: string;
  let file: string;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'gatelodge-store-'));
    file = join(home, 'data', 'gatelodge.db');
  });

  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await rm(home, { recursive: true });
  });

  function start(...args: string[]) {
    const script = fileURLToPath(new URL('./store-process.ts', import.meta.url));
    const child = spawn(process.execPath, [script, file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const nextLine = async () => String((await lines.next()).value);
    return { child, nextLine };
  }

  it('can be read by its owner alone', async () => {
    const store = await openSqliteStore({ file });
    await store.users.setLocked('u1', true, 1);
    expect((await stat(join(home, 'data'))).mode & 0o777).toBe(0o700);
    const names = await readdir(join(home, 'data'));
    expect(names.sort()).toEqual(['gatelodge.db', 'gatelodge.db-shm', 'gatelodge.db-wal']);
    for (const name of names) expect((await stat(join(home, 'data', name))).mode & 0o777).toBe(0o600);
    await store.close();
    await chmod(file, 0o644);
    await (await openSqliteStore({ file })).close();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('is read, and followed, while a write waits for somebody else’s', async () => {
    const store = await openSqliteStore({ file });
    const elsewhere = new DatabaseSync(file);
    await store.sessions.insert(sessionOf('s1', 'u1'));
    const told: unknown[] = [];
    store.changes.follow((change) => told.push(change), 50);
    await store.users.setLocked('u1', true, 1);
    elsewhere.exec(
      "insert into changes (kind, entity_id, origin, changed_at) values ('session', 's0', 'elsewhere', 1); begin immediate",
    );
    try {
      const writing = store.sessions.touch(new Map([['s1', 9_999_999_999_999]]));
      const soon = <T>(answer: Promise<T>) => Promise.race([answer, pause(10_000, 'too late')]);
      expect(await soon(store.sessions.findById('s1'))).toMatchObject({ id: 's1' });
      expect(await soon(store.users.isLocked('u1'))).toBe(true);
      await vi.waitFor(() => expect(told).toContainEqual({ kind: 'session', id: 's0' }), 10_000);
      elsewhere.exec('rollback');
      await writing;
      expect(await store.sessions.findById('s1')).toMatchObject({ lastSeenAt: 9_999_999_999_999 });
    } finally {
      elsewhere.close();
      await store.close();
    }
  });

  it('writes what it acknowledges through to the disk, ahead of other readers', async () => {
    const store = await openSqliteStore({ file });
    const reader = new DatabaseSync(file, { readOnly: true });
    expect({ ...reader.prepare('pragma journal_mode').get() }).toEqual({ journal_mode: 'wal' });
    await store.sessions.insert(sessionOf('s1', 'u1'));
    expect({ ...reader.prepare('select count(*) as n from sessions').get() }).toEqual({ n: 1 });
    reader.close();
    await store.close();
  });

  it('tells what another process changed at the next look, or on a busy machine soon after', async () => {
    const store = await openSqliteStore({ file });
    const told = new Promise<[string | undefined, number]>((resolve) => {
      store.changes.follow((change) => resolve([change?.id, Date.now()]), 500);
    });
    const { nextLine } = start('lock', 'usr_far');
    const [id, at] = await told;
    expect(id).toBe('usr_far');
    expect(at - Number(await nextLine())).toBeLessThan(5_000);
    await store.close();
  });

  it('loses nothing acknowledged when its process is killed in the middle of writing', async () => {
    const { child, nextLine } = start('insert-forever');
    const acknowledged: string[] = [];
    for (let i = 0; i < 200; i++) acknowledged.push(await nextLine());
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = await openSqliteStore({ file });
    const there = new Set((await store.users.list()).map((user) => user.id));
    expect(acknowledged.at(-1)).toBe('usr_199');
    expect(acknowledged.filter((id) => !there.has(id))).toEqual([]);
    // The transaction is whole: every user that is there has its change beside it.
    const raw = new DatabaseSync(file);
    expect({ ...raw.prepare('select count(*) as n from changes').get() }).toEqual({ n: there.size });
    raw.close();
    await store.close();
  });

  it('lets several processes start at once on nothing, and they agree on one signing key', async () => {
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => start('rotate', name).nextLine()));
    expect(answers.sort()).toEqual(['false', 'false', 'false', 'true']);
    const store = await openSqliteStore({ file });
    expect(await store.signingKeys.list()).toHaveLength(1);
    await store.close();
  });

  it.skipIf(process.platform !== 'linux')('keeps its locks when it is opened once more, as a reload does', async () => {
    const store = await openSqliteStore({ file });
    const { ino } = await stat(file);
    const locks = async () =>
      (await readFile('/proc/locks', 'latin1'))
        .split('\n')
        .filter((line) => line.includes(` ${process.pid} `) && line.includes(`:${ino} `)).length;
    expect(await locks()).toBeGreaterThan(0);
    const again = await openSqliteStore({ file });
    expect(await locks()).toBeGreaterThan(0);
    await again.close();
    expect(await locks()).toBeGreaterThan(0);
    await store.close();
  });

  it('keeps its data when it is opened again', async () => {
    for (let i = 0; i < 3; i++) {
      const store = await openSqliteStore({ file });
      await store.sessions.insert(sessionOf(`s${i}`, 'u1'));
      expect(await store.sessions.listByUser('u1')).toHaveLength(i + 1);
      await store.close();
    }
  });

  it('refuses the database of a newer version, and leaves it as it is', async () => {
    await (await openSqliteStore({ file })).close();
    const raw = new DatabaseSync(file);
    const migrations = () => ({ ...raw.prepare('select count(*) as n from kysely_migration').get() })['n'];
    const ours = Number(migrations());
    raw.exec("insert into kysely_migration values ('9999-from-the-future', '2099-01-01T00:00:00.000Z')");
    await expect(openSqliteStore({ file })).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringContaining('newer version'),
    });
    expect(migrations()).toBe(ours + 1);
    raw.close();
  });

  it('refuses what is no database, or cannot be one', async () => {
    await expect(openSqliteStore({ file: home })).rejects.toMatchObject({ code: 'store-unavailable' });
    const text = join(home, 'text.db');
    await writeFile(text, 'this is no database at all, but it is long enough to look like one '.repeat(20));
    await expect(openSqliteStore({ file: text })).rejects.toMatchObject({
      code: 'store-unavailable',
      message: `the database ${text} cannot be opened: file is not a database`,
      cause: expect.any(Error),
    });
  });

  it('fails, and tells its followers to let go, where the database is broken under it', async () => {
    const store = await openSqliteStore({ file });
    const told: unknown[] = [];
    store.changes.follow((change) => told.push(change), 40);
    const raw = new DatabaseSync(file);
    raw.exec('drop table changes');
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(1), 10_000);
    expect(told.every((change) => change === null)).toBe(true);
    await expect(store.users.setLocked('u1', true, 1)).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(await store.users.isLocked('u1')).toBe(false);
    raw.exec('drop table users');
    await expect(store.ping()).rejects.toMatchObject({ code: 'store-unavailable' });
    raw.close();
    await store.close();
  });

  it('takes a list that cannot be read for a failure, not for an empty one', async () => {
    const store = await openSqliteStore({ file });
    const raw = new DatabaseSync(file);
    for (const [id, scopes] of [
      ['k1', ''],
      ['k2', '{}'],
      ['k3', '[1]'],
      ['k4', 'null'],
    ]) {
      const insert = 'insert into api_keys (id, secret_hash, user_id, name, scopes, created_at)';
      raw.prepare(`${insert} values (?, x'00', 'u1', 'n', ?, 1)`).run(String(id), String(scopes));
      await expect(store.apiKeys.findById(String(id))).rejects.toMatchObject({ code: 'store-unavailable' });
    }
    raw.close();
    await store.close();
  });
});
