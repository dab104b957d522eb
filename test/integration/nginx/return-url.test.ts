import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../../support/http-client.ts';
import { logIn } from '../../support/login.ts';
import { ALICE, type NginxStack, type Recipe, startNginxStack } from '../../support/nginx-stack.ts';
import { missing } from '../../support/skip.ts';

const NAVIGATION = { 'sec-fetch-mode': 'navigate', accept: 'text/html' };
/** nginx takes request lines of up to 8 KiB, and the login page's must hold this one percent-encoded. */
const LONG = `/long?q=${'x%26'.repeat(1000)}`;
const TARGETS = [
  '/',
  '/page?a=b&c=%26',
  '/m;v=1/x;y=2?q=a;b',
  '/%E3%81%82/a%20b+c?u=%E3%81%82+b%2B',
  "/search?next=https://other.example.com/%3Fa%3D1%26b%3D2&q='x'",
  '/a//b?double=//',
  '/a?',
  '/page?rd=https://app.example.com/&rd=x',
];

describe.skipIf(missing('nginx', 'openssl'))('login leads back to the exact URL', () => {
  describe.each<Recipe>(['minimal', 'complete'])('%s.conf', (recipe) => {
    let stack: NginxStack;
    beforeAll(async () => {
      stack = await startNginxStack(recipe);
    });
    afterAll(() => stack?.stop());

    test.each([...TARGETS, LONG].map((target) => ({ name: target.slice(0, 60), target })))(
      '$name',
      async ({ target }) => {
        const refused = await ask(stack.app + target, { headers: NAVIGATION });
        expect(refused.status).toBe(302);
        expect(refused.headers['cache-control']).toBe('no-store');
        const login = refused.headers.location ?? '';
        expect(login.startsWith(`${stack.pages}/login?rd=`)).toBe(true);

        const { answer, jar } = await logIn(login, ALICE.username, ALICE.password);
        expect(answer.status).toBe(303);
        expect(answer.headers.location).toBe(stack.app + target);

        stack.application.requests.length = 0;
        const page = await ask(stack.app + target, { headers: { ...NAVIGATION, cookie: jar.header() } });
        expect(page.status).toBe(200);
        expect(stack.application.requests[0]).toMatchObject({ url: target });
        expect(stack.application.requests[0]?.headers['x-auth-user']).toEqual(['alice']);
      },
    );

    test('a browser without Sec-Fetch is known by its Accept', async () => {
      const refused = await ask(`${stack.app}/page`, {
        headers: { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' },
      });
      expect(refused.status).toBe(302);
    });

    test('an unencoded rd, as ingress-nginx writes it, leads back too', async () => {
      const target = `${stack.app}/page?a=b&c=%26`;
      const { answer } = await logIn(`${stack.pages}/login?rd=${target}`, ALICE.username, ALICE.password);
      expect(answer.headers.location).toBe(target);
    });
  });

  test('where the world reaches nginx at the standard port, the URL has none', async () => {
    const stack = await startNginxStack('minimal', { publishedAs443: true });
    try {
      const refused = await ask(`${stack.app}/page?x=1`, { headers: NAVIGATION });
      expect(refused.status).toBe(302);
      const login = new URL(refused.headers.location ?? '');
      expect(login.origin + login.pathname).toBe('https://app.example.com/gatelodge/login');
      expect(login.searchParams.get('rd')).toBe('https://app.example.com/page?x=1');
    } finally {
      await stack.stop();
    }
  });
});
