import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { findProgram } from './skip.ts';

export const CHROMIUM = 'chromium';

/**
 * A headless Chromium for which every name below example.com is 127.0.0.1 and every certificate is good.
 * @throws where Chromium is not installed: ask `missing(CHROMIUM)` first
 */
export function startBrowser(): Promise<Browser> {
  const executablePath = findProgram(CHROMIUM);
  if (executablePath === null) throw new Error('chromium is not installed');
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--host-resolver-rules=MAP *.example.com 127.0.0.1', '--disable-gpu'],
  });
}

/** A new person's browser: no cookies, no cache. */
export async function newPerson(browser: Browser): Promise<BrowserContext> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  context.setDefaultTimeout(10_000);
  return context;
}
