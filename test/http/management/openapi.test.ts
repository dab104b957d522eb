import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PublicStand, publicStand } from '../public-stand.ts';

let stand: PublicStand;
let text: string;
let document: Record<string, Record<string, Record<string, unknown>>>;
beforeAll(async () => {
  stand = await publicStand();
  const response = await stand.request('/gate/api/openapi.json');
  text = await response.text();
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json']);
  document = JSON.parse(text);
});
afterAll(() => stand.close());

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

it('says which version it is, where the API is and how one gets in', () => {
  expect(document).toMatchObject({
    openapi: expect.stringMatching(/^3\.1\.\d$/),
    info: { title: 'gatelodge', version: expect.any(String) },
    servers: [{ url: 'https://auth.example.com/gate' }],
  });
  expect(document['components']?.['securitySchemes']).toMatchObject({
    apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
    session: { type: 'apiKey', in: 'cookie', name: '__Host-gatelodge' },
    csrf: { type: 'apiKey', in: 'header', name: 'X-CSRF-Token' },
  });
});

it('has the endpoints that there are, and each of them answers', async () => {
  const paths = Object.entries(document['paths'] ?? {});
  expect(paths.map(([path]) => path)).toEqual(
    expect.arrayContaining([
      '/auth',
      '/refresh',
      '/introspect',
      '/userinfo',
      '/api/v1/csrf',
      '/api/v1/tokens/stats',
      '/api/v1/keys',
      '/api/v1/keys/{id}',
      '/api/v1/keys/{id}/rotate',
    ]),
  );
  const ids: unknown[] = [];
  for (const [path, operations] of paths) {
    for (const [method, operation] of Object.entries(operations) as [string, Record<string, unknown>][]) {
      expect(METHODS).toContain(method);
      ids.push(operation['operationId']);
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const parameters = (operation['parameters'] ?? []) as { name: string; in: string; schema: unknown }[];
      expect(parameters.filter((one) => one.in === 'path').map((one) => one.name)).toEqual(named);
      for (const one of parameters) expect(one.schema).toMatchObject({ type: 'string' });
      const response = await stand.request(`/gate${path.replace('{id}', 'glk_AAAAAAAAAAAAAAAA')}`, {
        method: method.toUpperCase(),
      });
      // Nobody calls: what says so is an answer that the document tells of.
      expect(Object.keys(operation['responses'] ?? {}), `${method} ${path}`).toContain(String(response.status));
      const open = (operation['security'] as unknown[]).length === 0;
      const answered = operation['requestBody'] === undefined ? 200 : 400;
      expect(response.status, `${method} ${path}`).toBe(open ? answered : 401);
    }
  }
  expect(new Set(ids).size).toBe(ids.length);
});

it('tells of the refusal of a user who is bound to networks and calls from elsewhere', () => {
  for (const [path, operations] of Object.entries(document['paths'] ?? {}))
    for (const operation of Object.values(operations as Record<string, Record<string, unknown>>)) {
      const open = (operation['security'] as unknown[]).length === 0;
      const { 403: forbidden } = operation['responses'] as Record<number, { description: string } | undefined>;
      expect(forbidden?.description.includes('`forbidden`') ?? false, path).toBe(!open);
    }
});

it('has no call that the page about calls does not explain', () => {
  const folder = join(import.meta.dirname, '../../../docs');
  const page = ['management-api.md', 'tokens.md'].map((name) => readFileSync(join(folder, name), 'utf8')).join();
  for (const [path, operations] of Object.entries(document['paths'] ?? {}))
    for (const method of Object.keys(operations))
      expect(page).toContain(
        ['/auth', '/api/v1/csrf', '/jwks'].includes(path) ? path : `${method.toUpperCase()} ${path}`,
      );
});

it('refers to nothing that is not in there', () => {
  const schemas = Object.keys(document['components']?.['schemas'] ?? {});
  const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? '');
  expect([...new Set(references)].sort()).toEqual(schemas.sort());
  expect(text).not.toMatch(/"\$(schema|id|defs)"/);
  expect([...text.matchAll(/"\$ref"/g)]).toHaveLength(references.length);
});

it('describes bodies and answers by what checks them', () => {
  const { NewKey, KeyWithSecret, Rotation } = document['components']?.['schemas'] ?? {};
  expect(NewKey).toMatchObject({
    ...{ type: 'object', required: ['name'], additionalProperties: false },
    properties: {
      scopes: { type: 'array', items: { type: 'string' }, default: [] },
      expires_at: { anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }] },
    },
  });
  expect(Rotation).toMatchObject({ properties: { overlap_seconds: { type: 'integer', minimum: 0, default: 3_600 } } });
  expect(KeyWithSecret).not.toHaveProperty('additionalProperties');
  expect(KeyWithSecret).toMatchObject({ required: expect.arrayContaining(['key', 'id', 'previous_until']) });
});

it('names the fields without which a body is refused', async () => {
  const { Password, Refresh, Token } = document['components']?.['schemas'] ?? {};
  const bodies = { '/auth': Password, '/refresh': Refresh, '/revoke': Token } as const;
  for (const [path, schema] of Object.entries(bodies)) {
    const { required } = schema as { required: string[] };
    const whole: Record<string, string> = Object.fromEntries(required.map((name) => [name, 'x']));
    const send = async (body: object) =>
      (
        await stand.request(`/gate${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
      ).status;
    expect([200, 401], path).toContain(await send(whole));
    for (const name of required) {
      const { [name]: _left, ...rest } = whole;
      expect(await send(rest), `${path} without ${name}`).toBe(400);
      expect(await send({ ...rest, [name]: '' }), `${path} with an empty ${name}`).toBe(400);
    }
  }
});
