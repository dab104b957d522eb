import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiKey } from '../../src/domain/api-key.ts';
import type { Store } from '../../src/domain/store.ts';
import type { StoreStage } from './store-contract.ts';
import { alice, keyOf, refreshTokenOf, sessionOf, signingKeyOf } from './store-fixtures.ts';

/** What is put in comes out, here and in every other process. */
export function describeRecords(stage: () => StoreStage): void {
  let store: Store;
  let other: Store;
  beforeEach(() => {
    ({ store, other } = stage());
  });

  describe('users', () => {
    it('gives back what was put in, and finds it by id and by name', async () => {
      const expected = { id: 'usr_1', ...alice, locked: false, source: 'database' };
      expect(await store.users.insert('usr_1', alice, 1_000)).toEqual(expected);
      expect(await other.users.findById('usr_1')).toEqual(expected);
      expect(await other.users.findByUsername('alice')).toEqual(expected);
      expect(await store.users.findById('usr_2')).toBeNull();
      expect(await store.users.findByUsername('Alice')).toBeNull();
      expect(await store.users.findByUsername("' or 1=1 --")).toBeNull();
    });

    it('has a user name once only, on insert and on update', async () => {
      await store.users.insert('usr_1', alice, 1_000);
      await store.users.insert('usr_2', { ...alice, username: 'bob' }, 1_000);
      await expect(other.users.insert('usr_3', alice, 1_000)).rejects.toMatchObject({ code: 'already-exists' });
      await expect(other.users.insert('usr_1', { ...alice, username: 'carol' }, 1_000)).rejects.toMatchObject({
        code: 'already-exists',
      });
      await expect(other.users.update('usr_2', { username: 'alice' }, 2_000)).rejects.toMatchObject({
        code: 'already-exists',
      });
      expect((await store.users.list()).map((user) => user.username)).toEqual(['alice', 'bob']);
      await Promise.allSettled(
        Array.from({ length: 8 }, (_, i) =>
          (i % 2 ? store : other).users.insert(`usr_x${i}`, { ...alice, username: 'dave' }, 1),
        ),
      );
      expect((await store.users.list()).filter((user) => user.username === 'dave')).toHaveLength(1);
    });

    it('changes what is given and nothing else', async () => {
      await store.users.insert('usr_1', alice, 1_000);
      await store.users.insert('usr_2', { ...alice, username: 'bob' }, 1_000);
      expect(await store.users.update('usr_1', { roles: [], passwordHash: null }, 2_000)).toBe(true);
      expect(await store.users.findById('usr_1')).toMatchObject({ ...alice, roles: [], passwordHash: null });
      expect(await store.users.update('usr_1', { username: 'al', name: '', email: '', groups: ['g'] }, 2_000)).toBe(
        true,
      );
      expect(await store.users.findById('usr_1')).toMatchObject({
        username: 'al',
        name: '',
        email: '',
        groups: ['g'],
        roles: [],
      });
      expect(await store.users.findById('usr_2')).toMatchObject({ ...alice, username: 'bob' });
      expect(await store.users.update('usr_9', { name: 'x' }, 2_000)).toBe(false);
      expect(await store.users.update('usr_1', {}, 2_000)).toBe(true);
    });

    it('replaces a password hash only where it is still the expected one', async () => {
      await store.users.insert('usr_1', alice, 1_000);
      expect(await store.users.replacePasswordHash('usr_1', 'old', 'new', 2_000)).toBe(false);
      expect(await store.users.replacePasswordHash('usr_9', '$argon2id$1', 'new', 2_000)).toBe(false);
      expect((await store.users.findById('usr_1'))?.passwordHash).toBe('$argon2id$1');
      const both = [store, other].map((one, i) =>
        one.users.replacePasswordHash('usr_1', '$argon2id$1', `new${i}`, 2_000),
      );
      expect((await Promise.all(both)).filter(Boolean)).toHaveLength(1);
    });

    it('locks and unlocks, strangers too, as often as one likes', async () => {
      await store.users.insert('usr_1', alice, 1_000);
      for (const id of ['usr_1', 'file_admin']) {
        expect(await other.users.isLocked(id)).toBe(false);
        await store.users.setLocked(id, true, 1_000);
        await store.users.setLocked(id, true, 2_000);
        expect(await other.users.isLocked(id)).toBe(true);
      }
      expect((await other.users.findByUsername('alice'))?.locked).toBe(true);
      expect((await other.users.list())[0]?.locked).toBe(true);
      for (const id of ['usr_1', 'file_admin']) {
        await store.users.setLocked(id, false, 3_000);
        await store.users.setLocked(id, false, 3_000);
        expect(await other.users.isLocked(id)).toBe(false);
      }
      expect((await other.users.findById('usr_1'))?.locked).toBe(false);
    });

    it('ends what strangers hold, and nobody else’s', async () => {
      await store.users.insert('usr_1', alice, 1_000);
      for (const user of ['usr_1', 'usr_file', 'usr_left', 'usr_gone']) {
        await store.sessions.insert(sessionOf(`s-${user}`, user));
        if (user === 'usr_gone') continue;
        await store.apiKeys.insert(keyOf(`k-${user}`, user));
        await store.refreshTokens.insert(
          refreshTokenOf(`r-${user}`, { userId: user, familyId: `f-${user}`, accessExpiresAt: 5_000 }),
        );
      }
      const ended = await other.users.forgetStrangers(new Set(['usr_file']), 2_000);
      expect([...ended].sort()).toEqual(['usr_gone', 'usr_left']);
      expect((await store.sessions.listByUser(null)).map(({ userId }) => userId)).toEqual(['usr_1', 'usr_file']);
      expect((await store.apiKeys.list(null)).map(({ userId }) => userId)).toEqual(['usr_1', 'usr_file']);
      expect(await store.refreshTokens.findById('r-usr_left')).toBeNull();
      expect(await store.refreshTokens.findById('r-usr_file')).not.toBeNull();
      expect(await store.revocations.listLive(2_000, '', 10)).toEqual(['f-usr_left']);
      expect(await store.users.forgetStrangers(new Set(['usr_file']), 2_000)).toEqual([]);
    });

    it('takes sessions, keys and the lock with it when it is deleted, and nobody else’s', async () => {
      await store.users.insert('usr_1', alice, 1_000);
      await store.users.setLocked('usr_1', true, 1_000);
      for (const user of ['usr_1', 'usr_2']) {
        await store.sessions.insert(sessionOf(`s-${user}`, user));
        await store.apiKeys.insert(keyOf(`k-${user}`, user));
      }
      expect(await store.users.delete('usr_1')).toBe(true);
      expect(await other.users.findById('usr_1')).toBeNull();
      expect(await other.users.isLocked('usr_1')).toBe(false);
      expect((await other.sessions.listByUser(null)).map((one) => one.id)).toEqual(['s-usr_2']);
      expect((await other.apiKeys.list(null)).map((one) => one.id)).toEqual(['k-usr_2']);
      expect(await store.users.delete('usr_1')).toBe(false);
    });
  });

  describe('sessions', () => {
    it('gives back what was put in', async () => {
      const session = sessionOf('s1', 'usr_1', { idle: 5_000 });
      await store.sessions.insert(session);
      const found = await other.sessions.findById('s1');
      expect(found && { ...found, secretHash: Uint8Array.from(found.secretHash) }).toEqual(session);
      expect(await other.sessions.findById('s2')).toBeNull();
      await expect(other.sessions.insert(session)).rejects.toMatchObject({ code: 'already-exists' });
    });

    it('lists and deletes by user and one by one', async () => {
      for (const [id, user] of [
        ['s1', 'u1'],
        ['s2', 'u1'],
        ['s3', 'u2'],
      ] as const)
        await store.sessions.insert(sessionOf(id, user));
      expect((await other.sessions.listByUser('u1')).map((one) => one.id)).toEqual(['s1', 's2']);
      expect(await other.sessions.listByUser(null)).toHaveLength(3);
      expect(await store.sessions.delete('s1')).toBe(true);
      expect(await other.sessions.delete('s1')).toBe(false);
      expect(await store.sessions.deleteByUser('u1')).toBe(1);
      expect(await store.sessions.deleteByUser('u1')).toBe(0);
      expect((await other.sessions.listByUser(null)).map((one) => one.id)).toEqual(['s3']);
    });

    it('touches many at once and never moves a time back', async () => {
      const ids = Array.from({ length: 1_203 }, (_, i) => `s${i}`);
      for (const id of ids.slice(0, 3)) await store.sessions.insert(sessionOf(id, 'u1', { lastSeenAt: 5_000 }));
      await store.sessions.insert(sessionOf('s1202', 'u1', { lastSeenAt: 5_000 }));
      await store.sessions.insert(sessionOf('apart', 'u1', { lastSeenAt: 5_000 }));
      await store.sessions.touch(new Map(ids.map((id) => [id, id === 's1' ? 4_000 : 9_007_199_254_740_000])));
      await store.sessions.touch(new Map());
      const seen = Object.fromEntries((await other.sessions.listByUser('u1')).map((one) => [one.id, one.lastSeenAt]));
      expect(seen).toEqual({
        s0: 9_007_199_254_740_000,
        s1: 5_000,
        s2: 9_007_199_254_740_000,
        s1202: 9_007_199_254_740_000,
        apart: 5_000,
      });
    });

    it('does not count, and removes, what has reached its absolute or its idle end, and no other', async () => {
      await store.sessions.insert(sessionOf('ended', 'u', { expiresAt: 10_000 }));
      await store.sessions.insert(sessionOf('lives', 'u', { expiresAt: 10_001 }));
      await store.sessions.insert(sessionOf('idle', 'u', { expiresAt: 20_000, idle: 1_000, lastSeenAt: 9_000 }));
      await store.sessions.insert(sessionOf('busy', 'u', { expiresAt: 20_000, idle: 1_000, lastSeenAt: 9_001 }));
      await store.sessions.insert(sessionOf('remembered', 'u', { expiresAt: 20_000, idle: null, lastSeenAt: 0 }));
      expect(await other.sessions.countLive(10_000)).toBe(3);
      expect(await store.sessions.deleteExpired(10_000)).toBe(2);
      expect((await other.sessions.listByUser('u')).map((one) => one.id).sort()).toEqual([
        'busy',
        'lives',
        'remembered',
      ]);
    });
  });

  describe('API keys', () => {
    it('gives back what was put in, lists and deletes', async () => {
      const key = keyOf('k1', 'u1', { expiresAt: 9_000, lastUsedAt: 2_000 });
      await store.apiKeys.insert(key);
      await store.apiKeys.insert(keyOf('k2', 'u2', { scopes: [] }));
      expect(plain(await other.apiKeys.findById('k1'))).toEqual(key);
      expect((await other.apiKeys.findById('k2'))?.scopes).toEqual([]);
      expect(await other.apiKeys.findById('k3')).toBeNull();
      await expect(other.apiKeys.insert(key)).rejects.toMatchObject({ code: 'already-exists' });
      expect((await other.apiKeys.list('u2')).map((one) => one.id)).toEqual(['k2']);
      expect((await other.apiKeys.list(null)).map((one) => one.id)).toEqual(['k1', 'k2']);
      expect(await store.apiKeys.delete('k1')).toBe(true);
      expect(await store.apiKeys.delete('k1')).toBe(false);
      expect((await other.apiKeys.list(null)).map((one) => one.id)).toEqual(['k2']);
    });

    it('keeps every field, and null apart from none', async () => {
      const key = keyOf('k1', 'u1', {
        ...{ roles: ['dev', 'a "b"'], networks: ['10.0.0.0/8', '::1'], createdBy: 'glk_ABCDEFGHIJKLMNOP' },
        ...{ notBefore: 2_000, expiresAt: 9_000, rotatedAt: 1_500, lastUsedAt: 3_000 },
        previous: { secretHash: Uint8Array.of(7, 6), until: 8_000 },
      });
      await store.apiKeys.insert(key);
      await store.apiKeys.insert(keyOf('k2', 'u1', { roles: [] }));
      expect(plain(await other.apiKeys.findById('k1'))).toEqual(key);
      expect(plain(await other.apiKeys.findById('k2'))).toEqual(keyOf('k2', 'u1', { roles: [] }));
    });

    it('rotates only where the expected secret is the present one', async () => {
      const key = keyOf('k1', 'u1');
      await store.apiKeys.insert(key);
      const [next, last] = [Uint8Array.of(1), Uint8Array.of(2)];
      const rotation = { expected: key.secretHash, next, previousUntil: 5_000, at: 2_000 };
      expect(await store.apiKeys.rotate('k2', rotation)).toBe(false);
      expect(await store.apiKeys.rotate('k1', { ...rotation, expected: next })).toBe(false);
      expect(plain(await other.apiKeys.findById('k1'))).toEqual(key);
      expect(await store.apiKeys.rotate('k1', rotation)).toBe(true);
      const previous = { secretHash: key.secretHash, until: 5_000 };
      const rotated = { ...key, secretHash: next, previous, rotatedAt: 2_000 };
      expect(plain(await other.apiKeys.findById('k1'))).toEqual(rotated);
      expect(await other.apiKeys.rotate('k1', rotation)).toBe(false);
      const again = { expected: next, next: last, previousUntil: null, at: 3_000 };
      expect(await other.apiKeys.rotate('k1', again)).toBe(true);
      const ended = { ...key, secretHash: last, previous: null, rotatedAt: 3_000 };
      expect(plain(await store.apiKeys.findById('k1'))).toEqual(ended);
    });

    it('removes what expired by a time, and no other', async () => {
      await store.apiKeys.insert(keyOf('over', 'u1', { expiresAt: 10_000 }));
      await store.apiKeys.insert(keyOf('later', 'u1', { expiresAt: 10_001 }));
      await store.apiKeys.insert(keyOf('never', 'u1'));
      expect(await store.apiKeys.deleteExpired(9_999)).toBe(0);
      expect(await store.apiKeys.deleteExpired(10_000)).toBe(1);
      expect((await other.apiKeys.list(null)).map(({ id }) => id).sort()).toEqual(['later', 'never']);
    });

    it('is rotated by one of several at once', async () => {
      const key = keyOf('k1', 'u1');
      await store.apiKeys.insert(key);
      const tries = Array.from({ length: 10 }, (_, i) => {
        const rotation = { expected: key.secretHash, next: Uint8Array.of(i), previousUntil: null, at: 2_000 };
        return (i % 2 ? store : other).apiKeys.rotate('k1', rotation);
      });
      expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1);
    });

    it('remembers the last use and never moves it back', async () => {
      for (const id of ['k1', 'k2', 'k3'])
        await store.apiKeys.insert(keyOf(id, 'u1', { lastUsedAt: id === 'k2' ? 5_000 : null }));
      await store.apiKeys.touch(
        new Map([
          ['k1', 3_000],
          ['k2', 4_000],
          ['gone', 1],
        ]),
      );
      await store.apiKeys.touch(new Map([['k1', 2_000]]));
      expect((await other.apiKeys.list('u1')).map((one) => one.lastUsedAt)).toEqual([3_000, 5_000, null]);
    });
  });

  /** Its hashes as plain bytes: what class of them a driver returns is its own affair. */
  function plain(key: ApiKey | null): ApiKey | null {
    if (key === null) return null;
    const { previous } = key;
    return {
      ...key,
      secretHash: Uint8Array.from(key.secretHash),
      previous: previous === null ? null : { ...previous, secretHash: Uint8Array.from(previous.secretHash) },
    };
  }

  describe('signing keys', () => {
    it('rotates: the new one signs, the one before verifies until its tokens have expired', async () => {
      expect(await store.signingKeys.rotate(signingKeyOf('a'), { retiredVerifiesUntil: 1, onlyIfNone: false })).toBe(
        true,
      );
      const next = signingKeyOf('b', { createdAt: 2_000 });
      expect(await other.signingKeys.rotate(next, { retiredVerifiesUntil: 7_000, onlyIfNone: false })).toBe(true);
      const keys = (await store.signingKeys.list()).map((key) => ({
        ...key,
        sealedPrivateJwk: Uint8Array.from(key.sealedPrivateJwk),
      }));
      expect(keys).toEqual([next, signingKeyOf('a', { retiredAt: 2_000, verifiesUntil: 7_000 })]);
      await store.signingKeys.rotate(signingKeyOf('c', { createdAt: 3_000 }), {
        retiredVerifiesUntil: 9_000,
        onlyIfNone: false,
      });
      expect((await store.signingKeys.list()).map((key) => [key.kid, key.verifiesUntil])).toEqual([
        ['c', null],
        ['b', 9_000],
        ['a', 7_000],
      ]);
      expect(await store.signingKeys.deleteExpired(6_999)).toBe(0);
      expect(await store.signingKeys.deleteExpired(7_000)).toBe(1);
      expect((await other.signingKeys.list()).map((key) => key.kid)).toEqual(['c', 'b']);
    });

    it('leaves the key of another algorithm signing', async () => {
      await store.signingKeys.rotate(signingKeyOf('ec'), { retiredVerifiesUntil: 1, onlyIfNone: true });
      expect(
        await store.signingKeys.rotate(signingKeyOf('rsa', { algorithm: 'RS256' }), {
          retiredVerifiesUntil: 1,
          onlyIfNone: true,
        }),
      ).toBe(true);
      expect((await store.signingKeys.list()).map((key) => key.retiredAt)).toEqual([null, null]);
    });

    it('leaves the key of another purpose signing', async () => {
      const put = { retiredVerifiesUntil: 1, onlyIfNone: true };
      const identity = signingKeyOf('id', { purpose: 'identity-jwt' });
      expect(await store.signingKeys.rotate(signingKeyOf('at'), put)).toBe(true);
      expect(await store.signingKeys.rotate(identity, put)).toBe(true);
      expect(await store.signingKeys.rotate({ ...identity, kid: 'id2', createdAt: 2_000 }, put)).toBe(false);
      expect(
        await store.signingKeys.rotate({ ...identity, kid: 'id3', createdAt: 3_000 }, { ...put, onlyIfNone: false }),
      ).toBe(true);
      expect((await other.signingKeys.list()).map((key) => [key.kid, key.purpose, key.retiredAt])).toEqual([
        ['id3', 'identity-jwt', null],
        ['at', 'access-token', null],
        ['id', 'identity-jwt', 3_000],
      ]);
    });

    it('agrees on one key where several start together', async () => {
      const tries = Array.from({ length: 10 }, (_, i) =>
        (i % 2 ? store : other).signingKeys.rotate(signingKeyOf(`k${i}`), {
          retiredVerifiesUntil: 1,
          onlyIfNone: true,
        }),
      );
      expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1);
      expect(await store.signingKeys.list()).toHaveLength(1);
    });
  });
}
