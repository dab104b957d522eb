import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PASSWORD, type PublicStand, publicStand } from './public-stand.ts';
import { csrfField, type Visitor, visitor } from './visitor.ts';

const SESSION = '__Host-gatelodge';
const CSRF = '__Host-gatelodge-csrf';
let stand: PublicStand;
let person: Visitor;
beforeEach(async () => {
  stand = await publicStand();
  person = visitor(stand);
});
afterEach(() => stand.close());

const credentials = { username: 'alice', password: PASSWORD };

it('keeps the cookie, so that forms in several tabs are all good', async () => {
  const first = await person.csrf('/gate/login');
  const cookie = person.cookies.get(CSRF);
  const again = await person.get('/gate/login');
  expect(again.headers.getSetCookie()).toEqual([]);
  const second = csrfField(await again.text());
  expect(person.cookies.get(CSRF)).toBe(cookie);
  expect((await person.post('/gate/login', { ...credentials, csrf: second })).status).toBe(303);
  expect((await person.post('/gate/login', { ...credentials, csrf: first })).status).toBe(303);
  // A form that was open before the login signs out after it, too.
  expect((await person.post('/gate/logout', { csrf: first })).status).toBe(303);
  expect(person.cookies.has(SESSION)).toBe(false);
});

it('is a cookie that scripts and other sites do not get', async () => {
  const [cookie] = (await person.get('/gate/login')).headers.getSetCookie();
  expect(cookie).toMatch(/^__Host-gatelodge-csrf=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
});

it('replaces a cookie that has not our form', async () => {
  person.cookies.set(CSRF, 'x');
  const csrf = await person.csrf('/gate/login');
  expect(person.cookies.get(CSRF)).toMatch(/^[\w-]{22}$/);
  expect((await person.post('/gate/login', { ...credentials, csrf })).status).toBe(303);
});

describe.each(['/gate/login', '/gate/logout'])('POST %s', (path) => {
  const refused = async (fields: Record<string, string | undefined>, headers: Record<string, string> = {}) => {
    const response = await person.post(path, { ...credentials, ...fields }, headers);
    expect(response.status).toBe(403);
    expect(response.headers.getSetCookie().filter((line) => line.startsWith(`${SESSION}=`))).toEqual([]);
    return response;
  };

  beforeEach(async () => {
    await person.logIn();
  });
  afterEach(async () => {
    // Whatever was tried: the session that was there still is.
    expect(await stand.sessions.find([person.cookies.get(SESSION) ?? ''])).not.toBeNull();
  });

  it('refuses a form without the field, with a wrong one, or one of another browser', async () => {
    const own = await person.csrf('/gate/logout');
    const other = await visitor(stand).csrf('/gate/login');
    await refused({ csrf: undefined });
    await refused({ csrf: '' });
    await refused({ csrf: `${own}A` });
    await refused({ csrf: own.slice(0, -1) });
    await refused({ csrf: other });
    // The cookie's own value is no proof: only we can make the field from it.
    const page = await refused({ csrf: person.cookies.get(CSRF) });
    // The page that says so has a form that is good.
    const csrf = csrfField(await page.text());
    expect(csrf).toBe(own);
  });

  it('refuses a form without the cookie', async () => {
    const csrf = await person.csrf('/gate/logout');
    person.cookies.delete(CSRF);
    await refused({ csrf });
  });

  it.each([
    { origin: 'https://evil.test' },
    { origin: 'https://app.example.com' },
    { origin: 'http://auth.example.com' },
    { origin: 'https://auth.example.com:8443' },
    { origin: 'https://auth.example.com.evil.test' },
    { origin: 'null' },
    { origin: '' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ])('refuses %j even with a good pair', async (headers) => {
    const csrf = await person.csrf('/gate/logout');
    const response = await refused({ csrf }, headers as Record<string, string>);
    expect(await response.text()).toContain('https://auth.example.com');
  });
});

it('takes what an old browser sends: neither Origin nor Sec-Fetch-Site', async () => {
  const csrf = await person.csrf('/gate/login');
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    cookie: `${CSRF}=${person.cookies.get(CSRF)}`,
  };
  const body = new URLSearchParams({ ...credentials, csrf });
  const response = await stand.request('/gate/login', { method: 'POST', headers, body });
  expect(response.status).toBe(303);
});

it('takes what a new one sends', async () => {
  const csrf = await person.csrf('/gate/login');
  const response = await person.post('/gate/login', { ...credentials, csrf }, { 'sec-fetch-site': 'same-origin' });
  expect(response.status).toBe(303);
});
