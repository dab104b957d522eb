import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { caddyRecipe } from '../../support/caddy-recipe.ts';
import { documentedLines } from '../../support/documented-lines.ts';
import { type FrontServerStack, type Recipe, startFrontServerStack } from '../../support/front-server-stack.ts';
import { ask } from '../../support/http-client.ts';
import { nginxRecipe } from '../../support/nginx-recipe.ts';
import { ALICE, basic, ZOE } from '../../support/people.ts';
import { missing } from '../../support/skip.ts';
import { traefikRecipe } from '../../support/traefik-recipe.ts';
import { ENVOY, envoyRecipe } from '../envoy/envoy-recipe.ts';
import { haproxyRecipe } from '../haproxy/haproxy-recipe.ts';

const documented = (language: string, text: string) => documentedLines('docs/identity-jwt.md', language, text);
const NGINX = await documented('nginx', 'gatelodge-auth.conf');
const CADDY = await documented('caddy', 'gatelodge_check');
const TRAEFIK = await documented('yaml', 'authResponseHeaders:');
const HAPROXY = await documented('haproxy', 'set-header Authorization');
const ENVOYS = await documented('yaml', 'exact: authorization');

const CHECKED = '    http-request deny deny_status 503 unless pages or { var(txn.gatelodge) -m str allowed }';
const UPSTREAM = '                              - exact: x-auth-token';
const SERVERS: Readonly<Record<string, Recipe>> = {
  nginx: nginxRecipe('minimal', 'nginx', [['include gatelodge/gatelodge-auth.conf;', NGINX]]),
  'nginx-1.31': nginxRecipe('minimal', 'nginx-1.31', [['include gatelodge/gatelodge-auth.conf;', NGINX]]),
  caddy: caddyRecipe('minimal', 'caddy', [['import gatelodge_check', CADDY]]),
  'caddy-2.11': caddyRecipe('minimal', 'caddy-2.11', [['import gatelodge_check', CADDY]]),
  traefik: traefikRecipe('minimal', undefined, [
    ['        authResponseHeadersRegex:', `${TRAEFIK}\n        authResponseHeadersRegex:`],
  ]),
  haproxy: haproxyRecipe('haproxy', 'minimal', () => [[CHECKED, `${CHECKED}\n${HAPROXY}`]]),
  'haproxy-2.8': haproxyRecipe('haproxy-2.8', 'minimal', () => [[CHECKED, `${CHECKED}\n${HAPROXY}`]]),
  [ENVOY]: envoyRecipe('minimal', [[UPSTREAM, `${UPSTREAM}\n${ENVOYS}`]]),
};

/** Somebody with so many roles that it is as long as it may be; goes on with the list of users. */
const ROLES = Array.from({ length: 220 }, (_, index) => `department-${index}-reader`);
const MANY = `  - {username: many, roles: [${ROLES.join(', ')}]}\n`;

/** The lines of the documentation, in the recipe that they are for. */
describe.each(Object.entries(SERVERS))('behind %s', (program, recipe) => {
  describe.skipIf(missing(program, 'openssl'))('the application', () => {
    let stack: FrontServerStack;
    let keys: JSONWebKeySet;
    let key: string;
    beforeAll(async () => {
      stack = await startFrontServerStack(recipe, {
        rules: ['{path: /visit, authenticate: optional, plugins: [basic]}'],
        settings: `${MANY}identity_jwt: {enabled: true}\n`,
      });
      keys = (await ask(`${stack.pages}/jwks`)).json() as JSONWebKeySet; // what jose verifies with, below
      key = (await stack.gatelodge.run('keys', 'create', '--user', ALICE.username, '--name', 'x')).trim();
    });
    afterAll(() => stack?.stop());
    beforeEach(() => {
      stack.application.requests.length = 0;
    });

    async function seen(path: string, headers: Readonly<Record<string, string>>) {
      const { status } = await ask(`${stack.app}${path}`, { headers });
      expect(status).toBe(200);
      const [request] = stack.application.requests.splice(0);
      return { authorization: request?.headers['authorization'], token: request?.headers['x-auth-token'] };
    }
    const claims = async (token = '') =>
      (
        await jwtVerify(token, createLocalJWKSet(keys), {
          ...{ issuer: stack.pages, audience: 'app.example.com', typ: 'JWT', algorithms: ['ES256'] },
        })
      ).payload;

    test('gets it twice, in place of whatever the client sent', async () => {
      const forged = { authorization: 'Bearer forged', 'x-auth-token': 'forged' };
      for (const sent of [{ 'x-api-key': key }, { 'x-api-key': key, ...forged }, basic(ALICE)]) {
        const { authorization, token } = await seen('/api/x', sent);
        expect(await claims(token?.[0])).toMatchObject({ preferred_username: 'alice', roles: ['user', 'a,b'] });
        expect([token?.length, authorization]).toEqual([1, [`Bearer ${token?.[0]}`]]);
      }
      expect(await claims((await seen('/api/x', basic(ZOE))).token?.[0])).toMatchObject({ name: ZOE.name });
    });

    test('gets nothing where nobody is known, though the client sent something', async () => {
      const { token: stolen = [] } = await seen('/api/x', { 'x-api-key': key });
      const sent = { authorization: `Bearer ${stolen[0]}`, 'x-auth-token': String(stolen[0]) };
      // Empty ones say nothing.
      for (const { authorization = [], token = [] } of [
        await seen('/health', sent),
        await seen('/health', {}),
        await seen('/visit', { 'x-auth-token': String(stolen[0]) }),
      ])
        expect([...authorization, ...token].join('')).toBe('');
    });

    test('gets a large one whole, or is not asked', async () => {
      const many = await stack.gatelodge.run('keys', 'create', '--user', 'many', '--name', 'x');
      const { status } = await ask(`${stack.app}/api/x`, { headers: { 'x-api-key': many.trim() } });
      await expect.poll(() => stack.gatelodge.output(), { timeout: 15_000 }).toContain('"identity-jwt.large"');
      const [request] = stack.application.requests;
      if (program.startsWith('haproxy')) {
        // Its client takes answers of 15 KiB.
        expect([status, request]).toEqual([503, undefined]);
        return;
      }
      expect(status).toBe(200);
      expect(await claims(request?.headers['x-auth-token']?.[0])).toMatchObject({ roles: ROLES });
      expect(request?.headers['authorization']).toEqual([`Bearer ${request?.headers['x-auth-token']?.[0]}`]);
    });

    test('is not asked where the token is no credential', async () => {
      const { token: stolen = [] } = await seen('/api/x', { 'x-api-key': key });
      const { status } = await ask(`${stack.app}/api/x`, { headers: { authorization: `Bearer ${stolen[0]}` } });
      expect(status).toBe(401);
      expect(stack.application.requests).toEqual([]);
    });
  });
});
