import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { GatelodgeError } from '../../src/domain/errors.ts';
import { PASSWORD, type PublicStand, publicStand, START, type StandOptions } from './public-stand.ts';

let stand: PublicStand;
const open = async (options?: StandOptions) => {
  stand = await publicStand(options);
};
afterEach(() => stand.close());

const FORM_TYPE = 'application/x-www-form-urlencoded';
const json = (body: unknown, headers: Record<string, string> = {}) =>
  stand.request('/gate/auth', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const form = (body: string, type = FORM_TYPE) =>
  stand.request('/gate/auth', { method: 'POST', headers: { 'content-type': type }, body });
const good = { username: 'alice', password: PASSWORD };

describe('POST /auth', () => {
  it('gives a token that anybody can verify with the published keys', async () => {
    await open();
    const response = await json(good);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    // What it is, is asserted on the next lines.
    const body = (await response.json()) as { token: string };
    expect(body).toEqual({
      token: expect.any(String),
      refresh_token: expect.stringMatching(/^glr_[\w-]{16}\.[\w-]{43}$/),
      refresh_expires_at: '2026-01-31T00:00:00.000Z',
      token_type: 'Bearer',
      expires_at: '2026-01-01T01:00:00.000Z',
      expires_in: 3600,
    });
    for (const path of ['/gate/jwks', '/gate/.well-known/jwks.json']) {
      const set = (await (await stand.request(path)).json()) as JSONWebKeySet;
      expect(set.keys).toHaveLength(1);
      expect(set.keys[0]).not.toHaveProperty('d');
      const { payload, protectedHeader } = await jwtVerify(body.token, createLocalJWKSet(set), {
        currentDate: new Date(START),
      });
      expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: set.keys[0]?.kid });
      expect(payload).toEqual({
        iss: 'https://auth.example.com/gate',
        aud: 'https://auth.example.com/gate',
        sub: 'usr_alice',
        client_id: 'gatelodge',
        preferred_username: 'alice',
        iat: START / 1_000,
        exp: START / 1_000 + 3_600,
        auth_time: START / 1_000,
        jti: expect.stringMatching(/^[\w-]{22}$/),
        sid: expect.stringMatching(/^glf_[\w-]{16}$/),
        roles: ['admin', 'ops'],
        groups: ['staff'],
      });
    }
    expect(stand.events.map((event) => event.event)).toEqual(['login.succeeded', 'token.issued']);
  });

  it('takes a form too', async () => {
    await open();
    const body = new URLSearchParams(good).toString();
    expect((await form(body)).status).toBe(200);
    expect((await form(body, 'Application/X-WWW-Form-Urlencoded; charset=UTF-8')).status).toBe(200);
  });

  it('says the same to an unknown, a wrong and a locked user, at the same cost', async () => {
    await open();
    const answers: string[] = [];
    for (const body of [
      { ...good, password: 'x' },
      { ...good, username: 'nobody' },
    ]) {
      answers.push(await refusal(body));
    }
    await stand.store.users.setLocked('usr_alice', true, stand.now());
    answers.push(await refusal(good));
    expect(new Set(answers).size).toBe(1);
    expect(JSON.parse(answers[0] ?? '')).toEqual({ error: 'invalid-credentials', message: expect.any(String) });
    expect(stand.verifications()).toBe(3);
    async function refusal(body: unknown): Promise<string> {
      const response = await json(body);
      expect(response.status).toBe(401);
      return response.text();
    }
  });

  it.each([
    ['{"username":"alice"}', 400],
    ['{"username":"alice","password":""}', 400],
    ['{"username":"alice","password":1}', 400],
    ['{"username":["alice"],"password":"x"}', 400],
    ['[]', 400],
    ['null', 400],
    ['"x"', 400],
    ['{', 400],
    ['', 400],
    [`{"username":"alice","password":"${'x'.repeat(70_000)}"}`, 413],
  ])('refuses the body %.40s with %i', async (body, status) => {
    await open();
    const response = await json(body);
    expect(response.status).toBe(status);
    const error = status === 413 ? 'payload-too-large' : 'invalid-request';
    expect(await response.json()).toEqual({ error, message: expect.any(String) });
    expect(stand.verifications()).toBe(0);
  });

  it('refuses a field that was sent twice, and bytes that are no text', async () => {
    await open();
    expect((await form(`username=alice&password=x&password=${PASSWORD}`)).status).toBe(400);
    const request = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const body = Buffer.from('{"username":"alice","password":"\xff"}', 'latin1');
    expect((await stand.request('/gate/auth', { ...request, body })).status).toBe(400);
  });

  it.each(['text/plain', 'multipart/form-data; boundary=x', 'application/jsonp', ''])(
    'refuses %j with 415',
    async (type) => {
      await open();
      const response = await form(JSON.stringify(good), type);
      expect(response.status).toBe(415);
      expect(await response.json()).toMatchObject({ error: 'unsupported-media-type' });
    },
  );

  it('says that there is no body where there is none, and what is wrong with a field of one', async () => {
    await open();
    for (const headers of [{}, { 'content-type': 'application/json' }, { 'content-type': FORM_TYPE }]) {
      const response = await stand.request('/gate/auth', { method: 'POST', headers });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: 'invalid-request' });
    }
    const number = await json({ username: 'alice', password: 1 });
    expect(await number.json()).toMatchObject({ message: expect.stringMatching(/password.* string.* number/) });
  });

  it('reads no packed body, and says so', async () => {
    await open();
    const packed = await json(good, { 'content-encoding': 'gzip' });
    expect([packed.status, packed.headers.get('accept-encoding')]).toEqual([415, 'identity']);
    expect(stand.verifications()).toBe(0);
    expect((await json(good, { 'content-encoding': 'Identity' })).status).toBe(200);
  });

  it('says when to come back', async () => {
    await open({ configuration: { login_limits: { account: { attempts: 1, lock: '30s' } } } });
    await json({ ...good, password: 'wrong' });
    const response = await json(good);
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('30');
    expect(await response.json()).toMatchObject({ error: 'rate-limited' });
  });

  it('is 503 beyond the queue', async () => {
    const verify = () => Promise.reject(new GatelodgeError('overloaded', 'busy'));
    await open({ passwords: (real) => ({ ...real, verify }) });
    const response = await json(good);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: 'overloaded' });
    expect(response.headers.has('retry-after')).toBe(true);
  });

  it('tells nobody what broke, and tells us', async () => {
    const verify = () => Promise.reject(new Error('the secret is 42'));
    await open({ passwords: (real) => ({ ...real, verify }) });
    const response = await json(good);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('42');
    expect(stand.failures).toMatchObject([{ message: 'the secret is 42' }]);
  });
});
