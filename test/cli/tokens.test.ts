import { expect, it } from 'vitest';
import { openCore } from '../../src/compose/core.ts';
import { openTokens } from '../../src/compose/decider.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { publicUrlOf } from '../../src/config/public-url.ts';
import { type Place, place } from './run-command.ts';

const YAML = 'users: [{username: alice, locked: false}, {username: bob}]\npublic_url: https://auth.example.com\n';

/** What a service on the same data issues. */
async function grantsOf(at: Place, ...names: string[]) {
  const { configuration } = await loadConfiguration({ file: at.file, env: {} });
  if (configuration === null) throw new Error('the configuration is not sound');
  const sound = { ...configuration, log: { ...configuration.log, level: 'silent' as const } };
  const core = await openCore({ file: at.file, configuration: sound, plugins: [] });
  try {
    await core.signingKeys.ensure();
    const { grants } = openTokens(core, publicUrlOf(configuration));
    const users = await Promise.all(names.map((name) => core.directory.byUsername(name)));
    return await Promise.all(users.map((user) => (user === null ? Promise.reject(new Error()) : grants.grant(user))));
  } finally {
    await core.close();
  }
}

it('counts them by user', async () => {
  const at = place(YAML);
  expect(await at.run(['tokens', 'stats'])).toMatchObject({ code: 0, out: '' });
  const [grant] = await grantsOf(at, 'alice', 'alice', 'bob');
  const stats = JSON.parse((await at.run(['tokens', 'stats', '--json'])).out);
  const day = { refresh_expires_at: expect.any(String), last_issued_at: expect.any(String) };
  expect(stats).toEqual([
    { user: 'alice', logins: 2, access_tokens: 2, access_expires_at: expect.any(String), ...day },
    { user: 'bob', logins: 1, access_tokens: 1, access_expires_at: expect.any(String), ...day },
  ]);
  expect(Math.abs(Date.parse(stats[0].access_expires_at) - (grant?.expiresAt ?? 0))).toBeLessThan(60_000);
  expect((await at.run(['tokens', 'stats'])).out).toMatch(/^USER +LOGINS .*\nalice +2 +2 +20/);
});

it('revokes what comes on standard input, and never takes a token as a word', async () => {
  const at = place(YAML);
  const [one, two] = await grantsOf(at, 'alice', 'alice');
  const revoke = (stdin = '') => at.run(['tokens', 'revoke'], { stdin: `${stdin}\n` });
  expect(await revoke(one?.accessToken)).toMatchObject({ code: 0, out: 'the access-token of alice is revoked\n' });
  expect(await revoke(two?.refreshToken)).toMatchObject({ code: 0, out: 'the refresh-token of alice is revoked\n' });
  expect((await revoke(two?.refreshToken)).err).toContain('(not-found)');
  expect(await at.run(['tokens', 'revoke', one?.refreshToken ?? ''])).toMatchObject({ code: 2 });
  expect(await revoke()).toMatchObject({ code: 1, err: expect.stringContaining('no token was given') });
  expect(JSON.parse((await at.run(['tokens', 'stats', '--json'])).out)).toMatchObject([{ user: 'alice', logins: 1 }]);
});

it('knows the issuer of a service without a public_url that listens elsewhere than usual', async () => {
  const at = place('users: [{username: alice}]\nlisten: [{socket: gate.sock}, {host: localhost, port: 8080}]\n');
  const [one] = await grantsOf(at, 'alice');
  expect(await at.run(['tokens', 'revoke'], { stdin: `${one?.accessToken}\n` })).toMatchObject({ code: 0 });
});

it.each([
  [['tokens', 'revoke', '--user', 'alice'], '2 logins of alice ended\n'],
  [['users', 'lock', 'alice'], 'alice is locked\n'],
])('ends all of a user’s: %j', async (command, out) => {
  const at = place(YAML);
  await grantsOf(at, 'alice', 'alice', 'bob');
  expect(await at.run(command)).toMatchObject({ code: 0, out });
  expect(JSON.parse((await at.run(['tokens', 'stats', '--json'])).out)).toMatchObject([{ user: 'bob', logins: 1 }]);
});
