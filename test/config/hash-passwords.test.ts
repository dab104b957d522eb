import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createPasswords } from '../../src/adapters/passwords.ts';
import { hashPlainPasswords } from '../../src/config/hash-passwords.ts';
import { parseHtpasswd, replaceHtpasswdEntry } from '../../src/config/htpasswd.ts';
import { type LoadedConfiguration, loadConfiguration } from '../../src/config/load.ts';
import type { BasicOptions } from '../../src/config/plugin-options.ts';
import { directoryWith, problemsOf } from './loading.ts';

const BCRYPT = '$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy';
const passwords = createPasswords({ concurrency: 2, queue: 64 });

const TEXT = `# the directory
users:
  - {username: alice, password: one}   # plain
  - {username: bob, password: "${BCRYPT}"}
  - username: carol
    password: $\{PW}
  - {username: dave, password_file: pw}
  - {username: eve}
auth_plugins:
  basic:
    users:
      frank: six # plain too
      grace: &shared seven
      henry: *shared
`;

async function hashed(
  mode: number,
): Promise<{ file: string; loaded: LoadedConfiguration; basic: BasicOptions['users'] }> {
  const file = join(directoryWith({ 'gatelodge.yaml': TEXT, pw: 'four\n' }), 'gatelodge.yaml');
  chmodSync(file, mode);
  const loaded = await hashPlainPasswords(await loadConfiguration({ file, env: { PW: 'three' } }), passwords);
  // The only plugin is the built-in basic one.
  const options = loaded.plugins[0]?.options as BasicOptions | undefined;
  return { file, loaded, basic: options?.users };
}

describe('hashPlainPasswords', () => {
  it('puts hashes in the place of passwords, in memory and in the file', async () => {
    const { file, loaded, basic } = await hashed(0o600);
    const users = loaded.configuration?.users ?? [];
    expect(users[1]?.password).toBe(BCRYPT);
    expect(users[4]?.password).toBeUndefined();
    for (const [hash, password] of [
      [users[0]?.password, 'one'],
      [users[2]?.password, 'three'],
      [users[3]?.password, 'four'],
      [basic?.['frank'], 'six'],
      [basic?.['grace'], 'seven'],
      [basic?.['henry'], 'seven'],
    ] as const) {
      expect(hash).toMatch(/^\$argon2id\$/);
      expect(await passwords.verify(hash ?? null, password)).toBe(true);
    }
    const expected = TEXT.replace('password: one', `password: "${users[0]?.password}"`).replace(
      'frank: six',
      `frank: "${basic?.['frank']}"`,
    );
    expect(readFileSync(file, 'utf8')).toBe(expected);
    expect(problemsOf(loaded)).toEqual([
      'warning plain-text-password 13:22 auth_plugins.basic.users.grace',
      'warning plain-text-password 14:14 auth_plugins.basic.users.henry',
    ]);
    expect(Object.isFrozen(loaded.configuration?.users[0])).toBe(true);
    expect(Object.isFrozen(basic)).toBe(true);
  });

  it('does so once: the next load finds nothing more to do', async () => {
    const { file, loaded } = await hashed(0o600);
    const again = await loadConfiguration({ file, env: { PW: BCRYPT } });
    expect(again.configuration?.users[0]).toEqual(loaded.configuration?.users[0]);
  });

  it('keeps hashes in memory where the file cannot be written, and says so once', async () => {
    const { file, loaded, basic } = await hashed(0o444);
    expect(readFileSync(file, 'utf8')).toBe(TEXT);
    expect(loaded.configuration?.users[0]?.password).toMatch(/^\$argon2id\$/);
    expect(basic?.['frank']).toMatch(/^\$argon2id\$/);
    expect(problemsOf(loaded)).toEqual(['warning read-only-file 3:33 users[0].password']);
  });

  it('leaves a configuration alone that has none, or that is none', async () => {
    for (const text of ['log: {}\n', 'nonsense: 1\n', `users: [{username: a, password: "${BCRYPT}"}]\n`]) {
      const loaded = await loadConfiguration({ file: '/nowhere/x.yaml', env: {}, text });
      expect(await hashPlainPasswords(loaded, passwords)).toBe(loaded);
    }
  });
});

describe('htpasswd', () => {
  const ARGON = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$0123456789012345678901234567890123456789012';

  it('reads bcrypt and argon2id entries', () => {
    const { entries, problems } = parseHtpasswd(`\ufeff# c\r\nbob:${BCRYPT}\r\n\r\n  alice:${ARGON}  \n`);
    expect(problems).toEqual([]);
    expect([...entries]).toEqual([
      ['bob', BCRYPT],
      ['alice', ARGON],
    ]);
  });

  it.each([
    ['old:$apr1$hunter2$abc', 'unusable-hash'],
    ['old:{SHA}hunter2', 'unusable-hash'],
    ['old:rqXexS6ZhobKA', 'unusable-hash'],
    ['old:hunter2', 'unusable-hash'],
    ['old:', 'unusable-hash'],
    ['old', 'invalid-value'],
    [`:${BCRYPT}`, 'invalid-value'],
    [`bob:${BCRYPT}`, 'duplicate-name'],
  ])('refuses %s', (line, code) => {
    const { entries, problems } = parseHtpasswd(`bob:${BCRYPT}\n${line}\n`);
    expect([...entries.keys()]).toEqual(['bob']);
    expect(problems).toMatchObject([{ line: 2, code }]);
    expect(problems[0]?.message).not.toContain('hunter2');
  });

  it('replaces one entry and keeps every other byte', () => {
    const text = `# bob:${BCRYPT}\r\n  bob:${BCRYPT} \r\nbobby:${BCRYPT}\r\n`;
    const file = join(directoryWith({ htpasswd: text }), 'htpasswd');
    expect(replaceHtpasswdEntry(file, 'bob', BCRYPT, 'NEW')).toBe('written');
    expect(readFileSync(file, 'utf8')).toBe(`# bob:${BCRYPT}\r\n  bob:NEW \r\nbobby:${BCRYPT}\r\n`);
    expect(replaceHtpasswdEntry(file, 'bob', BCRYPT, 'NEWER')).toBe('unchanged');
    expect(replaceHtpasswdEntry(file, 'nobody', BCRYPT, 'NEWER')).toBe('unchanged');
    chmodSync(file, 0o400);
    expect(replaceHtpasswdEntry(file, 'bobby', BCRYPT, 'NEW')).toBe('read-only');
  });
});
