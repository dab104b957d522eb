import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { newPerson, startBrowser } from '../test/support/browser.ts';
import { freePort } from '../test/support/free-port.ts';
import { startGatelodge } from '../test/support/gatelodge.ts';

/** Takes the pictures in docs/images of a running service in Chromium: each page on a phone and on a desktop, light and dark. */
const FOLDER = resolve('docs/images');
const SCREENS = { phone: { width: 390, height: 720 }, desktop: { width: 1280, height: 720 } } as const;
const SCHEMES = ['light', 'dark'] as const;
const USER = { username: 'alice', password: 'a password for pictures' };

type Take = (name: string) => Promise<void>;

async function tour(page: Page, base: string, take: Take): Promise<void> {
  const back = 'https://app.example.com/reports';
  await page.goto(`${base}/login?rd=${encodeURIComponent(back)}`);
  await take('login');
  await page.fill('#username', USER.username);
  await page.fill('#password', 'mistyped');
  await page.click('button');
  await page.waitForSelector('[role=alert]');
  await take('login-refused');
  await page.goto(`${base}/login`);
  await page.fill('#username', USER.username);
  await page.fill('#password', USER.password);
  await page.click('button');
  await page.waitForURL(`${base}/`);
  await take('home');
  await page.goto(`${base}/logout`);
  await take('logout');
  await page.goto(`${base}/forbidden?reason=role-missing&rd=${encodeURIComponent(back)}`);
  await take('forbidden');
  await page.goto(`${base}/nothing-here`);
  await take('error');
}

const port = await freePort();
const gatelodge = await startGatelodge({
  ready: port,
  yaml: `
listen: {port: ${port}}
allowed_redirects: ["https://app.example.com"]
branding: {name: Example, logo: ${join(FOLDER, 'example-logo.svg')}}
users:
  - {username: ${USER.username}, password: ${USER.password}, name: Alice Example, email: alice@example.com, roles: [editor, reports], groups: [staff]}
`,
});
const browser = await startBrowser();
try {
  await mkdir(FOLDER, { recursive: true });
  for (const [screen, viewport] of Object.entries(SCREENS)) {
    for (const colorScheme of SCHEMES) {
      const page = await (await newPerson(browser)).newPage();
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      await tour(page, `http://127.0.0.1:${port}`, async (name) => {
        await page.screenshot({ path: join(FOLDER, `${name}-${screen}-${colorScheme}.png`), caret: 'hide' });
      });
    }
  }
} finally {
  await browser.close();
  await gatelodge.stop();
}
