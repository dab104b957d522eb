import { describe, expect, test } from 'vitest';
import { ask } from '../support/http-client.ts';
import { logIn } from '../support/login.ts';
import { ADMIN, ALICE } from '../support/people.ts';
import type { Subject } from './front-server-contract.ts';

const NAVIGATION = { 'sec-fetch-mode': 'navigate', accept: 'text/html' };
const TARGETS = [
  '/',
  '/page?a=b&c=%26',
  '/m;v=1/x;y=2?q=a%3Bb',
  '/%E3%81%82/a%20b+c?u=%E3%81%82+b%2B',
  "/search?next=https://other.example.com/%3Fa%3D1%26b%3D2&q='x'",
  '/a?double=//',
  '/page?rd=https://app.example.com/&rd=x',
  `/long?q=${'x%26'.repeat(1000)}`,
];

/** A person is sent to log in, and comes back to the exact URL. */
export function describeLogin({ stack, traits }: Subject): void {
  describe('login', () => {
    const targets = traits.tidiesPaths ? TARGETS : [...TARGETS, '/a//b?double=//', '/m;v=1/x;y=2?q=a;b'];
    test.each(targets.map((target) => ({ name: target.slice(0, 60), target })))(
      'leads back to $name',
      async ({ target }) => {
        const { app, pages, application } = stack();
        const refused = await ask(app + target, { headers: NAVIGATION });
        expect(refused.status).toBe(302);
        expect(refused.headers['cache-control']).toBe('no-store');
        const login = refused.headers.location ?? '';
        expect(login.startsWith(`${pages}/login?rd=`)).toBe(true);
        expect(application.requests).toEqual([]);

        const { answer, jar } = await logIn(login, ALICE.username, ALICE.password);
        expect(answer.status).toBe(303);
        expect(answer.headers.location).toBe(app + target);

        const page = await ask(app + target, { headers: { ...NAVIGATION, cookie: jar.header() } });
        expect(page.status).toBe(200);
        expect(application.requests).toHaveLength(1);
        expect(application.requests[0]).toMatchObject({ method: 'GET', url: target });
        expect(application.requests[0]?.headers).toMatchObject({
          'x-auth-user': ['alice'],
          'x-auth-method': ['session'],
        });
      },
    );

    test('a form that was posted without a session leads to the login page, which is fetched', async () => {
      const { app, pages, application } = stack();
      const refused = await ask(`${app}/form`, { method: 'POST', headers: NAVIGATION, body: 'a=b' });
      expect(refused.status).toBe(traits.passesStatusOn ? 303 : 302);
      expect(refused.headers.location).toBe(`${pages}/login?rd=${encodeURIComponent(`${app}/form`)}`);
      expect(application.requests).toEqual([]);
    });

    test('a browser without Sec-Fetch is known by its Accept', async () => {
      const headers = { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' };
      expect((await ask(`${stack().app}/page`, { headers })).status).toBe(302);
    });

    test.each([
      ['curl', { accept: '*/*' }],
      ['no Accept at all', {}],
      ['fetch', { 'sec-fetch-mode': 'cors', accept: 'text/html' }],
      ['XHR', { 'x-requested-with': 'XMLHttpRequest', accept: 'application/json' }],
      ['an image', { 'sec-fetch-mode': 'no-cors', accept: 'image/*,text/html' }],
      ['an event stream', { accept: 'text/event-stream' }],
    ])('%s keeps its 401 and WWW-Authenticate', async (_who, headers) => {
      const answer = await ask(`${stack().app}/page`, { headers });
      expect(answer.status).toBe(401);
      expect(answer.headers.location).toBeUndefined();
      expect(answer.headers['www-authenticate']).toContain('Bearer');
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(stack().application.requests).toEqual([]);
    });

    test('known but not allowed is 403, not another login', async () => {
      const { app, pages, application } = stack();
      const path = pages.startsWith(app) ? '/admin' : '/api/admin';
      const { jar } = await logIn(`${pages}/login`, ALICE.username, ALICE.password);
      const key = (await stack().gatelodge.run('keys', 'create', '--user', ALICE.username, '--name', 'login')).trim();
      const refused = await ask(app + path, { headers: { ...NAVIGATION, cookie: jar.header(), 'x-api-key': key } });
      expect(refused.status).toBe(403);
      expect(refused.headers.location).toBeUndefined();
      expect(application.requests).toEqual([]);

      const admins = (
        await stack().gatelodge.run('keys', 'create', '--user', ADMIN.username, '--name', 'login')
      ).trim();
      expect((await ask(app + path, { headers: { 'x-api-key': admins } })).status).toBe(200);
    });

    test('logging out ends it, also for whoever kept a copy of the cookie', async () => {
      const { app, pages } = stack();
      const { jar } = await logIn(`${pages}/login`, ALICE.username, ALICE.password);
      const kept = jar.header();
      expect((await ask(`${app}/page`, { headers: { cookie: kept } })).status).toBe(200);
      const form = await ask(`${pages}/logout`, { headers: { cookie: kept } });
      jar.take(form);
      const csrf = /name="?csrf"?[^>]*value="([^"]*)"/.exec(form.body.toString())?.[1] ?? '';
      await ask(`${pages}/logout`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          cookie: jar.header(),
          origin: new URL(pages).origin,
        },
        body: new URLSearchParams({ csrf }).toString(),
      });
      expect((await ask(`${app}/page`, { headers: { cookie: kept } })).status).toBe(401);
    });
  });
}
