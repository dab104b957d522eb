import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type ClientOptions, createClient, GatelodgeClientError } from '../../src/client/client.ts';
import { KEY, LOGIN } from './lodge.ts';

/** As a program in JavaScript calls it: nothing holds it to the types. */
function refusal(options: unknown): GatelodgeClientError {
  try {
    createClient(options as ClientOptions);
  } catch (error) {
    if (error instanceof GatelodgeClientError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('the address of gatelodge', () => {
  test.each([
    'https://auth.example.com',
    'https://app.example.com/gatelodge/',
    'http://127.0.0.1:9190',
    'http://127.1',
    'http://0x7f.0.0.1',
    'http://[::1]:9190/gate',
    'http://localhost',
  ])('may be %s', (url) => {
    expect(() => createClient({ url, key: KEY })).not.toThrow();
    expect(() => createClient({ url: new URL(url), key: KEY })).not.toThrow();
  });

  test.each([
    'http://auth.example.com',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'http://example.localhost',
    'http://0.0.0.0',
    'http://[::ffff:127.0.0.1]',
    'http://10.0.0.1',
  ])('is refused without TLS: %s, unless somebody says so', (url) => {
    expect(refusal({ url, key: KEY }).code).toBe('invalid-options');
    expect(() => createClient({ url, key: KEY, insecure: true })).not.toThrow();
  });

  test.each([
    ...['', '/gatelodge', 'auth.example.com', 'ftp://auth.example.com', 'data:text/plain,x', 'file:///etc', 'blob:x'],
    ...['https://alice:secret@auth.example.com', 'https://auth.example.com/?a=b', 'https://auth.example.com/#x'],
    ...[undefined, null, 7, {}],
  ])('is refused: %s', (url) => {
    expect(refusal({ url, key: KEY, insecure: true }).code).toBe('invalid-options');
  });
});

describe('origins', () => {
  test.each([
    ...['*', 'null', 'https://*', 'app.example.com', 'https://app.example.com/path', 'https://app.example.com?x=1'],
    ...[
      'http://app.example.com',
      'https://a:b@app.example.com',
      'javascript:alert(1)',
      'blob:https://app.example.com/1',
    ],
    ...[null, 1, 'https://*.example.com'],
  ])('are refused: %s', (origin) => {
    expect(refusal({ url: 'https://auth.example.com', key: KEY, origins: [origin] }).code).toBe('invalid-options');
  });
});

describe('credentials', () => {
  test.each([
    {},
    { key: '' },
    { key: 'not-a-key' },
    { key: `${KEY}\r\nX-Evil: 1` },
    { key: 7 },
    { key: KEY, ...LOGIN },
    { username: 'alice' },
    { password: 'p' },
    { username: 'alice', password: '' },
    { refreshToken: '' },
    { refreshToken: 'a b' },
    { refreshToken: ['x'] },
  ])('are refused: %o', (credentials) => {
    expect(refusal({ url: 'https://auth.example.com', ...credentials }).code).toBe('invalid-options');
  });

  test.each([
    { timeout: 0 },
    { timeout: Number.NaN },
    { timeout: -1 },
    { timeout: 2 ** 31 },
    { timeout: '5' },
    { fetch: 'x' },
    { clock: 1 },
    { onTokens: {} },
    { origins: 'https://app.example.com' },
  ])('come with other options that cannot be: %o', (option) => {
    expect(refusal({ url: 'https://auth.example.com', key: KEY, ...option }).code).toBe('invalid-options');
  });

  test('are in no error and in nothing that the client shows', () => {
    const secrets = { key: 'glk_hidden hidden', password: 'hidden', refreshToken: 'hidden hidden' };
    const options = [
      { ...secrets },
      { key: secrets.key },
      { refreshToken: secrets.refreshToken },
      { username: 'hidden', password: 'hidden', key: 'glk_hidden' },
      { url: 'https://x:hidden@auth.example.com' },
    ];
    for (const one of options) {
      const error = refusal({ url: 'https://auth.example.com', ...one });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hidden hidden');
      expect(error.message).not.toContain('hidden');
    }
    const client = createClient({ url: 'https://auth.example.com', ...LOGIN, refreshToken: 'the-refresh-token' });
    const shown = inspect(client, { depth: 9, showHidden: true }) + JSON.stringify(client);
    expect(shown).not.toMatch(/correct horse|the-refresh-token/);
  });
});
