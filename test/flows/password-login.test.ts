import argon2 from 'argon2';
import bcrypt from 'bcrypt';
import { afterEach, describe, expect, it } from 'vitest';
import { classifyPassword, createPasswords } from '../../src/adapters/passwords.ts';
import type { AuditEvent } from '../../src/domain/audit.ts';
import { GatelodgeError } from '../../src/domain/errors.ts';
import type { Passwords } from '../../src/domain/passwords.ts';
import type { User } from '../../src/domain/user.ts';
import { createLoginLimits } from '../../src/flows/login-limits.ts';
import { createPasswordLogin } from '../../src/flows/password-login.ts';
import { createAttemptsInMemory } from '../../src/stores/attempts-in-memory.ts';

const real = createPasswords({ concurrency: 2, queue: 64 });
const user = (fields: Partial<User>): User => ({
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
  ...fields,
});

function stand(users: readonly User[], passwords: Passwords = real, replace?: () => Promise<void>) {
  const replaced: [User, string][] = [];
  const verified: (string | null)[] = [];
  const events: AuditEvent[] = [];
  const limits = createLoginLimits({
    limits: { account: { attempts: 3, window: 1_000, lock: 1_000 }, address: { attempts: 100, window: 1_000 } },
    attempts: createAttemptsInMemory(() => 0),
    audit: () => {},
  });
  const { login } = createPasswordLogin({
    directory: {
      byId: (id) => users.find((one) => one.id === id) ?? null,
      byUsername: (username) => users.find((one) => one.username === username) ?? null,
      list: () => Promise.resolve(users),
      forget: () => {},
      async replacePasswordHash(whose, next) {
        await replace?.();
        replaced.push([whose, next]);
      },
    },
    passwords: {
      hash: (password) => passwords.hash(password),
      verify(hash, password) {
        verified.push(hash);
        return passwords.verify(hash, password);
      },
    },
    limits,
    audit: (event) => events.push(event),
    catchUp: async () => {},
  });
  const tryIt = (username: string, password: string) => login({ username, password, address: null });
  return { login: tryIt, replaced, verified, events };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1_500 && !condition(); i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('logging in with a password', () => {
  it('hashes the same credential once however often it comes at once, and counts it once', async () => {
    const passwordHash = await real.hash('right');
    const { login, verified, events } = stand([user({ passwordHash })]);
    const good = await Promise.all(Array.from({ length: 20 }, () => login('alice', 'right')));
    expect(good.map(({ kind }) => kind)).toEqual(Array.from({ length: 20 }, () => 'ok'));
    expect(verified).toHaveLength(1);
    expect(events.filter(({ event }) => event === 'login.succeeded')).toHaveLength(20);
    // What the limit is for: different passwords at once are as many attempts.
    const guesses = await Promise.all(Array.from({ length: 20 }, (_, at) => login('alice', `guess ${at}`)));
    expect(guesses.filter(({ kind }) => kind === 'limited')).toHaveLength(17);
    expect(verified).toHaveLength(4);
  });

  it('hashes exactly once, whoever asks', async () => {
    const passwordHash = await real.hash('right');
    const { login, verified, events } = stand([
      user({ passwordHash }),
      user({ id: 'usr_2', username: 'locked', locked: true, passwordHash }),
      user({ id: 'usr_3', username: 'none', passwordHash: null }),
    ]);
    expect(await login('alice', 'right')).toMatchObject({ kind: 'ok', user: { id: 'usr_1' } });
    for (const [name, password] of [
      ['alice', 'wrong'],
      ['locked', 'right'],
      ['none', ''],
      ['nobody', 'right'],
    ] as const) {
      expect(await login(name, password)).toEqual({ kind: 'refused' });
    }
    expect(verified).toEqual([passwordHash, passwordHash, passwordHash, null, null]);
    expect(events.map((event) => event.detail?.['reason'])).toEqual([
      undefined,
      'wrong-password',
      'user-locked',
      'wrong-password',
      'unknown-user',
    ]);
  });

  it('lets nobody in who was locked, deleted or given another password while it was hashing', async () => {
    const before = user({ passwordHash: await real.hash('right') });
    const changes: [string, User[]][] = [
      ['right', [{ ...before, locked: true }]],
      ['right', []],
      ['right', [{ ...before, passwordHash: await real.hash('another') }]],
    ];
    for (const [password, after] of changes) {
      const users = [before];
      const slow: Passwords = {
        hash: real.hash,
        async verify(hash, given) {
          const matches = await real.verify(hash, given);
          users.splice(0, 1, ...after);
          return matches;
        },
      };
      expect(await stand(users, slow).login('alice', password)).toEqual({ kind: 'refused' });
    }
  });

  it('lets in whoever’s hash was only made stronger meanwhile', async () => {
    const users = [user({ passwordHash: await real.hash('right') })];
    const stronger = user({ passwordHash: await real.hash('right') });
    const slow: Passwords = {
      hash: real.hash,
      async verify(hash, given) {
        const matches = await real.verify(hash, given);
        users.splice(0, 1, stronger);
        return matches;
      },
    };
    expect(await stand(users, slow).login('alice', 'right')).toEqual({ kind: 'ok', user: stronger });
  });

  it('stops hashing at the limit, and guesses sent at once are no way around it', async () => {
    const { login, verified } = stand([user({ passwordHash: await real.hash('right') })]);
    const guesses = await Promise.all(['a', 'b', 'c', 'd', 'right'].map((guess) => login('alice', guess)));
    expect(guesses.map((guess) => guess.kind)).toEqual(['refused', 'refused', 'refused', 'limited', 'limited']);
    expect(verified).toHaveLength(3);
    expect((await login('alice', 'right')).kind).toBe('limited');
  });

  it('forgets an account’s failures at a success', async () => {
    const { login } = stand([user({ passwordHash: await real.hash('right') })]);
    const kinds: string[] = [];
    for (const password of ['a', 'b', 'right', 'c', 'd', 'right']) kinds.push((await login('alice', password)).kind);
    expect(kinds).toEqual(['refused', 'refused', 'ok', 'refused', 'refused', 'ok']);
  });

  it('gives the attempt back when nothing was found out', async () => {
    let busy = true;
    const passwordHash = await real.hash('right');
    const { login } = stand([user({ passwordHash })], {
      ...real,
      verify: (hash, password) =>
        busy ? Promise.reject(new GatelodgeError('overloaded', 'busy')) : real.verify(hash, password),
    });
    for (let i = 0; i < 5; i += 1) await expect(login('alice', 'right')).rejects.toMatchObject({ code: 'overloaded' });
    busy = false;
    expect((await login('alice', 'right')).kind).toBe('ok');
  });
});

describe('a hash that is not of today', () => {
  afterEach(() => new Promise((resolve) => setTimeout(resolve, 50)));

  it('bcrypt becomes argon2id at a good login', async () => {
    const old = user({ passwordHash: await bcrypt.hash('right', 4) });
    const { login, replaced, events } = stand([old]);
    expect((await login('alice', 'wrong')).kind).toBe('refused');
    expect((await login('alice', 'right')).kind).toBe('ok');
    await until(() => events.length === 3);
    expect(replaced).toHaveLength(1);
    const [whose, next = ''] = replaced[0] ?? [];
    expect(whose).toBe(old);
    expect(classifyPassword(next)).toEqual({ kind: 'argon2id', outdated: false });
    expect(await real.verify(next, 'right')).toBe(true);
    expect(events.at(-1)).toEqual({ event: 'user.password-rehashed', user: 'alice' });
  });

  it('outdated argon2id becomes today’s', async () => {
    const passwordHash = await argon2.hash('right', { memoryCost: 8_192, timeCost: 1, parallelism: 1 });
    const { login, replaced } = stand([user({ passwordHash })]);
    await login('alice', 'right');
    await until(() => replaced.length === 1);
    expect(replaced).toHaveLength(1);
  });

  it('today’s stays', async () => {
    const { login, replaced } = stand([user({ passwordHash: await real.hash('right') })]);
    await login('alice', 'right');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(replaced).toEqual([]);
  });

  it('costs nobody the login where it cannot be replaced', async () => {
    const passwordHash = await bcrypt.hash('right', 4);
    const away = () => Promise.reject(new GatelodgeError('store-unavailable', 'away'));
    expect((await stand([user({ passwordHash })], real, away).login('alice', 'right')).kind).toBe('ok');
    const hanging = () => new Promise<void>(() => {});
    expect((await stand([user({ passwordHash })], real, hanging).login('alice', 'right')).kind).toBe('ok');
    const full = { ...real, hash: () => Promise.reject(new GatelodgeError('overloaded', 'busy')) };
    expect((await stand([user({ passwordHash })], full).login('alice', 'right')).kind).toBe('ok');
  });
});
