import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import argon2 from 'argon2';
import bcrypt from 'bcrypt';
import { describe, expect, it } from 'vitest';
import { classifyPassword, createPasswords } from '../../src/adapters/passwords.ts';
import type { GatelodgeError } from '../../src/domain/errors.ts';

const SALT = 'c29tZXNhbHRzb21lc2FsdA';
const DIGEST = 'A'.repeat(43);
const argon = (parameters: string, version = 'v=19') => `$argon2id$${version}$${parameters}$${SALT}$${DIGEST}`;
const bcryptHash = (version: string, cost: string) => `$2${version}$${cost}$${'a'.repeat(53)}`;

describe('classifyPassword', () => {
  it('knows today’s argon2id and tells any other parameters as outdated', () => {
    expect(classifyPassword(argon('m=19456,t=2,p=1'))).toEqual({ kind: 'argon2id', outdated: false });
    for (const parameters of ['m=4096,t=2,p=1', 'm=65536,t=3,p=4', 'm=19456,t=3,p=1', 'm=262144,t=16,p=16']) {
      expect(classifyPassword(argon(parameters))).toEqual({ kind: 'argon2id', outdated: true });
    }
  });

  it('accepts bcrypt of the three names and costs 4 to 15', () => {
    for (const version of ['a', 'b', 'y'])
      expect(classifyPassword(bcryptHash(version, '12'))).toEqual({ kind: 'bcrypt' });
    for (const cost of ['04', '15']) expect(classifyPassword(bcryptHash('b', cost)).kind).toBe('bcrypt');
    for (const cost of ['03', '16', '31', '99']) expect(classifyPassword(bcryptHash('b', cost)).kind).toBe('unusable');
  });

  it.each([
    ['memory beyond 256 MiB', argon('m=262145,t=2,p=1')],
    ['memory beyond any', argon('m=4294967295,t=2,p=1')],
    ['too many passes', argon('m=19456,t=17,p=1')],
    ['too many lanes', argon('m=19456,t=2,p=17')],
    ['no pass', argon('m=19456,t=0,p=1')],
    ['no lane', argon('m=19456,t=2,p=0')],
    ['less than 8 KiB a lane', argon('m=31,t=2,p=4')],
    ['an old version', argon('m=19456,t=2,p=1', 'v=16')],
    ['another order', argon('m=19456,p=1,t=2')],
    ['argon2id cut off', '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ'],
    ['argon2id with a tiny digest', `$argon2id$v=19$m=19456,t=2,p=1$${SALT}$AAAAAA`],
    ['argon2id and a line break', `${argon('m=19456,t=2,p=1')}\n`],
    ['argon2i', argon('m=19456,t=2,p=1').replace('argon2id', 'argon2i')],
    ['argon2d', argon('m=19456,t=2,p=1').replace('argon2id', 'argon2d')],
    ['bcrypt cut off', '$2b$12$abcdefghijklmnop'],
    ['bcrypt and a line break', `${bcryptHash('b', '12')}\n`],
    ['bcrypt $2x$', bcryptHash('x', '12')],
    ['bcrypt $2$', `$2$12$${'a'.repeat(53)}`],
    ['md5crypt', '$1$salt$abcdefghijklmnopqrstuv'],
    ['sha256crypt', '$5$rounds=5000$salt$abc'],
    ['sha512crypt', '$6$salt$abc'],
    ['apr1', '$apr1$salt$abc'],
    ['yescrypt', '$y$j9T$salt$abc'],
    ['scrypt', '$scrypt$ln=16,r=8,p=1$salt$abc'],
    ['LDAP SHA', '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g='],
    ['LDAP SSHA', '{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g='],
    ['Django', 'pbkdf2_sha256$600000$salt$abc='],
    ['Werkzeug', 'scrypt:32768:8:1$salt$abc'],
  ])('cannot use %s, and says why without the hash', (_name, text) => {
    const kind = classifyPassword(text);
    expect(kind.kind).toBe('unusable');
    expect(kind.kind === 'unusable' && kind.why.length > 10 && !kind.why.includes(SALT)).toBe(true);
  });

  it.each([
    'admin123',
    '',
    '$',
    '$ecret',
    '$100 a month',
    '{curly}',
    'argon2id',
    'pässwörd',
    'a$2b$12$b',
    'scrypt: the movie',
  ])('takes %j for a plain password', (text) => expect(classifyPassword(text)).toEqual({ kind: 'plain' }));
});

describe('createPasswords', () => {
  const passwords = createPasswords({ concurrency: 2, queue: 8 });

  it('writes the PHC string with m, t, p in the reference order and reads it back', async () => {
    const hash = await passwords.hash('admin123');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(classifyPassword(hash)).toEqual({ kind: 'argon2id', outdated: false });
    expect(await passwords.verify(hash, 'admin123')).toBe(true);
    expect(await passwords.verify(hash, 'admin124')).toBe(false);
    expect(await passwords.verify(hash, '')).toBe(false);
    expect(await passwords.hash('admin123')).not.toBe(hash);
  });

  it('reads the reference implementation’s own test vector', async () => {
    const vector = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(await passwords.verify(vector, 'password')).toBe(true);
    expect(await passwords.verify(vector, 'Password')).toBe(false);
  });

  it('takes bytes as they are: no normalisation, no truncation, NUL is a byte', async () => {
    const hash = await passwords.hash('\u00e9\0tail');
    expect(await passwords.verify(hash, '\u00e9\0tail')).toBe(true);
    expect(await passwords.verify(hash, 'e\u0301\0tail')).toBe(false);
    expect(await passwords.verify(hash, '\u00e9')).toBe(false);
    const long = 'x'.repeat(1_024);
    expect(await passwords.verify(await passwords.hash(long), long)).toBe(true);
  });

  it('reads bcrypt under its three names', async () => {
    const hash = await bcrypt.hash('s3cret', 4);
    for (const name of ['$2a$', '$2b$', '$2y$']) {
      expect(await passwords.verify(hash.replace('$2b$', name), 's3cret')).toBe(true);
      expect(await passwords.verify(hash.replace('$2b$', name), 'S3cret')).toBe(false);
    }
  });

  it('believes no bcrypt match beyond 72 bytes or with NUL', async () => {
    const full = 'y'.repeat(72);
    const hash = await bcrypt.hash(full, 4);
    expect(await passwords.verify(hash, full)).toBe(true);
    expect(await bcrypt.compare(`${full}z`, hash)).toBe(true);
    expect(await passwords.verify(hash, `${full}z`)).toBe(false);
    const nul = await bcrypt.hash('abc\0def', 4);
    expect(await bcrypt.compare('abc\0def', nul)).toBe(true);
    expect(await passwords.verify(nul, 'abc\0def')).toBe(false);
  });

  it('is false, never an error, for what is no usable hash', async () => {
    for (const hash of [
      '',
      'admin123',
      '$argon2id$',
      '$argon2id$v=19$m=4294967295,t=2,p=1$AAAAAAAAAAA$AAAAAAAAAAA',
      '$2b$31$x',
      '$1$a$b',
    ]) {
      expect(await passwords.verify(hash, 'admin123')).toBe(false);
    }
    // argon2 would throw on it, and a plain text in a hash's place must never match itself.
    expect(await passwords.verify(`$argon2id$v=19$m=19456,t=2,p=1$${SALT}$`, '')).toBe(false);
  });

  it('costs the same for an unknown user, a wrong password, an endless one and an unusable hash', async () => {
    const hash = await passwords.hash('right');
    const median = async (task: () => Promise<boolean>) => {
      const times: number[] = [];
      for (let i = 0; i < 9; i++) {
        // Processor time, which other programs on the machine take nothing of.
        const start = process.cpuUsage();
        expect(await task()).toBe(false);
        const { user, system } = process.cpuUsage(start);
        times.push(user + system);
      }
      return times.sort((a, b) => a - b)[4] ?? 0;
    };
    const wrong = await median(() => passwords.verify(hash, 'wrong'));
    for (const other of [
      await median(() => passwords.verify(null, 'wrong')),
      await median(() => passwords.verify(hash, 'x'.repeat(1_025))),
      await median(() => passwords.verify('$1$a$b', 'wrong')),
    ]) {
      expect(other).toBeGreaterThan(wrong / 3);
      expect(other).toBeLessThan(wrong * 3);
    }
  });

  it('makes no hash of a password that it would never accept', async () => {
    await expect(passwords.hash('é'.repeat(513))).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('refuses at once beyond the queue, and works again afterwards', async () => {
    const small = createPasswords({ concurrency: 1, queue: 2 });
    const first = [small.verify(null, 'a'), small.hash('b'), small.verify(null, 'c')];
    const settled: string[] = [];
    const working = first[0]?.then(() => settled.push('the first'));
    const refused = [small.verify(null, 'd'), small.hash('e')].map((task) =>
      task.catch((error: GatelodgeError) => settled.push(error.code)),
    );
    await Promise.all([working, ...refused]);
    // At once: before even the one at work was done.
    expect(settled).toEqual(['overloaded', 'overloaded', 'the first']);
    await Promise.all(first);
    expect(await small.verify(await small.hash('f'), 'f')).toBe(true);
  });

  it('has at most `concurrency` at work', async () => {
    const one = createPasswords({ concurrency: 1, queue: 10 });
    const order: number[] = [];
    // The first is by far the slowest: anything beside it would overtake it.
    const slow = await argon2.hash('x', { memoryCost: 131_072, timeCost: 3, parallelism: 1 });
    await Promise.all([slow, null, null].map((hash, index) => one.verify(hash, 'x').then(() => order.push(index))));
    expect(order).toEqual([0, 1, 2]);
  });

  it.runIf(process.platform === 'linux')('hashes on threads that give way to the one that answers', async () => {
    await passwords.verify(null, 'x');
    const threads = readdirSync('/proc/self/task').map(Number);
    const named = threads.filter((thread) =>
      readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').startsWith('libuv-worker'),
    );
    expect(named.map((thread) => getPriority(thread))).toEqual(named.map(() => 10));
    expect(getPriority(process.pid)).toBe(0);
  });
});
