import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openCore } from '../../src/compose/core.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import type { Jwthenticator } from '../../src/flows/jwthenticator.ts';
import { createJwthenticator } from '../../src/flows/jwthenticator.ts';
import { openGeneratedRsaKey, openJwthenticatorHashes } from '../../src/flows/jwthenticator-secrets.ts';
import { createJwthenticatorTokens } from '../../src/flows/jwthenticator-tokens.ts';
import { type Place, place } from './run-command.ts';

const NIL = '00000000-0000-0000-0000-000000000000';
const DAY = 86_400_000;
const sha512 = (text: string) => createHash('sha512').update(text).digest('hex');

let at: Place;
let now: number;
let close: () => Promise<void>;
let jwthenticator: Jwthenticator;

/** The service's own side of the same data. */
async function openBeside(): Promise<void> {
  const { configuration } = await loadConfiguration({ file: at.file, env: {} });
  if (configuration === null) throw new Error('does not load');
  const silent = { ...configuration, log: { ...configuration.log, level: 'silent' as const } };
  const core = await openCore({ file: at.file, configuration: silent, plugins: [], clock: () => now });
  close = core.close;
  const { jwthenticator: store } = core.store;
  const key = await openGeneratedRsaKey(store, [core.secret]);
  jwthenticator = createJwthenticator({
    ...{ store, clock: core.clock, audit: () => {}, countGuess: () => 0, keyLifetime: DAY, refreshLifetime: DAY },
    hashes: await openJwthenticatorHashes(store, [core.secret]),
    tokens: createJwthenticatorTokens({ key, lifetime: DAY, audience: [], clock: core.clock }),
  });
}
beforeEach(async () => {
  now = Date.now();
  at = place('compat: {jwthenticator: {}}\n');
  await openBeside();
});
afterEach(() => close());

const json = async (...args: string[]): Promise<Record<string, unknown>[]> =>
  JSON.parse((await at.run(['jwthenticator', ...args, '--json'])).out);
async function refreshTokenOf(key: string): Promise<string> {
  const result = await jwthenticator.authenticate(key, NIL, null);
  if (result.kind !== 'granted') throw new Error(result.kind);
  return result.refreshToken ?? '';
}
const kindOf = async (result: Promise<{ readonly kind: string }>) => (await result).kind;

it('lists keys and refresh tokens, and shows nothing of them', async () => {
  await jwthenticator.registerKey('one key', NIL, null);
  now -= 2 * DAY;
  await jwthenticator.registerKey('an old key', NIL, null);
  now += 2 * DAY;
  const token = await refreshTokenOf('one key');
  const keys = await json('list');
  expect(keys).toMatchObject([
    { id: expect.stringMatching(/^jak_/), identifier: NIL, expired: true, refresh_tokens: 0 },
    { id: expect.stringMatching(/^jak_/), identifier: NIL, expired: false, refresh_tokens: 1 },
  ]);
  const tokens = await json('list', '--refresh-tokens');
  expect(tokens).toMatchObject([{ id: expect.stringMatching(/^jrt_/), key: keys[1]?.['id'], expired: false }]);
  for (const args of [['list'], ['list', '--refresh-tokens']]) {
    const { out, code } = await at.run(['jwthenticator', ...args]);
    expect(code).toBe(0);
    expect(out).toContain('good');
    for (const secret of ['one key', token, sha512('one key')]) expect(out).not.toContain(secret);
  }
});

it('revokes a key with its refresh tokens, or without', async () => {
  for (const [option, left] of [
    [[], 'refused'],
    [['--keep-refresh-tokens'], 'granted'],
  ] as const) {
    await jwthenticator.registerKey('a key', NIL, null);
    const token = await refreshTokenOf('a key');
    const [{ id } = { id: '' }] = await json('list');
    const revoked = await at.run(['jwthenticator', 'revoke', String(id), ...option]);
    expect(revoked).toMatchObject({ code: 0, out: `${id} is revoked\n` });
    expect(revoked.err).toContain('"event":"jwthenticator.revoked"');
    expect(await kindOf(jwthenticator.authenticate('a key', NIL, null))).toBe('refused');
    expect(await jwthenticator.isKeyRegistered('a key')).toBe(false);
    expect(await kindOf(jwthenticator.refresh(token, NIL, null))).toBe(left);
    expect(await at.run(['jwthenticator', 'revoke', String(id)])).toMatchObject({ code: 1, out: '' });
  }
});

it('revokes one refresh token alone', async () => {
  await jwthenticator.registerKey('a key', NIL, null);
  const first = await refreshTokenOf('a key');
  const [{ id } = { id: '' }] = await json('list', '--refresh-tokens');
  const second = await refreshTokenOf('a key');
  expect((await at.run(['jwthenticator', 'revoke', String(id)])).code).toBe(0);
  expect(await kindOf(jwthenticator.refresh(first, NIL, null))).toBe('refused');
  expect(await kindOf(jwthenticator.refresh(second, NIL, null))).toBe('granted');
  expect(await kindOf(jwthenticator.authenticate('a key', NIL, null))).toBe('granted');
});

const time = (milliseconds: number) => new Date(milliseconds).toISOString().slice(0, 23).replace('T', ' ');
const TOKEN = sha512('a refresh token');
/** As `\copy … to … csv header` and sqlite3's `.mode csv` write them. */
const tables = () => ({
  'keys.csv': `id,key_hash,identifier,created,expires_at
1,${sha512('key one')},${NIL},${time(now)},${time(now + DAY)}123
7,"${sha512('ключ')}",${NIL.replaceAll('-', '')},"${time(now)}","${time(now + DAY)}"\r
9,${sha512('old key')},{${NIL}},${time(now)},${time(now - DAY)}
`,
  'tokens.csv': `token,key_id,expires_at\n${TOKEN},7,${time(now + DAY)}+00\n${sha512('another')},1,${time(now + DAY)}\n`,
});

it('brings keys and refresh tokens of that system along, once', async () => {
  const files = place('', tables()).directory;
  const args = ['import', '--keys', `${files}/keys.csv`, '--refresh-tokens', `${files}/tokens.csv`];
  const first = await at.run(['jwthenticator', ...args]);
  expect(first).toMatchObject({ code: 0, out: '3 keys and 2 refresh tokens are here now\n' });
  expect(first.err).toContain('"event":"jwthenticator.imported"');
  expect((await at.run(['jwthenticator', ...args])).out).toBe('3 keys and 0 refresh tokens are here now\n');
  for (const key of ['key one', 'ключ'])
    expect(await kindOf(jwthenticator.authenticate(key, NIL, null))).toBe('granted');
  expect(await kindOf(jwthenticator.authenticate('old key', NIL, null))).toBe('refused');
  expect(await jwthenticator.isKeyRegistered('old key')).toBe(true);
  expect(await kindOf(jwthenticator.refresh(TOKEN, NIL, null))).toBe('granted');
  now += DAY + 1;
  expect(await kindOf(jwthenticator.authenticate('key one', NIL, null))).toBe('refused');
  expect(await kindOf(jwthenticator.refresh(TOKEN, NIL, null))).toBe('refused');
});

it.each([
  ['a hash that is none', 'keys.csv', sha512('ключ'), 'x', 'line 3: key_hash'],
  ['an identifier that is none', 'keys.csv', `{${NIL}}`, 'x', 'line 4: identifier'],
  ['a column that is missing', 'keys.csv', 'expires_at', 'expires', 'line 1: expires_at'],
  ['a key that is missing', 'tokens.csv', ',7,', ',8,', 'line 2: key_id'],
  ['a token that is none', 'tokens.csv', TOKEN, 'x y', 'line 2: token'],
])('brings nothing along where there is %s, and quotes nothing', async (_what, file, text, other, message) => {
  const given = tables();
  const changed = { ...given, [file]: given[file as keyof typeof given].replace(text, other) };
  const files = place('', changed).directory;
  const ran = await at.run([
    ...['jwthenticator', 'import', '--keys', `${files}/keys.csv`, '--refresh-tokens', `${files}/tokens.csv`],
  ]);
  expect(ran).toMatchObject({ code: 1, out: '' });
  expect(ran.err).toContain(message);
  expect(ran.err).not.toContain(TOKEN);
  expect(await json('list')).toEqual([]);
});

it.each([
  [['jwthenticator'], 2, 'expected one of list, revoke, import'],
  [['jwthenticator', 'revoke'], 2, 'is missing'],
  [['jwthenticator', 'revoke', 'jak_nothing'], 1, 'not-found'],
  [['jwthenticator', 'revoke', 'jrt_nothing'], 1, 'not-found'],
  [['jwthenticator', 'revoke', 'x'], 1, 'not-found'],
  [['jwthenticator', 'import'], 2, '--keys is missing'],
  [['jwthenticator', 'import', '--keys', '/nowhere/keys.csv'], 2, 'cannot be read'],
])('refuses %j', async (args, code, message) => {
  const ran = await at.run(args);
  expect(ran).toMatchObject({ code, out: '' });
  expect(ran.err).toContain(message);
});
