import { beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../support/http-client.ts';
import { logIn } from '../support/login.ts';
import { ALICE } from '../support/people.ts';
import type { Subject } from './front-server-contract.ts';

const NAVIGATION = { 'sec-fetch-mode': 'navigate', accept: 'text/html' };

/** Who is refused, and opened a page, sees why; a program gets no page. */
export function describeRefusals({ stack, traits }: Subject): void {
  describe('a page that this account may not open', () => {
    let cookie = '';
    beforeAll(async () => {
      const { answer, jar } = await logIn(`${stack().pages}/login`, ALICE.username, ALICE.password);
      expect(answer.status).toBe(303);
      cookie = jar.header();
    });
    const open = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      ask(`${stack().app}${path}`, { method, headers: { cookie, ...headers } });

    test.each(['GET', 'POST'])('says so to a person, at its own address, after %s', async (method) => {
      const answer = await open('/backstage/x?a=1', NAVIGATION, method);
      const page = answer.body.toString('utf8');
      expect(answer.status).toBe(403);
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(answer.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/);
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(page).toContain(`You are signed in as <strong>${ALICE.username}</strong>`);
      const back = encodeURIComponent(`${stack().app}/backstage/x?a=1`);
      expect(page).toContain(`href="${stack().pages}/login?prompt=login&amp;rd=${back}"`);
      expect(stack().application.requests).toEqual([]);
    });

    test('is a bare refusal to a program, and to HEAD', async () => {
      expect((await open('/backstage')).status).toBe(403);
      expect((await open('/backstage')).body.toString('utf8')).not.toContain('signed in');
      const head = await open('/backstage', NAVIGATION, 'HEAD');
      expect([head.status, head.body.length]).toEqual([403, 0]);
    });

    test.runIf(traits.passesStatusOn)('is told from one that is asked for too often', async () => {
      await open('/seldom', NAVIGATION);
      const answer = await open('/seldom', NAVIGATION);
      expect([answer.status, Number(answer.headers['retry-after']) > 0]).toEqual([429, true]);
      expect(answer.headers).toMatchObject({ 'ratelimit-limit': '1', 'ratelimit-remaining': '0' });
      expect(answer.headers['ratelimit-policy']).toBe('"requests";q=1;w=3600');
      expect(answer.headers['ratelimit']).toBe(`"requests";r=0;t=${answer.headers['retry-after']}`);
      expect(answer.body.toString('utf8')).toContain('Too many requests');
    });
  });
}
