import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, newPerson, startBrowser } from '../../support/browser.ts';
import { ALICE, type NginxStack, type Recipe, startNginxStack } from '../../support/nginx-stack.ts';
import { missing } from '../../support/skip.ts';

const TARGETS = ['/page?a=b&c=%26', '/%E3%81%82/a%20b;v=1?q=a;b&next=https%3A%2F%2Fother.example.com%2F%3Fx%3D1', '/'];

async function signIn(page: Page): Promise<void> {
  await page.fill('input[name=username]', ALICE.username);
  await page.fill('input[name=password]', ALICE.password);
  await page.click('form button[type=submit]');
}

describe.skipIf(missing('nginx', 'openssl', CHROMIUM))('a person with a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  describe.each<Recipe>(['minimal', 'complete'])('%s.conf', (recipe) => {
    let stack: NginxStack;
    beforeAll(async () => {
      stack = await startNginxStack(recipe);
    });
    afterAll(() => stack?.stop());

    test.each(TARGETS)('login and back at %s', async (target) => {
      const person = await newPerson(browser);
      try {
        const page = await person.newPage();
        await page.goto(stack.app + target);
        expect(page.url().startsWith(`${stack.pages}/login?rd=`)).toBe(true);
        stack.application.requests.length = 0;
        await signIn(page);
        await page.waitForURL(stack.app + target);
        const [seen] = stack.application.requests;
        expect(seen?.url).toBe(target);
        expect(seen?.headers['x-auth-user']).toEqual(['alice']);
        expect(seen?.headers['x-auth-method']).toEqual(['session']);
      } finally {
        await person.close();
      }
    });

    test('a wrong password stays at the login page, the right one then leads back', async () => {
      const person = await newPerson(browser);
      try {
        const page = await person.newPage();
        await page.goto(`${stack.app}/page?x=%26`);
        await page.fill('input[name=username]', ALICE.username);
        await page.fill('input[name=password]', 'wrong');
        await page.click('form button[type=submit]');
        await page.waitForLoadState();
        expect(page.url().startsWith(`${stack.pages}/login`)).toBe(true);
        await signIn(page);
        await page.waitForURL(`${stack.app}/page?x=%26`);
      } finally {
        await person.close();
      }
    });

    test('fetch and WebSocket of a page: 401 after the session has gone, and again with one', async () => {
      const person = await newPerson(browser);
      try {
        const page = await person.newPage();
        await page.goto(`${stack.app}/page`);
        await signIn(page);
        await page.waitForURL(`${stack.app}/page`);
        const fetched = (): Promise<{ status: number; redirected: boolean }> =>
          page.evaluate(async () => {
            const answer = await fetch('/data', { headers: { accept: 'text/html' } });
            return { status: answer.status, redirected: answer.redirected };
          });
        const echoed = (): Promise<string> =>
          page.evaluate(
            (url) =>
              new Promise<string>((resolve) => {
                const socket = new WebSocket(url);
                socket.onopen = () => socket.send('hello');
                socket.onmessage = (event) => resolve(String(event.data));
                socket.onerror = () => resolve('refused');
              }),
            `${stack.app.replace('https:', 'wss:')}/ws`,
          );
        expect(await fetched()).toEqual({ status: 200, redirected: false });
        expect(await echoed()).toBe('hello');

        await person.clearCookies();
        stack.application.requests.length = 0;
        expect(await fetched()).toEqual({ status: 401, redirected: false });
        expect(await echoed()).toBe('refused');
        expect(stack.application.requests).toEqual([]);
      } finally {
        await person.close();
      }
    });

    test('logging out ends it', async () => {
      const person = await newPerson(browser);
      try {
        const page = await person.newPage();
        await page.goto(`${stack.app}/page`);
        await signIn(page);
        await page.waitForURL(`${stack.app}/page`);
        const stolen = await person.cookies();
        await page.goto(`${stack.pages}/logout`);
        await page.click('form button[type=submit]');
        await page.waitForLoadState();
        // The cookie alone must not be enough: somebody may have kept a copy.
        await person.addCookies(stolen);
        await page.goto(`${stack.app}/page`);
        expect(page.url().startsWith(`${stack.pages}/login?rd=`)).toBe(true);
      } finally {
        await person.close();
      }
    });
  });
});
