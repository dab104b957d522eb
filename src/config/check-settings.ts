import { dirname, resolve } from 'node:path';
import { parseNetwork } from '../domain/network.ts';
import { checkCompat } from './check-compat.ts';
import { checkIdentityJwt } from './check-identity-jwt.ts';
import { checkListeners } from './check-listeners.ts';
import { checkPassword } from './check-plugins.ts';
import { type ConfigurationDocument, locate } from './document.ts';
import type { KeyPath } from './key-path.ts';
import { readLogo } from './logo.ts';
import type { Reporter } from './reporter.ts';
import type { Configuration } from './schema.ts';

/** What more than one key is needed to judge outside the rules and plugins, and what this version does not have. */
export function checkSettings(configuration: Configuration, document: ConfigurationDocument, reporter: Reporter): void {
  checkUsers(configuration, reporter);
  checkCookie(configuration, reporter);
  checkTrust(configuration, reporter);
  checkLogo(configuration, document.file, reporter);
  checkListeners(configuration, document.file, reporter);
  checkLoki(configuration, reporter);
  checkTokens(configuration, reporter);
  checkIdentityJwt(configuration, reporter);
  checkCompat(configuration, document, reporter);
  checkVersion(configuration, document, reporter);
}

function checkUsers(configuration: Configuration, reporter: Reporter): void {
  const names = new Set<string>();
  for (const [index, user] of configuration.users.entries()) {
    const path = ['users', index];
    if (names.has(user.username))
      reporter.report('duplicate-name', [...path, 'username'], 'another user has this name');
    names.add(user.username);
    if (user.password !== undefined) checkPassword(user.password, [...path, 'password'], reporter);
  }
}

function checkCookie({ cookie, public_url }: Configuration, reporter: Reporter): void {
  const url = public_url === undefined ? null : new URL(public_url);
  const secure = cookie.secure === 'auto' ? url?.protocol === 'https:' : cookie.secure;
  if (cookie.same_site === 'none' && !secure) {
    reporter.report(
      'invalid-value',
      ['cookie', 'same_site'],
      'browsers take none only from a secure cookie: set cookie.secure, or an https public_url',
    );
  }
  if (cookie.secure === false && url?.protocol === 'https:') {
    reporter.report(
      'insecure-cookie',
      ['cookie', 'secure'],
      'public_url is https, but the cookie also travels over http',
      { severity: 'warning' },
    );
  }
  if (/^__(?:Host|Secure)-/i.test(cookie.name)) {
    reporter.report(
      'invalid-value',
      ['cookie', 'name'],
      'gets this beginning by itself where the cookie is secure, and browsers take none with it elsewhere',
    );
  }
  const domain = cookie.domain?.replace(/^\./, '').toLowerCase();
  if (domain !== undefined && url !== null && url.hostname !== domain && !url.hostname.endsWith(`.${domain}`)) {
    reporter.report(
      'invalid-value',
      ['cookie', 'domain'],
      'the host of public_url is not below this domain: browsers would refuse the cookie',
    );
  }
}

function checkTrust({ trusted_proxies: trusted }: Configuration, reporter: Reporter): void {
  for (const [index, network] of trusted.entries()) {
    if (parseNetwork(network)?.prefix !== 0) continue;
    const message =
      'whoever reaches a listener is believed about every URL and address: name the front server’s addresses';
    reporter.report('trusts-everybody', ['trusted_proxies', index], message, { severity: 'warning' });
  }
}

function checkLogo({ branding }: Configuration, file: string, reporter: Reporter): void {
  if (branding.logo === undefined) return;
  const { why } = readLogo(resolve(dirname(file), branding.logo));
  if (why !== null) reporter.report('unreadable-file', ['branding', 'logo'], `the logo cannot be used: ${why}`);
}

function checkLoki({ log: { loki } }: Configuration, reporter: Reporter): void {
  if (loki === undefined || typeof loki === 'string') return;
  const inUrl = URL.canParse(loki.url) && new URL(loki.url).username !== '';
  if (inUrl && (loki.username !== undefined || loki.password !== undefined))
    reporter.report(
      'contradictory-options',
      ['log', 'loki', 'url'],
      'has a user in it, and there is another beside it',
    );
  if (!inUrl && loki.password !== undefined && loki.username === undefined)
    reporter.report('missing-key', ['log', 'loki', 'username'], 'is needed with a password');
}

function checkTokens({ tokens }: Configuration, reporter: Reporter): void {
  if (tokens.refresh_lifetime >= tokens.lifetime) return;
  const message = 'a login ends before tokens.lifetime, and its access tokens with it';
  reporter.report('contradictory-options', ['tokens', 'refresh_lifetime'], message, { severity: 'warning' });
}

function checkVersion(configuration: Configuration, document: ConfigurationDocument, reporter: Reporter): void {
  const refuse = (path: KeyPath, message: string) => reporter.report('not-in-this-version', path, message);
  if (configuration.storage !== 'sqlite') refuse(['storage'], 'PostgreSQL is not in this version: use sqlite');
  if (configuration.redis !== null) refuse(['redis'], 'Redis is not in this version');
  if (locate(document, ['backend']) !== null) {
    reporter.report('ignored-key', ['backend'], 'is ignored: the front server forwards requests', {
      severity: 'warning',
      part: 'key',
    });
  }
}
