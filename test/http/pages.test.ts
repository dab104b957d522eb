import { createServer, type Server } from 'node:http';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WireHeaderFields } from '../../src/http/header-fields.ts';
import { compileIdentityHeaders } from '../../src/http/identity-headers.ts';
import { createRefusals } from '../../src/http/refusals.ts';
import { createRenderer } from '../../src/http/render.ts';
import { accessRequest } from '../../src/http/target.ts';
import { makeIdentity } from '../../src/plugins/plugin-api.ts';
import { CHROMIUM, newPerson, startBrowser } from '../support/browser.ts';
import { freePort, portOf } from '../support/free-port.ts';
import { missing } from '../support/skip.ts';
import { PASSWORD, type PublicStand, publicStand } from './public-stand.ts';

/** It would tell on itself if it could: a script, a handler, a picture from elsewhere. */
const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 40 40" onload="document.title='run'">
<script>document.title = 'run'; fetch('http://app.example.com/stolen')</script><image xlink:href="http://app.example.com/stolen" width="1" height="1"/>
<circle cx="20" cy="20" r="18" fill="#14603f"/></svg>`;

describe.skipIf(missing(CHROMIUM))('the pages in a browser', () => {
  let browser: Browser;
  let stand: PublicStand;
  let application: Server;
  let base: string;
  let target: string;

  beforeAll(async () => {
    application = createServer((_, response) => response.end('the application'));
    await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
    target = `http://app.example.com:${portOf(application.address())}`;
    const port = await freePort();
    base = `http://127.0.0.1:${port}/gate`;
    stand = await publicStand({
      configuration: { public_url: base, allowed_redirects: [target], branding: { name: 'Example & Sons' } },
      logo: `data:image/svg+xml;base64,${Buffer.from(LOGO).toString('base64')}`,
    });
    await stand.listen(port);
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await stand.close();
    application.closeAllConnections();
    application.close();
  });

  async function open(
    path: string,
    { colorScheme = 'light', width = 390 }: { colorScheme?: 'light' | 'dark'; width?: number } = {},
  ): Promise<{ page: Page; complaints: string[] }> {
    const page = await (await newPerson(browser)).newPage();
    await page.setViewportSize({ width, height: 844 });
    await page.emulateMedia({ colorScheme });
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (!message.text().startsWith('Failed to load resource')) complaints.push(message.text());
    });
    await page.goto(base + path);
    return { page, complaints };
  }
  async function signIn(page: Page): Promise<void> {
    await page.fill('#username', 'alice');
    await page.fill('#password', PASSWORD);
    await page.click('button');
    await page.waitForURL(`${base}/`);
  }

  it('lead through login and logout by keyboard alone, and on to another origin', async () => {
    const { page, complaints } = await open(`/login?rd=${target}/a?b=1&c=2`);
    await page.waitForSelector('#username:focus');
    await page.keyboard.type('alice');
    await page.keyboard.press('Tab');
    await page.keyboard.type('wrong');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=alert]');
    // The name is still there, and the password is what is asked for again.
    await page.waitForSelector('#password:focus');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    expect(await page.isChecked('#remember')).toBe(true);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${target}/a?b=1&c=2`);
    expect(await page.textContent('body')).toBe('the application');
    await page.goto(`${base}/logout`);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${base}/login`);
    expect(complaints).toEqual([]);
  });

  it('work without JavaScript', async () => {
    const person = await browser.newContext({ javaScriptEnabled: false });
    const page = await person.newPage();
    await page.goto(`${base}/login`);
    await signIn(page);
    await page.click('button');
    await page.waitForURL(`${base}/login`);
    await person.close();
  });

  describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
    it.each([390, 1280])('at %d pixels fit, and axe finds nothing', { timeout: 120_000 }, async (width) => {
      const { page, complaints } = await open('/login', { colorScheme, width });
      const look = async (what: string) => {
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        expect(overflow, what).toBe(0);
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(
          violations.map(({ id, nodes }) => [id, nodes[0]?.html]),
          what,
        ).toEqual([]);
      };
      await look('login');
      await page.fill('#username', 'x'.repeat(128));
      await page.fill('#password', 'wrong');
      await page.click('button');
      await page.waitForSelector('[role=alert]');
      await look('login, refused');
      for (const name of ['User name', 'Password', 'Keep me signed in on this device']) {
        expect(await page.getByLabel(name, { exact: true }).count()).toBe(1);
      }
      await page.goto(`${base}/login`);
      await signIn(page);
      await look('home');
      for (const path of ['/logout', '/login?prompt=login', `/forbidden?rd=${target}/x`, '/nothing']) {
        await page.goto(base + path);
        await look(path);
      }
      expect(complaints).toEqual([]);
    });
  });

  it('show the logo, and nothing in it runs or is loaded', async () => {
    const asked: string[] = [];
    application.on('request', (request) => asked.push(request.url ?? ''));
    const { page, complaints } = await open('/login');
    const size = await page.evaluate("[document.querySelector('.brand img').naturalWidth > 0, document.title]");
    expect(size).toEqual([true, 'Sign in · Example & Sons']);
    await page.waitForTimeout(200);
    expect(asked.filter((url) => url.includes('stolen'))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('of a refused navigation are as good, on the application’s own origin', async () => {
    const refusals = createRefusals({ name: 'Example & Sons', publicUrl: base, login: true });
    const render = createRenderer({
      identityHeaders: compileIdentityHeaders('x-auth', []),
      anonymous: null,
      loginUrl: '',
      refusals,
    });
    const identity = makeIdentity({ subject: 'x', username: 'alice', methods: ['session'] });
    const server = createServer((message, response) => {
      const where = {
        method: 'GET',
        scheme: 'http',
        host: '127.0.0.1',
        port: 80,
        requestTarget: message.url ?? '/',
      } as const;
      const fields = new WireHeaderFields(message.rawHeaders);
      const request = accessRequest(where, fields, () => null);
      if (message.url === '/limited')
        render(
          response,
          { effect: 'limited', reason: 'rate-limited', rule: 1, retryAfter: 5, quota: null },
          'forwarded',
          request,
          fields,
        );
      else
        render(response, { effect: 'deny', reason: 'role-missing', rule: 1, identity }, 'forwarded', request, fields);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      for (const colorScheme of ['light', 'dark'] as const) {
        const { page, complaints } = await open('/login', { colorScheme });
        for (const [path, status] of [
          ['/page', 403],
          ['/limited', 429],
        ] as const) {
          const answer = await page.goto(`http://127.0.0.1:${portOf(server.address())}${path}`);
          expect(answer?.status()).toBe(status);
          const { violations } = await new AxeBuilder({ page }).analyze();
          expect(violations.map(({ id }) => id)).toEqual([]);
        }
        expect(complaints).toEqual([]);
      }
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
