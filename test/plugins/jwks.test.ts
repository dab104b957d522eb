import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { jwtOptions } from '../../src/config/plugin-options.ts';
import type { AuthenticationPlugin } from '../../src/domain/authentication.ts';
import { createJwtPlugin } from '../../src/plugins/jwt.ts';
import { portOf } from '../support/free-port.ts';
import { forge, jwk, OTHER_RSA, RSA, rsa } from './forged-jwt.ts';
import { says } from './plugin-stand.ts';

/** The issuer's server, which does what the test says. */
let issuer: Server;
let answer: RequestListener;
let asked: string[];
let plugin: AuthenticationPlugin;
beforeEach(async () => {
  asked = [];
  issuer = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  });
  issuer.listen(0, '127.0.0.1');
  await once(issuer, 'listening');
  const options = {
    jwks_url: `http://127.0.0.1:${portOf(issuer.address())}/keys`,
    algorithm: 'RS256',
    audience: 'app',
  };
  plugin = createJwtPlugin(jwtOptions.parse(options), { instance: 'corp', clock: Date.now, log: () => {} });
});
afterEach(async () => {
  vi.useRealTimers();
  issuer.closeAllConnections();
  await new Promise((resolve) => issuer.close(resolve));
});

const publish =
  (...keys: object[]): RequestListener =>
  (_request, response) =>
    void response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys }));
const claims = () => ({ sub: 'alice', aud: 'app', exp: Math.floor(Date.now() / 1_000) + 600 });
const token = (kid: string, key = RSA.privateKey, header: object = {}) =>
  forge({ alg: 'RS256', kid, ...header }, claims(), rsa(key));
const bearer = (text: string) =>
  says(plugin, ['authorization', `Bearer ${text}`]).catch((error: { code?: string }) => `failed ${error.code}`);

it('takes what the published keys have signed, and asks for them once', async () => {
  answer = publish(jwk(RSA.publicKey, 'one'));
  expect(await bearer(token('one'))).toBe('alice');
  expect(await bearer(token('one', RSA.privateKey, { x: 1 }))).toBe('alice');
  expect(await bearer(token('one', OTHER_RSA.privateKey))).toBe('credentials-rejected');
  expect(asked).toEqual(['/keys']);
});

it('asks nobody whom a token names', async () => {
  answer = publish(jwk(RSA.publicKey, 'one'));
  const own = `http://127.0.0.1:${portOf(issuer.address())}/evil`;
  const jku = token('one', OTHER_RSA.privateKey, { jku: own, x5u: own, jwk: jwk(OTHER_RSA.publicKey, 'one') });
  expect(await bearer(jku)).toBe('credentials-rejected');
  expect(asked).toEqual(['/keys']);
});

it('accepts a new key after the issuer’s rotation, and asks no more than every 10 s however many unknown ones are named', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  answer = publish(jwk(RSA.publicKey, 'one'));
  expect(await bearer(token('one'))).toBe('alice');
  answer = publish(jwk(RSA.publicKey, 'one'), jwk(OTHER_RSA.publicKey, 'two'));
  for (let index = 0; index < 20; index += 1)
    expect(await bearer(token(`unknown${index}`))).toBe('credentials-rejected');
  expect(asked).toHaveLength(1);
  vi.setSystemTime(Date.now() + 10_001);
  expect(await bearer(token('two', OTHER_RSA.privateKey))).toBe('alice');
  for (let index = 0; index < 20; index += 1)
    expect(await bearer(token(`unknown${index}`))).toBe('credentials-rejected');
  expect(asked).toHaveLength(2);
});

describe('keys that cannot be had are not the token’s fault', () => {
  it.each<[string, RequestListener]>([
    ['an error', (_request, response) => void response.writeHead(500).end()],
    ['no JSON', (_request, response) => void response.end('<html>')],
    ['another JSON', (_request, response) => void response.end('[]')],
    ['no keys', (_request, response) => void response.end('{"keys":{}}')],
    ['a connection that is cut', (request) => void request.socket.destroy()],
    [
      'a redirect',
      (request, response) =>
        request.url === '/keys'
          ? void response.writeHead(302, { Location: '/moved' }).end()
          : publish(jwk(RSA.publicKey, 'one'))(request, response),
    ],
    ['silence', () => {}],
  ])('%s', async (_what, does) => {
    answer = does;
    expect(await bearer(token('one'))).toBe('failed store-unavailable');
    expect(asked).not.toContain('/moved');
  });

  it('nobody there, and then somebody', async () => {
    answer = (request) => void request.socket.destroy();
    expect(await bearer(token('one'))).toBe('failed store-unavailable');
    answer = publish(jwk(RSA.publicKey, 'one'));
    expect(await bearer(token('one'))).toBe('alice');
  });

  it('another issuer’s token is refused without asking for them, so that who knows it is asked next', async () => {
    answer = (request) => void request.socket.destroy();
    const options = {
      jwks_url: `http://127.0.0.1:${portOf(issuer.address())}/keys`,
      algorithm: 'RS256',
      issuer: 'corp',
    };
    plugin = createJwtPlugin(jwtOptions.parse(options), { instance: 'corp', clock: Date.now, log: () => {} });
    const of = (iss: unknown) => forge({ alg: 'RS256', kid: 'one' }, { ...claims(), iss }, rsa(RSA.privateKey));
    for (const iss of ['other', undefined, ['corp'], 'Corp'])
      expect(await bearer(of(iss)), String(iss)).toBe('credentials-rejected');
    expect(asked).toEqual([]);
    expect(await bearer(of('corp'))).toBe('failed store-unavailable');
  });

  it('a garbage token is refused without asking for them', async () => {
    answer = () => {};
    for (const text of [
      'x',
      'a.b.c',
      forge({ alg: 'none', kid: 'one' }, claims(), () => ''),
      forge({ alg: 'HS256', kid: 'one' }, claims(), () => 'x'),
    ]) {
      expect(await bearer(text), text).toBe('credentials-rejected');
    }
    expect(asked).toEqual([]);
  });
});
