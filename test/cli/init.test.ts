import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { place, run } from './run-command.ts';

/** An empty directory. */
function emptyPlace(): string {
  return join(place('').directory, 'new');
}

it('makes a configuration that check is content with, a secret of its own and an administrator', async () => {
  const directory = emptyPlace();
  const file = join(directory, 'gatelodge.yaml');
  const { code, out, err } = await run(['init', directory]);
  expect(code).toBe(0);
  const password = /^ {2}password {3}(\S+)$/m.exec(out)?.[1] ?? '';
  expect(password).toMatch(/^(?:[a-z2-9]{5}-){3}[a-z2-9]{5}$/);
  expect(err).not.toContain(password);
  expect(JSON.parse(err)).toMatchObject({ event: 'user.created', audit: true });
  expect(statSync(join(directory, 'data', 'secret')).mode & 0o777).toBe(0o600);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await run(['check', '-c', file])).toEqual({
    code: 0,
    out: `${file}: 3 rules, 4 tests, no problems\n`,
    err: '',
  });
  const users = JSON.parse((await run(['users', 'list', '--json', '-c', file])).out);
  expect(users).toMatchObject([{ username: 'admin', roles: ['admin'], source: 'database' }]);
});

it('overwrites nothing', async () => {
  const directory = emptyPlace();
  await run(['init', directory, '--yes']);
  const [config, secret] = ['gatelodge.yaml', 'data/secret'].map((name) => readFileSync(join(directory, name), 'utf8'));
  const again = await run(['init', directory, '--yes']);
  expect(again).toMatchObject({ code: 1, out: '' });
  expect(again.err).toContain(join(directory, 'gatelodge.yaml'));
  expect(again.err).toContain('(already-exists)');
  expect(readFileSync(join(directory, 'gatelodge.yaml'), 'utf8')).toBe(config);
  expect(readFileSync(join(directory, 'data', 'secret'), 'utf8')).toBe(secret);
});

it('takes over the data of a service that ran without a configuration', async () => {
  const { directory, run: runHere } = place('');
  await runHere(['users', 'add', 'alice', '--generate']);
  const secret = readFileSync(join(directory, 'data', 'secret'), 'utf8');
  rmSync(join(directory, 'gatelodge.yaml'));
  const { code, out } = await run(['init', directory]);
  expect(code).toBe(0);
  expect(out).toContain(`Kept ${join(directory, 'data')}`);
  expect(out).toContain('no administrator was made');
  expect(readFileSync(join(directory, 'data', 'secret'), 'utf8')).toBe(secret);
});

it('leaves nothing behind where it cannot finish', async () => {
  const directory = emptyPlace();
  mkdirSync(join(directory, 'data'), { recursive: true });
  writeFileSync(join(directory, 'data', 'secret'), 'too short', { mode: 0o600 });
  const { code, err } = await run(['init', directory]);
  expect(code).toBe(1);
  expect(err).toContain('(configuration-invalid)');
  expect(statSync(join(directory, 'gatelodge.yaml'), { throwIfNoEntry: false })).toBeUndefined();
});

it('asks on a terminal for the public URL, until it is one', async () => {
  const directory = emptyPlace();
  const { code, err } = await run(['init', directory], {
    typed: ['javascript:x', 'https://auth.example.com/gate'],
  });
  expect(code).toBe(0);
  expect(err).toContain('Where will browsers reach gatelodge? [http://127.0.0.1:9190]: ');
  expect(err).toContain('no absolute http:// or https:// URL');
  const text = readFileSync(join(directory, 'gatelodge.yaml'), 'utf8');
  expect(text).toContain('public_url: "https://auth.example.com/gate" ');
  expect((await run(['check', '-c', join(directory, 'gatelodge.yaml')])).code).toBe(0);
});
