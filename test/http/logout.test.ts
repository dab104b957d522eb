import { afterEach, beforeEach, expect, it } from 'vitest';
import { type PublicStand, publicStand } from './public-stand.ts';
import { type Visitor, visitor } from './visitor.ts';

const SESSION = '__Host-gatelodge';
let stand: PublicStand;
let person: Visitor;
beforeEach(async () => {
  stand = await publicStand();
  person = visitor(stand);
  await person.logIn();
});
afterEach(() => stand.close());

it('asks first: opening the page ends nothing', async () => {
  const response = await person.get('/gate/logout');
  expect(response.status).toBe(200);
  expect(await response.text()).toContain('<form method="post" action="/gate/logout">');
  expect((await person.get('/gate/')).status).toBe(200);
});

it('ends the session and takes the cookie back', async () => {
  const cookie = person.cookies.get(SESSION) ?? '';
  const response = await person.post('/gate/logout', { csrf: await person.csrf('/gate/') });
  expect(response.status).toBe(303);
  expect(response.headers.get('location')).toBe('/gate/login');
  expect(response.headers.getSetCookie()).toEqual([
    '__Host-gatelodge=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax',
  ]);
  expect(await stand.sessions.find([cookie])).toBeNull();
  expect(await stand.store.sessions.listByUser('usr_alice')).toEqual([]);
  expect(stand.events.at(-1)).toMatchObject({ event: 'logout', user: 'alice', session: cookie.split('.')[0] });
});

it('goes where it may go', async () => {
  const csrf = await person.csrf('/gate/logout?rd=https://app.example.com/bye');
  const good = await person.post('/gate/logout', { csrf, rd: 'https://app.example.com/bye' });
  expect(good.headers.get('location')).toBe('https://app.example.com/bye');
  const bad = await person.post('/gate/logout', { csrf, rd: 'https://evil.test/' });
  expect(bad.headers.get('location')).toBe('/gate/login');
});

it('has nothing to ask nobody', async () => {
  const nobody = visitor(stand);
  expect((await nobody.get('/gate/logout')).headers.get('location')).toBe('/gate/login');
  expect((await nobody.get('/gate/logout?rd=/x')).headers.get('location')).toBe('/x');
  expect((await nobody.get('/gate/')).headers.get('location')).toBe('/gate/login');
  expect((await nobody.get('/gate')).headers.get('location')).toBe('/gate/login');
});
