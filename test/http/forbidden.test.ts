import { afterEach, describe, expect, it } from 'vitest';
import { PASSWORD, type PublicStand, publicStand, type StandOptions } from './public-stand.ts';
import { csrfField, ORIGIN, visitor } from './visitor.ts';

const RD = 'https://app.example.com/reports?a=1&b=%26';
const ASKED = `/gate/forbidden?reason=role-missing&rd=${encodeURIComponent(RD)}`;
const BOB = { username: 'bob', name: '', email: '', roles: [], groups: [], networks: [] };
let stand: PublicStand;
const open = async (options?: StandOptions) => {
  stand = await publicStand(options);
  return visitor(stand);
};
afterEach(() => stand.close());

describe('the page about a refusal', () => {
  it('names the account and leads through another login back to the same URL', async () => {
    const person = await open();
    await person.logIn();
    const response = await person.get(ASKED);
    const page = await response.text();
    expect(response.status).toBe(403);
    expect(page).toContain('<strong>alice</strong> (Alice A.)');
    expect(page).toContain(`<a href="${RD.replaceAll('&', '&amp;')}">`);
    const [, href = ''] = /<a class="button" href="([^"]+)">Sign in with another account</.exec(page) ?? [];
    expect(href).toBe(`https://auth.example.com/gate/login?prompt=login&amp;rd=${encodeURIComponent(RD)}`);

    const form = await (await person.get(new URL(href.replaceAll('&amp;', '&')).href.slice(ORIGIN.length))).text();
    expect(form).toContain('You are signed in as <strong>alice</strong>.');
    await stand.store.users.insert('usr_bob', { ...BOB, passwordHash: stand.alice.passwordHash }, stand.now());
    const alice = person.cookies.get('__Host-gatelodge') ?? '';
    const fields = { csrf: csrfField(form), username: 'bob', password: PASSWORD, rd: RD };
    expect((await person.post('/gate/login', fields)).headers.get('location')).toBe(RD);
    expect(await (await person.get('/gate/')).text()).toContain('<strong>bob</strong>');
    expect(await stand.sessions.find([alice])).toBeNull();
  });

  it('offers to sign in where nobody is signed in, and names nobody', async () => {
    const person = await open();
    const page = await (await person.get(ASKED)).text();
    expect(page).not.toContain('alice');
    expect(page).toContain(
      `<a class="button" href="https://auth.example.com/gate/login?prompt=login&amp;rd=${encodeURIComponent(RD)}">Sign in</a>`,
    );
  });

  it.each([
    ['rate-limited', 429],
    ['store-unavailable', 503],
    ['overloaded', 503],
    ['deny-rule', 403],
    ['nonsense', 403],
    ['<b>', 403],
  ])('says of %s what it is, with status %s', async (reason, status) => {
    const person = await open();
    await person.logIn();
    const response = await person.get(`/gate/forbidden?reason=${reason}`);
    const page = await response.text();
    expect(response.status).toBe(status);
    expect(page).not.toContain('<b>');
    // Another account does not help where the service is busy, or nobody may.
    expect(page.includes('Sign in with another account')).toBe(status === 403 && reason !== 'deny-rule');
    expect(page.includes('alice')).toBe(status === 403 && reason !== 'deny-rule');
  });

  it('leads nowhere that login does not lead', async () => {
    const person = await open();
    await person.logIn();
    for (const rd of ['https://evil.test/', 'javascript:alert(1)', '//evil.test', '/gate/logout']) {
      const page = await (await person.get(`/gate/forbidden?rd=${encodeURIComponent(rd)}`)).text();
      expect(page).not.toContain(`href="${rd}`);
      expect(page).toContain('href="https://auth.example.com/gate/login?prompt=login"');
      expect(page).not.toContain('Try again');
    }
  });
});

describe('own name and logo', () => {
  const logo = 'data:image/svg+xml;base64,PHN2Zy8+';

  it('stand on every page, escaped, and in its title', async () => {
    const person = await open({ configuration: { branding: { name: 'Tea & <Co>' } }, logo });
    await person.logIn();
    for (const path of ['/gate/', '/gate/logout', '/gate/login?prompt=login', '/gate/forbidden', '/gate/nothing']) {
      const response = await person.get(path);
      const page = await response.text();
      expect(page, path).toContain(' · Tea &amp; &lt;Co&gt;</title>');
      expect(page, path).toContain(`<img src="${logo}" alt="" height="40"><span>Tea &amp; &lt;Co&gt;</span>`);
      expect(response.headers.get('content-security-policy'), path).toMatch(/default-src 'none';.*img-src data:;/);
    }
  });

  it('of which the logo alone is read out', async () => {
    const person = await open({ logo });
    expect(await (await person.get('/gate/login')).text()).toContain('alt="Logo"');
  });
});
