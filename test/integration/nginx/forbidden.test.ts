import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, newPerson, startBrowser } from '../../support/browser.ts';
import { ask } from '../../support/http-client.ts';
import { logIn } from '../../support/login.ts';
import { type NginxStack, type Recipe, startNginxStack } from '../../support/nginx-stack.ts';
import { ADMIN, ALICE } from '../../support/people.ts';
import { missing } from '../../support/skip.ts';

async function signIn(page: Page, { username, password }: { username: string; password: string }): Promise<void> {
  await page.fill('input[name=username]', username);
  await page.fill('input[name=password]', password);
  await page.click('form button[type=submit]');
}

/** What the application was asked for, but for the picture that a browser may ask for at any moment. */
function pagesOf({ application }: NginxStack): string[] {
  return application.requests.map(({ url }) => url).filter((url) => url !== '/favicon.ico');
}

describe.skipIf(missing('nginx', 'openssl', CHROMIUM)).each<Recipe>(['minimal', 'complete'])('%s.conf', (recipe) => {
  let browser: Browser;
  let stack: NginxStack;
  beforeAll(async () => {
    browser = await startBrowser();
    stack = await startNginxStack(recipe, { rules: ['{path: /backstage, roles: [admin]}'] });
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
  });

  test('who may not open a page sees it there, switches the account and comes back to the same URL', async () => {
    const person = await newPerson(browser);
    const url = `${stack.app}/backstage/x?a=1&b=%26`;
    try {
      const page = await person.newPage();
      await page.goto(url);
      await signIn(page, ALICE);
      await page.waitForURL(url);
      const refused = await page.reload();
      expect(refused?.status()).toBe(403);
      expect(await page.textContent('[role=alert]')).toContain(`signed in as ${ALICE.username}`);
      expect(pagesOf(stack)).toEqual([]);
      await page.click('text=Sign in with another account');
      await signIn(page, ADMIN);
      await page.waitForURL(url);
      await page.waitForLoadState();
      expect(pagesOf(stack)).toEqual(['/backstage/x?a=1&b=%26']);
      const arrived = stack.application.requests.find((request) => request.url === '/backstage/x?a=1&b=%26');
      expect(arrived?.headers['x-auth-user']).toEqual([ADMIN.username]);
    } finally {
      await person.close();
    }
  });

  test('also after a form was posted; programs keep the bare 403', async () => {
    const { answer, jar } = await logIn(`${stack.pages}/login`, ALICE.username, ALICE.password);
    expect(answer.status).toBe(303);
    const post = (headers: Record<string, string>) =>
      ask(`${stack.app}/backstage/x`, { method: 'POST', body: 'a=b', headers: { cookie: jar.header(), ...headers } });
    const person = await post({ 'sec-fetch-mode': 'navigate' });
    expect([person.status, person.body.toString().includes('signed in as')]).toEqual([403, true]);
    expect(person.headers['content-security-policy']).toContain("default-src 'none'");
    const program = await post({});
    expect([program.status, program.body.toString().includes('signed in as')]).toEqual([403, false]);
    // Nobody writes the page's address for somebody else.
    const forged = await post({ 'x-auth-page': '/login' });
    expect(forged.body.toString()).not.toContain('<form');
  });
});
