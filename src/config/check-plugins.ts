import { createPublicKey } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { classifyPassword } from '../adapters/passwords.ts';
import { parseHtpasswd } from './htpasswd.ts';
import type { KeyPath } from './key-path.ts';
import type { BasicOptions, JwtOptions } from './plugin-options.ts';
import type { Reporter } from './reporter.ts';
import { readSmallFile } from './resolve.ts';

/** Judges what stands in a password field without hashing anything. */
export function checkPassword(text: string, path: KeyPath, reporter: Reporter): void {
  const found = classifyPassword(text);
  if (found.kind === 'unusable')
    reporter.report('unusable-hash', path, `the password hash cannot be used: ${found.why}`);
}

/** Checks a basic instance's own users; returns the options with `htpasswd` as an absolute path. */
export function checkBasic(options: BasicOptions, file: string, path: KeyPath, reporter: Reporter): BasicOptions {
  for (const [name, password] of Object.entries(options.users ?? {}))
    checkPassword(password, [...path, 'users', name], reporter);
  if (options.htpasswd === undefined) return options;
  const htpasswd = resolve(dirname(file), options.htpasswd);
  const content = readSmallFile(htpasswd);
  if (content.text === null) {
    reporter.report('unreadable-file', [...path, 'htpasswd'], `the file cannot be read: ${content.why}`);
    return options;
  }
  const { entries, problems } = parseHtpasswd(content.text);
  for (const name of Object.keys(options.users ?? {})) {
    if (!entries.has(name)) continue;
    const message = 'the htpasswd file has this user too: one of the two passwords would not count';
    reporter.report('duplicate-name', [...path, 'users', name], message, { part: 'key' });
  }
  for (const problem of problems) {
    reporter.add({ severity: 'error', file: htpasswd, column: 1, path: '', ...problem });
  }
  return { ...options, htpasswd };
}

/** Bytes a shared secret should have at least: as many as the hash (RFC 7518 section 3.2). */
const HASH_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };

/**
 * Checks that one kind of key is given and that the algorithms fit it, so that a public key can never be taken for a
 * shared secret (RFC 8725 section 3.1). Returns the options with `algorithms` always set and the two claim names of
 * python-auth-proxy folded into `claims`.
 * @param given the options as they stand in the file
 */
export function checkJwt(
  options: JwtOptions,
  given: Readonly<Record<string, unknown>>,
  path: KeyPath,
  reporter: Reporter,
): JwtOptions {
  const keys = ['secret', 'public_key', 'jwks_url'] as const;
  // A key that was refused is not missing too.
  const kinds = keys.filter((key) => options[key] !== undefined || reporter.isRefused([...path, key]));
  const withSecret = kinds.includes('secret');
  if (kinds.length === 0)
    reporter.report('missing-key', path, 'one of secret, public_key and jwks_url is needed', { part: 'key' });
  for (const key of kinds.slice(1)) {
    reporter.report(
      'contradictory-options',
      [...path, key],
      `only one of secret, public_key and jwks_url can be given, and there is ${kinds[0]}`,
      { part: 'key' },
    );
  }
  if (options.algorithm !== undefined && options.algorithms !== undefined) {
    reporter.report('contradictory-options', [...path, 'algorithms'], 'either algorithm or algorithms', {
      part: 'key',
    });
  }
  const fallback = withSecret ? ['HS256' as const] : [];
  const algorithms = options.algorithms ?? (options.algorithm === undefined ? fallback : [options.algorithm]);
  const isRefused = ['algorithm', 'algorithms'].some((key) => reporter.isRefused([...path, key]));
  if (algorithms.length === 0 && kinds.length > 0 && !isRefused) {
    reporter.report('missing-key', [...path, 'algorithm'], `is needed with ${kinds[0]}`);
  }
  const place = [...path, options.algorithms === undefined ? 'algorithm' : 'algorithms'];
  const shared = algorithms.filter((algorithm) => algorithm.startsWith('HS'));
  if (kinds.length === 1 && shared.length !== (withSecret ? algorithms.length : 0)) {
    reporter.report(
      'contradictory-options',
      place,
      withSecret ? 'with a secret only HS256, HS384 and HS512 can be used' : 'HS256, HS384 and HS512 need a secret',
    );
  }
  if (options.secret !== undefined) {
    const needed = Math.max(...algorithms.map((algorithm) => HASH_BYTES[algorithm] ?? 0));
    if (Buffer.byteLength(options.secret) < needed) {
      const message = `the secret is shorter than ${needed} bytes (RFC 7518 section 3.2): tokens could be forged by guessing it`;
      reporter.report('weak-secret', [...path, 'secret'], message, { severity: 'warning' });
    }
  }
  if (options.public_key !== undefined) checkPublicKey(options.public_key, [...path, 'public_key'], reporter);
  return foldClaims({ ...options, algorithms }, given, path, reporter);
}

function checkPublicKey(text: string, path: KeyPath, reporter: Reporter): void {
  if (/PRIVATE KEY|"d"\s*:/.test(text)) {
    reporter.report('invalid-value', path, 'this is a private key: only the issuer should have it');
    return;
  }
  try {
    if (!text.trimStart().startsWith('{')) createPublicKey(text);
    else {
      const jwk = JSON.parse(text) as { keys?: unknown; kty?: unknown };
      if (typeof jwk.kty !== 'string' && !Array.isArray(jwk.keys)) throw new TypeError('neither a key nor a set');
    }
  } catch {
    reporter.report('invalid-value', path, 'expected a public key or certificate in PEM, or a JWK or JWK set in JSON');
  }
}

function foldClaims(
  options: JwtOptions,
  given: Readonly<Record<string, unknown>>,
  path: KeyPath,
  reporter: Reporter,
): JwtOptions {
  const { user_claim, role_claim, ...rest } = options;
  const written = typeof given['claims'] === 'object' && given['claims'] !== null ? given['claims'] : {};
  const claims = { ...options.claims };
  for (const [alias, name, claim] of [
    ['user_claim', 'user', user_claim],
    ['role_claim', 'roles', role_claim],
  ] as const) {
    if (claim === undefined) continue;
    if (Object.hasOwn(written, name))
      reporter.report('contradictory-options', [...path, alias], `claims.${name} says the same`, { part: 'key' });
    claims[name] = claim;
  }
  return { ...rest, claims };
}
