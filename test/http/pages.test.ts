import { createServer, type Server } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, newPerson, startBrowser } from '../support/browser.ts';
import { freePort, portOf } from '../support/free-port.ts';
import { missing } from '../support/skip.ts';
import { PASSWORD, type PublicStand, publicStand } from './public-stand.ts';

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
    stand = await publicStand({ configuration: { public_url: base, allowed_redirects: [target] } });
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
    colorScheme: 'light' | 'dark' = 'light',
  ): Promise<{ page: Page; complaints: string[] }> {
    const page = await (await newPerson(browser)).newPage();
    await page.setViewportSize({ width: 390, height: 844 });
    await page.emulateMedia({ colorScheme });
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (!message.text().startsWith('Failed to load resource')) complaints.push(message.text());
    });
    await page.goto(base + path);
    return { page, complaints };
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
    await page.keyboard.press('Enter');
    await page.waitForURL(`${target}/a?b=1&c=2`);
    expect(await page.textContent('body')).toBe('the application');
    await page.goto(`${base}/logout`);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${base}/login`);
    expect(complaints).toEqual([]);
  });

  it.each(['light', 'dark'] as const)('are readable in %s, fit a phone and name every field', async (scheme) => {
    const { page, complaints } = await open('/login', scheme);
    await page.fill('#username', 'x'.repeat(128));
    await page.fill('#password', 'wrong');
    await page.click('button');
    await page.waitForSelector('[role=alert]');
    const width = await page.evaluate('document.documentElement.scrollWidth');
    expect(width).toBe(390);
    for (const name of ['User name', 'Password', 'Keep me signed in on this device']) {
      expect(await page.getByLabel(name, { exact: true }).count()).toBe(1);
    }
    for (const selector of ['h1', '.alarm', 'label', 'input[type=text]', 'button']) {
      expect(await contrast(page, selector), selector).toBeGreaterThanOrEqual(4.5);
    }
    expect(complaints).toEqual([]);
  });
});

/** Contrast of text and the background behind it (WCAG 2.2, 1.4.3); 4.5 is the least for text. */
function contrast(page: Page, selector: string): Promise<number> {
  return page.evaluate(`(() => {
    const element = document.querySelector(${JSON.stringify(selector)});
    const channels = (color) => color.match(/[\\d.]+/g).map(Number);
    let behind = element;
    while ((channels(getComputedStyle(behind).backgroundColor)[3] ?? 1) === 0) behind = behind.parentElement;
    const luminance = (color) => {
      const [r, g, b] = channels(color).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const one = luminance(getComputedStyle(element).color);
    const other = luminance(getComputedStyle(behind).backgroundColor);
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  })()`);
}
