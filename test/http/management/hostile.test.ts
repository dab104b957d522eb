import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawRequest, statusOf } from '../../support/raw-request.ts';
import { type PublicStand, publicStand } from '../public-stand.ts';
import { type Call, calling, keyOfUser } from './calling.ts';

let stand: PublicStand;
let port: number;
let manager: string;
let call: Call;
beforeAll(async () => {
  stand = await publicStand();
  port = await stand.listen();
  manager = await keyOfUser(stand, stand.alice);
  call = calling(stand, { 'x-api-key': manager });
});
afterAll(() => stand.close());

const raw = async (method: string, target: string, lines: readonly string[] = [], body = '') =>
  rawRequest(
    port,
    `${[`${method} ${target} HTTP/1.1`, 'Host: auth.example.com', 'Connection: close', `X-API-Key: ${manager}`, ...lines].join('\r\n')}\r\n\r\n${body}`,
  );

describe('an id in a path', () => {
  it('has one spelling', async () => {
    const victim = await keyOfUser(stand, stand.alice);
    const id = victim.slice(0, 20);
    const encoded = `%67${id.slice(1)}`;
    for (const path of [
      `/gate/api/v1/keys/${encoded}`,
      `/gate/api/v1/keys/x/../${id}`,
      `/gate/api/v1/keys/./${id}`,
      `/gate/api/v1/keys/%2e/${id}`,
      `/gate/x/../api/v1/keys/${id}`,
      `/gate/api/v1/keys//${id}`,
      `/gate/api/v1/keys/${id}/`,
      `/gate/api/v1/keys/${id}/.`,
      `/gate/api/v1/keys/${id};x`,
      `/gate/api/v1/keys/${id}%00`,
      `/gate/api/v1/keys/${id}%2frotate`,
      `/gate/api/v1/keys/%2e%2e/keys/${id}`,
      `/gate/api/v1/keys\\${id}`,
      `/gate/API/v1/keys/${id}`,
      `/api/v1/keys/${id}`,
      `/gate/api/v1/keys/${id}#x`,
      `http://auth.example.com/gate/api/v1/keys/${id}`,
      `/gate/api/v1/keys/${id}/../${id}`,
    ]) {
      const status = statusOf(await raw('DELETE', path));
      expect([400, 404, 405], `${path} ${status}`).toContain(status);
    }
    expect(await stand.store.apiKeys.findById(id.slice(4))).not.toBeNull();
    expect(statusOf(await raw('DELETE', `/gate/api/v1/keys/${id}?x=/gate/api/v1/keys/y`))).toBe(204);
  });

  it.each(['{id}', '__proto__', 'constructor', '..', '*', 'a'.repeat(65), 'a'.repeat(8_000), "'or'1'='1", ''])(
    'that is no key’s finds none: %.30s',
    async (id) => {
      for (const [method, path] of [
        ['DELETE', `/gate/api/v1/keys/${id}`],
        ['POST', `/gate/api/v1/keys/${id}/rotate`],
      ] as const) {
        const status = statusOf(await raw(method, path, ['Content-Length: 0']));
        expect([400, 404, 405], `${method} ${status}`).toContain(status);
      }
      expect(stand.failures).toEqual([]);
    },
  );

  it('is never a whole key: secrets do not belong into URLs', async () => {
    const text = await keyOfUser(stand, stand.alice);
    expect(statusOf(await raw('DELETE', `/gate/api/v1/keys/${text}`))).toBe(404);
  });

  it('is told which methods there are', async () => {
    const answer = await raw('GET', '/gate/api/v1/keys/glk_AAAAAAAAAAAAAAAA');
    expect(statusOf(answer)).toBe(405);
    expect(answer).toMatch(/^allow: DELETE\r$/im);
    expect(statusOf(await raw('PUT', '/gate/api/v1/keys/glk_AAAAAAAAAAAAAAAA/rotate'))).toBe(405);
  });
});

describe('a body', () => {
  it.each([
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '1',
    '{}',
    '{"name":1}',
    '{"name":null}',
    '{"name":["x"]}',
    '{"name":"x","scopes":"read"}',
    '{"name":"x","scopes":[1]}',
    '{"name":"x","scopes":null}',
    '{"name":"x","roles":"admin"}',
    '{"name":"x","networks":{}}',
    '{"name":"x","expires_at":1}',
    '{"name":"x","expires_at":"tomorrow"}',
    '{"name":"x","expires_at":"2026-02-30T00:00:00Z"}',
    '{"name":"x","expires_at":"2026-02-03T00:00:00"}',
    '{"name":"x","not_before":"0000"}',
    '{"name":"x","expires":"30d"}',
    '{"name":"x","user":7}',
    '{"name":"x","userId":"usr_alice"}',
    '{"name":"x","createdBy":"usr_bob"}',
    '{"name":"x","__proto__":{"scopes":["admin"]}}',
    '{"name":"x","constructor":{}}',
    `{"name":"x","scopes":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
  ])('such as %.60s is refused', async (body) => {
    expect((await call('POST', '/keys', body)).short).toBe('400 invalid-request');
  });

  it.each([
    '{"overlap_seconds":-1}',
    '{"overlap_seconds":1.5}',
    '{"overlap_seconds":"60"}',
    '{"overlap_seconds":1e400}',
    '{"overlap_seconds":2592001}',
    '{"overlap":60}',
    '[]',
    'x',
  ])('such as %s rotates nothing', async (body) => {
    const text = await keyOfUser(stand, stand.alice);
    expect((await call('POST', `/keys/${text.slice(0, 20)}/rotate`, body)).short).toBe('400 invalid-request');
    expect((await stand.store.apiKeys.findById(text.slice(4, 20)))?.rotatedAt).toBeNull();
  });

  it('of another type, or too long, is refused before it is looked at', async () => {
    const form = await stand.request('/gate/api/v1/keys', {
      method: 'POST',
      headers: { 'x-api-key': manager, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'name=x',
    });
    expect(form.status).toBe(415);
    const plain = await stand.request('/gate/api/v1/keys/glk_AAAAAAAAAAAAAAAA/rotate', {
      method: 'POST',
      headers: { 'x-api-key': manager, 'content-type': 'text/plain' },
      body: '{}',
    });
    expect(plain.status).toBe(415);
    expect((await call('POST', '/keys', { name: 'x'.repeat(70_000) })).short).toBe('413 payload-too-large');
    const type = 'Content-Type: application/json';
    const chunk = '10000\r\n'.concat('x'.repeat(0x10000), '\r\n');
    const chunked = await raw('POST', '/gate/api/v1/keys', [type, 'Transfer-Encoding: chunked'], chunk.repeat(3));
    expect(statusOf(chunked)).toBe(413);
  });

  it('is read after the caller is known: nobody’s is not', async () => {
    const response = await stand.request('/gate/api/v1/keys', { method: 'POST', body: '{' });
    expect(response.status).toBe(401);
  });
});

it.each(['user=alice&user=bob', 'username=alice', 'user=alice&x=1', 'User=alice', '__proto__=x'])(
  'the query %s is refused',
  async (query) => {
    expect((await call('GET', `/keys?${query}`)).short).toBe('400 invalid-request');
  },
);
