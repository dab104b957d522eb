import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { compileIdentityHeaders } from '../../../src/http/identity-headers.ts';
import { type FrontServerStack, startFrontServerStack } from '../../support/front-server-stack.ts';
import { ask } from '../../support/http-client.ts';
import { ALICE, basic } from '../../support/people.ts';
import { missing } from '../../support/skip.ts';
import { ENVOY, envoyRecipe, RECIPES, type RecipeName } from './envoy-recipe.ts';

const filter = z.looseObject({ name: z.string(), typed_config: z.looseObject({}) });
const manager = z.looseObject({ route_config: z.unknown(), http_filters: z.array(filter) });
const listener = z.object({
  name: z.string(),
  filter_chains: z.array(z.looseObject({ filters: z.array(z.looseObject({ typed_config: manager })) })),
});
const bootstrap = z.object({
  static_resources: z.object({ listeners: z.array(listener), clusters: z.array(z.unknown()) }),
});

async function read(name: RecipeName): Promise<{ manager: z.output<typeof manager>; clusters: readonly unknown[] }> {
  const { listeners, clusters } = bootstrap.parse(
    parse(await readFile(join(RECIPES, `${name}.envoy.yaml`), 'utf8')),
  ).static_resources;
  const web = listeners.find((one) => one.name === 'web')?.filter_chains[0]?.filters[0]?.typed_config;
  if (web === undefined) throw new Error(`${name} has no listener named web`);
  return { manager: web, clusters };
}

test('minimal and complete treat a request alike: only hosts, routes and certificates differ', async () => {
  const [minimal, complete] = [await read('minimal'), await read('complete')];
  const { route_config: ofMinimal, ...rest } = minimal.manager;
  const { route_config: ofComplete, ...others } = complete.manager;
  expect(others).toEqual(rest);
  expect(ofComplete).not.toEqual(ofMinimal);
  expect(complete.clusters).toEqual(minimal.clusters);
});

test('every identity header that gatelodge sends reaches the application', async () => {
  const { http_filters: filters } = (await read('minimal')).manager;
  const patterns = z.object({ patterns: z.array(z.object({ exact: z.string() })) });
  const authz = z.looseObject({
    failure_mode_allow: z.literal(false),
    http_service: z.looseObject({ authorization_response: z.looseObject({ allowed_upstream_headers: patterns }) }),
  });
  expect(filters.map(({ name }) => name)).toEqual(['envoy.filters.http.ext_authz', 'envoy.filters.http.router']);
  const { allowed_upstream_headers: handed } = authz.parse(filters[0]?.typed_config).http_service
    .authorization_response;
  expect(handed.patterns.map(({ exact }) => exact)).toEqual([
    ...compileIdentityHeaders('x-auth').map(([name]) => name.toLowerCase()),
    'x-auth-token',
  ]);
});

describe.skipIf(missing('openssl', ENVOY))('the request as the application gets it', () => {
  let stack: FrontServerStack;
  beforeAll(async () => {
    stack = await startFrontServerStack(envoyRecipe('minimal'));
  });
  afterAll(() => stack?.stop());

  test('the application gets the path that was decided on', async () => {
    for (const [asked, got] of [
      ['/api/./x', '/api/x'],
      ['/y/../api/x', '/api/x'],
      ['//api//x', '/api/x'],
      ['/api/%2e%2e/api/x', '/api/x'],
      ['/api/x?a=/../b', '/api/x?a=/../b'],
    ]) {
      stack.application.requests.length = 0;
      expect((await ask(stack.app + asked, { headers: basic(ALICE) })).status).toBe(200);
      expect(stack.application.requests.map(({ url }) => url)).toEqual([got]);
    }
  });

  test.each(['/api/a%2fb', '/api/a%5Cb'])('a hidden slash is refused: %s', async (path) => {
    stack.application.requests.length = 0;
    expect((await ask(stack.app + path, { headers: basic(ALICE) })).status).toBe(400);
    expect(stack.application.requests).toEqual([]);
  });

  test.each([
    'x-original-url',
    'x-original-uri',
    'forwarded',
    'x-forwarded-port',
    'x-forwarded-user',
    'x-real-ip',
    'x-remote-user',
  ])('without what another proxy could have said: %s', async (name) => {
    stack.application.requests.length = 0;
    expect((await ask(`${stack.app}/api/x`, { headers: { ...basic(ALICE), [name]: 'x' } })).status).toBe(200);
    expect(stack.application.requests).toHaveLength(1);
    expect(stack.application.requests[0]?.headers[name]).toBeUndefined();
  });

  test('nobody is internal, and Envoy’s own words are not the client’s', async () => {
    stack.application.requests.length = 0;
    const headers = {
      ...basic(ALICE),
      'x-envoy-internal': 'true',
      'x-envoy-retry-on': '5xx',
      'x-envoy-original-path': '/',
    };
    expect((await ask(`${stack.app}/api/x`, { headers })).status).toBe(200);
    const seen = stack.application.requests[0]?.headers ?? {};
    for (const name of ['x-envoy-internal', 'x-envoy-retry-on', 'x-envoy-original-path'])
      expect(seen[name]).toBeUndefined();
  });
});
