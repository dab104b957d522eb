import { expect, it } from 'vitest';
import { run } from './run-command.ts';

const COMMANDS = [
  'serve',
  'check',
  'explain',
  'plugins',
  'reload',
  'hash',
  'init',
  'users',
  'keys',
  'sessions',
  'tokens',
  'signing-keys',
];

it.each(COMMANDS)('%s has --help, wherever it stands', async (name) => {
  for (const args of [['--help'], ['-h'], ['list', '--nonsense', '--help']]) {
    const { code, out, err } = await run([name, ...args]);
    expect(code).toBe(0);
    expect(out).toContain(`Usage: gatelodge ${name}`);
    expect(err).toBe('');
  }
});

it('tells every command in its overview', async () => {
  const { code, out } = await run(['--help']);
  expect(code).toBe(0);
  expect([...out.matchAll(/^ {2}([a-z-]+) {2,}\S/gm)].map(([, name]) => name)).toEqual(COMMANDS);
  expect(await run([])).toEqual({ code: 2, out: '', err: out });
});

it.each(['nonsense', 'constructor', '__proto__', '--nonsense'])('knows no command %s', async (name) => {
  const { code, out, err } = await run([name]);
  expect(code).toBe(2);
  expect(out).toBe('');
  expect(err).toContain('there is no command');
});

it.each(COMMANDS)('%s refuses an option that it does not know', async (name) => {
  const sub: Readonly<Record<string, string>> = {
    users: 'list',
    keys: 'list',
    sessions: 'list',
    tokens: 'stats',
    'signing-keys': 'list',
  };
  const words = sub[name] === undefined ? [] : [sub[name]];
  const { code, err } = await run([name, ...words, '--nonsense']);
  expect(code).toBe(2);
  expect(err).toContain('--nonsense');
});

it('names the option that was probably meant', async () => {
  const { code, err } = await run(['users', 'add', 'alice', '--roles', 'user']);
  expect(code).toBe(2);
  expect(err.split('\n')[0]).toBe('gatelodge users: there is no option --roles: did you mean --role?');
  expect((await run(['hash', '--nonsense'])).err.split('\n')[0]).toBe('gatelodge hash: there is no option --nonsense');
});
