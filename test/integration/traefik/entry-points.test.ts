import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { type FrontServerStack, startFrontServerStack } from '../../support/front-server-stack.ts';
import { ask } from '../../support/http-client.ts';
import { logIn } from '../../support/login.ts';
import { ALICE } from '../../support/people.ts';
import { missing } from '../../support/skip.ts';
import { traefikRecipe } from '../../support/traefik-recipe.ts';

describe.skipIf(missing('traefik', 'openssl'))('Traefik’s entry points', () => {
  let stack: FrontServerStack;
  let loopback = 0;
  beforeAll(async () => {
    loopback = await freePort();
    stack = await startFrontServerStack(traefikRecipe('complete', loopback));
  });
  afterAll(() => stack?.stop());

  test('the one for checks serves checks alone', async () => {
    for (const host of ['app.example.com', 'auth.example.com', 'localhost']) {
      for (const path of ['/', '/robots.txt', '/login', '/validate', '/validate/traefik/', '/validate/envoy/x']) {
        const answer = await ask(`http://127.0.0.1:${loopback}${path}`, { headers: { host } });
        expect(answer.status).toBe(404);
      }
    }
    expect(stack.application.requests).toEqual([]);
  });

  test('a semicolon in the query stays one, if encoded, for login and for the application', async () => {
    const refused = await ask(`${stack.app}/page?q=a;b`, { headers: { 'sec-fetch-mode': 'navigate' } });
    const { answer, jar } = await logIn(refused.headers.location ?? '', ALICE.username, ALICE.password);
    expect(answer.headers.location).toBe(`${stack.app}/page?q=a%3Bb`);
    await ask(`${stack.app}/page?q=a;b`, { headers: { cookie: jar.header() } });
    expect(stack.application.requests.at(-1)?.url).toBe('/page?q=a%3Bb');
  });

  test('what is decided about and what the application gets is one and the same tidied path', async () => {
    const { jar } = await logIn(`${stack.pages}/login`, ALICE.username, ALICE.password);
    for (const [sent, tidied] of [
      ['/a//b', '/a/b'],
      ['/a/./b/../c', '/a/c'],
      ['/%41%2d', '/A-'],
      ['/a%2fb', '/a%2Fb'],
    ]) {
      const refused = await ask(`${stack.app}${sent}`, { headers: { 'sec-fetch-mode': 'navigate' } });
      expect(refused.headers.location).toContain(encodeURIComponent(`${stack.app}${tidied}`));
      await ask(`${stack.app}${sent}`, { headers: { cookie: jar.header() } });
      expect(stack.application.requests.at(-1)?.url).toBe(tidied);
    }
  });
});
