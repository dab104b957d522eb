import { describe, expect, it } from 'vitest';
import { configurationSchema } from '../../src/config/schema.ts';
import { clearedSessionCookie, sessionCookie, sessionCookieName } from '../../src/http/cookies.ts';

function configuration(cookie: Record<string, unknown>, publicUrl = 'https://auth.example.com') {
  return configurationSchema.parse({ cookie, public_url: publicUrl });
}

describe('the session cookie', () => {
  it.each([
    [{}, 'https://a.test', '__Host-gatelodge'],
    [{}, 'HTTPS://a.test', '__Host-gatelodge'],
    [{}, 'http://a.test', 'gatelodge'],
    [{ secure: true }, 'http://a.test', '__Host-gatelodge'],
    [{ secure: false }, 'https://a.test', 'gatelodge'],
    [{ domain: 'example.com' }, 'https://a.test', '__Secure-gatelodge'],
    [{ domain: 'example.com' }, 'http://a.test', 'gatelodge'],
    [{ name: 'sid' }, 'https://a.test', '__Host-sid'],
  ])('%j at %s is called %s', (cookie, publicUrl, name) => {
    expect(sessionCookieName(configuration(cookie, publicUrl))).toBe(name);
  });

  it('is not secure where nobody said that browsers come over https', () => {
    expect(sessionCookieName(configurationSchema.parse({}))).toBe('gatelodge');
  });

  it('keeps what its prefix promises', () => {
    expect(sessionCookie(configuration({}), 'v', null)).toBe(
      '__Host-gatelodge=v; Path=/; HttpOnly; Secure; SameSite=Lax',
    );
    expect(sessionCookie(configuration({ domain: '.example.com', same_site: 'strict' }), 'v', 90_500)).toBe(
      '__Secure-gatelodge=v; Path=/; Domain=example.com; Max-Age=90; HttpOnly; Secure; SameSite=Strict',
    );
    expect(sessionCookie(configuration({ same_site: 'none' }, 'http://a.test'), 'v', null)).toBe(
      'gatelodge=v; Path=/; HttpOnly; SameSite=None',
    );
  });

  it('is cleared under the name, path and domain it was set with', () => {
    expect(clearedSessionCookie(configuration({ domain: 'example.com' }))).toBe(
      '__Secure-gatelodge=; Path=/; Domain=example.com; Max-Age=0; HttpOnly; Secure; SameSite=Lax',
    );
  });
});
