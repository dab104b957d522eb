import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthenticationPlugin } from '../../src/domain/authentication.ts';
import { mintSecret } from '../../src/domain/secret.ts';
import type { User } from '../../src/domain/user.ts';
import { createSessionPlugin } from '../../src/plugins/session.ts';
import { asked } from '../decision/asking.ts';
import { type PluginStand, pluginStand, says } from './plugin-stand.ts';

const HOUR = 3_600_000;
let stand: PluginStand;
let plugin: AuthenticationPlugin;
let alice: User;
let bob: User;
beforeAll(async () => {
  stand = await pluginStand();
  plugin = createSessionPlugin(stand.context('session'));
  alice = await stand.addUser('alice', { roles: ['r'] });
  bob = await stand.addUser('bob');
});
afterAll(() => stand.close());

const start = async (user: User, remember = false) => (await stand.sessions.start(user, { remember })).cookieValue;
const withCookies = (...values: string[]) =>
  says(plugin, ['cookie', values.map((value) => `gatelodge=${value}`).join('; ')]);

describe('one cookie', () => {
  it('is good, and answered without a promise once it is known', async () => {
    const cookie = `gatelodge=${await start(alice)}`;
    await plugin.authenticate(asked('/', { headers: ['cookie', cookie] }));
    const result = plugin.authenticate(asked('/', { headers: ['cookie', cookie] }));
    expect(result).toMatchObject({
      kind: 'authenticated',
      identity: {
        subject: alice.id,
        userId: alice.id,
        roles: ['r'],
        scopes: null,
        methods: ['session'],
        authenticatedAt: stand.now(),
      },
    });
  });

  it('is nobody’s where it is missing or another one', async () => {
    expect(await says(plugin, [])).toBe('not-responsible');
    expect(await says(plugin, ['cookie', `x=${await start(alice)}; Gatelodge=1; gatelodge_=2`])).toBe(
      'not-responsible',
    );
    expect(await says(plugin, ['x-cookie', `gatelodge=${await start(alice)}`])).toBe('not-responsible');
  });

  it('is stale where it was never one, was changed or is cut off', async () => {
    const good = await start(alice);
    const [id = '', secret = ''] = good.split('.');
    const other = await start(bob);
    const forged = [
      `${id}.${other.split('.')[1]}`,
      `${id}.${secret.slice(0, -1)}`,
      `${id}.`,
      id,
      `.${secret}`,
      `${good}x`,
      `"${good}"`,
      encodeURIComponent(`${good} `),
      mintSecret().text,
      `${mintSecret().id}.${secret}`,
      '',
      "' or 1=1 --",
      '__proto__',
      'x'.repeat(10_000),
    ];
    for (const value of forged) expect(await withCookies(value), value.slice(0, 80)).toBe('session-expired stale');
    expect(await withCookies(good)).toBe('alice');
  });

  it('ends when it is paused for too long, and lives as long as it is used', async () => {
    const paused = await start(alice);
    const used = await start(alice);
    for (let index = 0; index < 4; index += 1) {
      stand.advance(HOUR / 2);
      expect(await withCookies(used)).toBe('alice');
    }
    expect(await withCookies(paused)).toBe('session-expired stale');
    stand.advance(HOUR - 1);
    expect(await withCookies(used)).toBe('alice');
    stand.advance(HOUR);
    expect(await withCookies(used)).toBe('session-expired stale');
  });

  it('ends at its absolute end, whatever it is used for', async () => {
    const cookie = await start(alice);
    const remembered = await start(alice, true);
    for (let index = 0; index < 23; index += 1) {
      stand.advance(HOUR / 2);
      expect(await withCookies(cookie)).toBe('alice');
    }
    stand.advance(HOUR / 2);
    expect(await withCookies(cookie)).toBe('session-expired stale');
    stand.advance(29 * 24 * HOUR);
    expect(await withCookies(remembered)).toBe('alice');
    stand.advance(24 * HOUR);
    expect(await withCookies(remembered)).toBe('session-expired stale');
  });

  it('ends at once with its revocation, its user’s lock and its user', async () => {
    const cookie = await start(alice);
    const ended = await start(alice);
    expect([await withCookies(cookie), await withCookies(ended)]).toEqual(['alice', 'alice']);
    await stand.sessions.end(ended.split('.')[0] ?? '');
    expect([await withCookies(cookie), await withCookies(ended)]).toEqual(['alice', 'session-expired stale']);
    await stand.store.users.setLocked(alice.id, true, stand.now());
    expect(await withCookies(cookie)).toBe('user-locked');
    await stand.store.users.setLocked(alice.id, false, stand.now());
    expect(await withCookies(cookie)).toBe('alice');
    const carol = await stand.addUser('carol');
    const hers = await start(carol);
    expect(await withCookies(hers)).toBe('carol');
    await stand.store.users.delete(carol.id);
    expect(await withCookies(hers)).toBe('session-expired stale');
  });

  it('has the roles of now', async () => {
    const cookie = await start(bob);
    expect(await withCookies(cookie)).toBe('bob');
    await stand.store.users.update(bob.id, { roles: ['new'] }, stand.now());
    expect(await plugin.authenticate(asked('/', { headers: ['cookie', `gatelodge=${cookie}`] }))).toMatchObject({
      identity: { roles: ['new'] },
    });
  });
});

describe('several cookies of the name', () => {
  it('the only good one counts, wherever it stands', async () => {
    const good = await start(alice);
    const bad = mintSecret().text;
    expect(await withCookies(bad, good)).toBe('alice');
    expect(await withCookies(good, bad, '')).toBe('alice');
    expect(await says(plugin, ['cookie', `gatelodge=${bad}`, 'Cookie', `gatelodge=${good}`])).toBe('alice');
    expect(await withCookies(bad, mintSecret().text)).toBe('session-expired stale');
  });

  it('two good ones of one user are that user, of two users nobody', async () => {
    const [one, two, other] = [await start(alice), await start(alice), await start(bob)];
    expect(await withCookies(one, two)).toBe('alice');
    expect(await withCookies(one, one)).toBe('alice');
    expect(await withCookies(one, other)).toBe('credentials-rejected');
    expect(await withCookies(other, mintSecret().text, one)).toBe('credentials-rejected');
    expect(await says(plugin, ['cookie', `gatelodge=${one}`, 'cookie', `gatelodge=${other}`])).toBe(
      'credentials-rejected',
    );
  });

  it('a locked user’s does not vanish behind an old one', async () => {
    const dave = await stand.addUser('dave');
    const his = await start(dave);
    await stand.store.users.setLocked(dave.id, true, stand.now());
    expect(await withCookies(mintSecret().text, his)).toBe('user-locked');
  });

  it('more than a browser has are refused, before anything is looked up', async () => {
    const good = await start(alice);
    const many = Array.from({ length: 2_000 }, () => mintSecret().text);
    const result = plugin.authenticate(
      asked('/', { headers: ['cookie', [...many, good].map((value) => `gatelodge=${value}`).join('; ')] }),
    );
    expect(result).toEqual({ kind: 'rejected', reason: 'credentials-rejected' });
  });
});
