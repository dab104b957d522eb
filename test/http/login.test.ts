import { createHash } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { GatelodgeError } from '../../src/domain/errors.ts';
import type { Store } from '../../src/domain/store.ts';
import { openSqliteStore } from '../../src/stores/sqlite.ts';
import { PASSWORD, type PublicStand, publicStand, type StandOptions } from './public-stand.ts';
import { visitor } from './visitor.ts';

const SESSION = '__Host-gatelodge';
let stand: PublicStand;
const open = async (options?: StandOptions) => {
  stand = await publicStand(options);
  return visitor(stand);
};
afterEach(() => stand.close());

it('shows a form whose policy allows its own style and nothing else', async () => {
  const response = await (await open()).get('/gate/login');
  const page = await response.text();
  expect(response.status).toBe(200);
  const style = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] ?? '';
  const policy = response.headers.get('content-security-policy') ?? '';
  expect(policy).toContain(`style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).toContain("form-action 'self' https://*.example.com");
  expect(policy).not.toContain('unsafe');
  expect(page).not.toMatch(/<script|style="| on\w+=/);
  expect(page).toMatch(/autocomplete="username"[\s\S]*autocomplete="current-password"/);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('referrer-policy')).toBe('same-origin');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
});

it('logs in and goes back to the exact URL', async () => {
  const person = await open();
  const rd = "https://app.example.com/a?b=%2F&c='x'&d=1";
  const page = await (await person.get(`/gate/login?rd=${encodeURIComponent(rd)}`)).text();
  expect(page).toContain('https://app.example.com/a?b=%2F&amp;c=&#39;x&#39;&amp;d=1');
  const response = await person.logIn({ rd });
  expect(response.status).toBe(303);
  expect(response.headers.get('location')).toBe(rd);
  const [cookie = ''] = response.headers.getSetCookie();
  expect(cookie).toMatch(
    /^__Host-gatelodge=[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  );
  expect(await (await person.get('/gate/')).text()).toContain('<strong>alice</strong> (Alice A.)');
  expect(stand.events).toContainEqual({ event: 'login.succeeded', user: 'alice', address: '192.0.2.1' });
});

it.each([undefined, '', 'https://evil.test/', '//evil.test', 'javascript:alert(1)', '/gate/logout'])(
  'goes to the default page where rd is %j',
  async (rd) => {
    const person = await open();
    const response = await person.logIn(rd === undefined ? {} : { rd });
    expect(response.headers.get('location')).toBe('/gate/');
    const again = await person.get(`/gate/login?rd=${encodeURIComponent(rd ?? '')}`);
    expect(again.status).toBe(303);
    expect(again.headers.get('location')).toBe('/gate/');
  },
);

it('redirects at once with a live session, through the same check', async () => {
  const person = await open();
  await person.logIn();
  const plain = await person.get('/gate/login?rd=https://app.example.com/x?a=1&b=2');
  expect(plain.headers.get('location')).toBe('https://app.example.com/x?a=1&b=2');
  // Asked for again, the password is asked for again; what stands inside rd asks for nothing.
  expect((await person.get('/gate/login?prompt=login&rd=https://app.example.com/')).status).toBe(200);
  expect((await person.get('/gate/login?rd=https://app.example.com/?a&prompt=login')).status).toBe(303);
});

it('answers the same to an unknown, a wrong and a locked user, at the same cost', async () => {
  const person = await open();
  const bob = { username: 'bob', name: '', email: '', roles: [], groups: [], networks: [] };
  const passwordHash = stand.alice.passwordHash;
  await stand.store.users.insert('usr_bob', { ...bob, passwordHash }, stand.now());
  await stand.store.users.setLocked('usr_bob', true, stand.now());
  const csrf = await person.csrf('/gate/login');
  const pages: string[] = [];
  for (const [username, password] of [
    ['alice', 'wrong'],
    ['nobody', PASSWORD],
    ['bob', PASSWORD],
    ['bob', 'wrong'],
  ]) {
    const before = stand.verifications();
    const response = await person.post('/gate/login', { csrf, username, password });
    expect(response.status).toBe(401);
    expect(stand.verifications() - before).toBe(1);
    pages.push((await response.text()).replace(`value="${username}"`, 'value="…"'));
  }
  expect(new Set(pages).size).toBe(1);
  expect(pages[0]).toContain('role="alert"');
  expect(person.cookies.has(SESSION)).toBe(false);
  expect(pages[0]).not.toContain(PASSWORD);
});

it('gives the name back escaped, and never the password', async () => {
  const person = await open();
  const name = '"><script>alert(1)</script>';
  const page = await (await person.logIn({ username: name, password: 'my "secret"', rd: '/x?"><b>' })).text();
  expect(page).toContain('value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"');
  expect(page).toContain('value="/x?&quot;&gt;&lt;b&gt;"');
  expect(page).not.toContain('<script');
  expect(page).not.toContain('secret');
});

it('always makes a new session and ends the one sent along', async () => {
  const person = await open();
  await person.logIn();
  const planted = person.cookies.get(SESSION) ?? '';
  await person.logIn();
  const own = person.cookies.get(SESSION) ?? '';
  expect(own.split('.')[0]).not.toBe(planted.split('.')[0]);
  expect(await stand.sessions.find([planted])).toBeNull();
  expect((await stand.sessions.find([own]))?.user.username).toBe('alice');
  // Whoever knows an id alone ends nothing with it.
  const stranger = visitor(stand);
  stranger.cookies.set(SESSION, `${own.split('.')[0]}.${'A'.repeat(43)}`);
  await stranger.logIn();
  expect(await stand.sessions.find([own])).not.toBeNull();
});

it('never takes up a session id that was planted', async () => {
  const person = await open();
  person.cookies.set(SESSION, `${'p'.repeat(16)}.${'s'.repeat(43)}`);
  await person.logIn();
  expect(person.cookies.get(SESSION)).not.toContain('pppp');
});

it('ends what it has begun where the password was changed, or its user locked, meanwhile', async () => {
  for (const change of ['password', 'lock'] as const) {
    let meanwhile: (() => Promise<void>) | null = null;
    let database = '';
    const beforeInserting = (real: Store, file: string): Store => {
      database = file;
      return {
        ...real,
        sessions: {
          ...real.sessions,
          async insert(session) {
            await meanwhile?.();
            await real.sessions.insert(session);
          },
        },
        refreshTokens: {
          ...real.refreshTokens,
          async insert(token) {
            await meanwhile?.();
            await real.refreshTokens.insert(token);
          },
        },
      };
    };
    const person = await open({ store: beforeInserting });
    const { alice } = stand;
    // A command's: nobody is told of what it does until they look.
    const store = await openSqliteStore({ file: database, clock: stand.now });
    meanwhile = async () => {
      // As the commands do: first the change, and then the end of all that there is.
      if (change === 'lock') await store.users.setLocked(alice.id, true, stand.now());
      else await store.users.update(alice.id, { passwordHash: 'another' }, stand.now());
      await store.sessions.deleteByUser(alice.id);
      await store.refreshTokens.revokeByUser(alice.id, stand.now());
    };
    const restore = async () => {
      await store.users.update(alice.id, { passwordHash: alice.passwordHash }, stand.now());
      await store.users.setLocked(alice.id, false, stand.now());
    };
    const answer = await person.logIn();
    expect(answer.status).toBe(401);
    expect(person.cookies.has(SESSION)).toBe(false);
    await restore();
    await stand.store.changes.catchUp();
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ username: 'alice', password: PASSWORD });
    expect((await stand.request('/gate/auth', { method: 'POST', headers, body })).status).toBe(401);
    expect(await store.sessions.listByUser(null)).toEqual([]);
    expect(await store.refreshTokens.statistics(stand.now())).toEqual([]);
    await store.close();
    await stand.close();
  }
  await open();
});

it('remembers who wants to be remembered', async () => {
  const person = await open();
  const response = await person.logIn({ remember: '1' });
  expect(response.headers.getSetCookie()[0]).toContain('Max-Age=2592000;');
  stand.advance(29 * 86_400_000);
  expect((await person.get('/gate/')).status).toBe(200);
  stand.advance(2 * 86_400_000);
  expect((await person.get('/gate/')).headers.get('location')).toBe('/gate/login');
});

it('limits attempts and says when to come back', async () => {
  const limits = { account: { attempts: 2, lock: '10m' } };
  const person = await open({ configuration: { login_limits: limits } });
  await person.logIn({ password: 'wrong' });
  await person.logIn({ password: 'wrong' });
  const before = stand.verifications();
  const limited = await person.logIn();
  expect(limited.status).toBe(429);
  expect(limited.headers.get('retry-after')).toBe('600');
  expect(await limited.text()).toContain('Try again in 10 minutes.');
  expect(stand.verifications()).toBe(before);
  stand.advance(600_000);
  expect((await person.logIn()).status).toBe(303);
});

it('is honest about being overloaded, and keeps what was typed', async () => {
  const person = await open({
    passwords: (real) => ({ ...real, verify: () => Promise.reject(new GatelodgeError('overloaded', 'busy')) }),
  });
  const response = await person.logIn({ rd: 'https://app.example.com/x' });
  expect(response.status).toBe(503);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  const page = await response.text();
  expect(page).toContain('value="alice"');
  expect(page).toContain('value="https://app.example.com/x"');
  expect(stand.failures).toEqual([]);
});

it('lets nobody in where the store is away', async () => {
  const away = () => Promise.reject(new GatelodgeError('store-unavailable', 'disk full'));
  const person = await open({ store: (real) => ({ ...real, sessions: { ...real.sessions, insert: away } }) });
  const response = await person.logIn();
  expect(response.status).toBe(503);
  expect(await response.text()).not.toContain('disk full');
  expect(person.cookies.has(SESSION)).toBe(false);
  expect(stand.failures).toHaveLength(1);
});

it('counts the only valid cookie, and nobody where two users’ are valid', async () => {
  const person = await open();
  await person.logIn();
  const good = person.cookies.get(SESSION) ?? '';
  const dead = `${'d'.repeat(16)}.${'s'.repeat(43)}`;
  const ask = (...values: string[]) =>
    stand.request('/gate/', { headers: { cookie: values.map((value) => `${SESSION}=${value}`).join('; ') } });
  expect((await ask(dead, good, 'x')).status).toBe(200);
  const other = { username: 'eve', name: '', email: '', roles: [], groups: [], networks: [], passwordHash: null };
  const eve = await stand.store.users.insert('usr_eve', other, stand.now());
  const { cookieValue } = await stand.sessions.start(eve, { remember: false });
  expect((await ask(good, cookieValue)).status).toBe(303);
});
