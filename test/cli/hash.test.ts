import { expect, it } from 'vitest';
import { run } from './run-command.ts';

it('hashes one line of standard input', async () => {
  const { code, out, err } = await run(['hash'], { stdin: 'correct horse\r\nnever read\n' });
  expect(code).toBe(0);
  expect(err).toBe('');
  expect(out).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[^\n]+\n$/);
  const hash = out.trim();
  expect(await run(['hash', '--verify', hash], { stdin: 'correct horse' })).toEqual({ code: 0, out: 'yes\n', err: '' });
  expect(await run(['hash', '--verify', hash], { stdin: 'correct horse ' })).toEqual({ code: 1, out: 'no\n', err: '' });
});

it('verifies bcrypt, and says why a hash cannot be used', async () => {
  const bcrypt = '$2y$04$YQ3eLkYWYYlbzBA8B1KbOuUXsTqQXJdDvJTUSwNSy3vLyPbdIwsAW';
  expect((await run(['hash', '--verify', bcrypt], { stdin: 'x' })).out).toBe('no\n');
  for (const hash of ['$1$abcdefgh$Wz8eKbXkq0mTPOPgIlmXu1', 'plain', '']) {
    const { code, out, err } = await run(['hash', '--verify', hash], { stdin: 'plain' });
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toContain('the hash cannot be used');
  }
});

it('asks twice on a terminal, and shows nothing of it', async () => {
  const { code, out, err } = await run(['hash'], { typed: ['correct horse', 'correct horse'] });
  expect(code).toBe(0);
  expect(err).toBe('Password: \nAgain: \n');
  expect(await run(['hash', '--verify', out.trim()], { typed: ['correct horse'] })).toEqual({
    code: 0,
    out: 'yes\n',
    err: 'Password: \n',
  });
});

it('loses nothing of what is pasted for both questions', async () => {
  expect((await run(['hash'], { typed: ['correct horse\rcorrect horse'] })).code).toBe(0);
  expect((await run(['hash'], { typed: ['correct horse\rincorrect horse'] })).err).toContain('differ');
});

it.each([
  [{ typed: ['one password', 'another'] }, 'differ'],
  [{ typed: ['', ''] }, 'no password was given'],
  [{ typed: ['half\u0003'] }, 'no password was given'],
  [{ stdin: '' }, 'no password was given'],
  [{ stdin: '\nsecond' }, 'no password was given'],
  [{ stdin: Uint8Array.of(0xff, 0xfe) }, 'no UTF-8'],
  [{ stdin: 'x'.repeat(1_025) }, 'at most 1024 bytes'],
  [{ stdin: 'x'.repeat(10_000) }, 'too long'],
])('refuses %j', async (input, message) => {
  const { code, out, err } = await run(['hash'], input);
  expect(code).toBe(1);
  expect(out).toBe('');
  expect(err).toContain(message);
  expect(err).toContain('(invalid-request)');
});

it('takes no password from the command line', async () => {
  const { code, err } = await run(['hash', 'hunter2'], { stdin: 'x' });
  expect(code).toBe(2);
  expect(err).toContain('Usage: gatelodge hash');
});
