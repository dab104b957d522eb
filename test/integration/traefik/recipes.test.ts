import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import {
  describeRecipeConfigurations,
  foreignIdentityHeaders,
  IDENTITY_HEADERS,
} from '../../contract/front-server-recipes.ts';
import { TRAEFIK_RECIPES } from '../../support/traefik-recipe.ts';

describeRecipeConfigurations('traefik');

const anything = z.record(z.string(), z.unknown());
const dynamicFile = z.object({
  http: z.object({
    routers: z.record(z.string(), z.object({ rule: z.string() })),
    middlewares: z.record(z.string(), anything).default({}),
    serversTransports: z.record(z.string(), anything).default({}),
  }),
});
const staticFile = z.object({ entryPoints: z.record(z.string(), anything) });
const resource = z.object({
  kind: z.enum(['Middleware', 'IngressRoute', 'ServersTransport', 'TLSOption']),
  apiVersion: z.literal('traefik.io/v1alpha1'),
  metadata: z.strictObject({ name: z.string(), namespace: z.string() }),
  spec: anything,
});
const route = z.object({
  routes: z.tuple([
    z.object({
      kind: z.literal('Rule'),
      match: z.string(),
      priority: z.int().optional(),
      middlewares: z.array(z.strictObject({ name: z.string() })).default([]),
      services: z.tuple([z.strictObject({ name: z.string(), port: z.int(), serversTransport: z.string().optional() })]),
    }),
  ]),
});
const compose = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      network_mode: z.string().optional(),
      labels: z.record(z.string(), z.string()).default({}),
    }),
  ),
});

const text = (file: string): Promise<string> => readFile(join(TRAEFIK_RECIPES, file), 'utf8');
const dynamic = async (file: string) => dynamicFile.parse(parse(await text(file))).http;

describe('gatelodge.dynamic.yaml', () => {
  test('removes every name under which applications believe somebody', async () => {
    const { middlewares } = await dynamic('gatelodge.dynamic.yaml');
    const removed = z
      .object({ headers: z.object({ customRequestHeaders: z.record(z.string(), z.literal('')) }) })
      .parse(middlewares['gatelodge-request']).headers.customRequestHeaders;
    const wanted = [...IDENTITY_HEADERS, ...(await foreignIdentityHeaders())];
    expect(wanted.filter((name) => !Object.hasOwn(removed, name))).toEqual([]);
  });

  test('takes every identity header from the answer, and no other', async () => {
    const { middlewares } = await dynamic('gatelodge.dynamic.yaml');
    const { forwardAuth } = z
      .object({ forwardAuth: z.object({ authResponseHeadersRegex: z.string() }) })
      .parse(middlewares['gatelodge-check']);
    const taken = new RegExp(forwardAuth.authResponseHeadersRegex);
    const wanted = [...IDENTITY_HEADERS, ...(await foreignIdentityHeaders())];
    expect(wanted.filter((name) => !taken.test(name))).toEqual([]);
    for (const name of ['Cache-Control', 'X-Forwarded-For', 'X-Forwarded-Proto', 'Authorization', 'Date'])
      expect(taken.test(name)).toBe(false);
  });
});

describe('what is not run, compared with what is', () => {
  test('docker-compose.yaml has complete.dynamic.yaml’s routers as labels', async () => {
    const source = await text('docker-compose.yaml');
    expect(source).toContain('NOT RUN');
    const { services } = compose.parse(parse(source));
    const { routers } = await dynamic('complete.dynamic.yaml');
    expect(services['gatelodge']?.network_mode).toBe('service:traefik');
    expect(services['app']?.labels).toEqual({
      'traefik.enable': 'true',
      'traefik.http.routers.app.rule': routers['app']?.rule,
      'traefik.http.routers.app.middlewares': 'gatelodge-check@file',
      'traefik.http.routers.app.service': 'application',
      'traefik.http.routers.gatelodge.rule': routers['gatelodge']?.rule,
      'traefik.http.routers.gatelodge.service': 'gatelodge-pages@file',
      'traefik.http.services.application.loadbalancer.server.port': '3000',
    });
  });

  test('kubernetes.yaml has the values of the dynamic files', async () => {
    const source = await text('kubernetes.yaml');
    expect(source).toContain('NOT RUN');
    const resources = parseAllDocuments(source).map((document) => resource.parse(document.toJS()));
    const spec = (name: string): Record<string, unknown> =>
      resources.find(({ metadata }) => metadata.name === name)?.spec ?? {};
    const own = await dynamic('gatelodge.dynamic.yaml');
    const { routers } = await dynamic('complete.dynamic.yaml');
    for (const name of ['gatelodge-request', 'gatelodge-check']) expect(spec(name)).toEqual(own.middlewares[name]);
    expect(resources.find(({ kind }) => kind === 'ServersTransport')?.spec).toEqual(own.serversTransports['gatelodge']);
    expect(spec('default')).toEqual({ sniStrict: true });

    const [decisions] = route.parse(spec('gatelodge-decisions')).routes;
    expect(spec('gatelodge-decisions')['entryPoints']).toEqual(['gatelodge']);
    expect(decisions.match).toBe(own.routers['gatelodge-decisions']?.rule);
    expect(decisions.services).toEqual([{ name: 'gatelodge', port: 9190, serversTransport: 'gatelodge' }]);
    const [pages] = route.parse(spec('gatelodge-pages')).routes;
    expect(pages.match).toBe(routers['gatelodge']?.rule);
    expect(pages.services).toEqual([{ name: 'gatelodge', port: 9191 }]);
    const [app] = route.parse(spec('app')).routes;
    expect(app.match).toBe(routers['app']?.rule);
    expect(app.services).toEqual([{ name: 'app', port: 3000 }]);
    expect(app.middlewares).toEqual([{ name: 'gatelodge-check' }]);
    for (const name of ['gatelodge-pages', 'app']) expect(spec(name)['entryPoints']).toEqual(['websecure']);
  });

  test('the arguments in kubernetes.yaml are traefik.yaml’s entry points', async () => {
    const written = [...(await text('kubernetes.yaml')).matchAll(/^# +- --entryPoints\.(\S+?)=(\S+)$/gm)].map(
      ([, key, value]) => `${key}=${value}`,
    );
    const { entryPoints } = staticFile.parse(parse(await text('traefik.yaml')));
    // The chart's own business: where it listens for the world, and TLS.
    const { address: _address, ...websecure } = entryPoints['websecure'] ?? {};
    const settings = flatten({ websecure, gatelodge: entryPoints['gatelodge'] })
      .filter((line) => !line.includes('.http.tls'))
      .map((line) => line.replace('gatelodge-request@file', 'gatelodge-gatelodge-request@kubernetescrd'));
    expect(written.sort()).toEqual(settings.sort());
  });
});

/** Nested settings as `a.b.c=value`; a list is its members with commas between. */
function flatten(settings: unknown, path = ''): string[] {
  if (Array.isArray(settings)) return [`${path}=${settings.join(',')}`];
  if (typeof settings !== 'object' || settings === null) return [`${path}=${settings}`];
  return Object.entries(settings).flatMap(([key, value]) => flatten(value, path === '' ? key : `${path}.${key}`));
}
