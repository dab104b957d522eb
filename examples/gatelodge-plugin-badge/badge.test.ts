import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Installation, installPlugins, type Served } from '../../test/plugins/installed-plugin.ts';

const SECRET = 'a-secret-for-the-badges-of-this-test';
const HOUR = 3_600_000;

/** Made here a second time, so that a change of the form is seen: badges are on paper already. */
function badge(name: string, endsAt = Date.now() + HOUR, secret = SECRET): string {
  const label = `${name}.${Math.floor(endsAt / 1000)}`;
  return `${label}.${createHmac('sha256', secret).update(label).digest('base64url')}`;
}
const inHeader = (text: string) => ({ Authorization: `Badge ${text}` });
const inCookie = (...texts: string[]) => ({ Cookie: texts.map((text) => `__Secure-badge=${text}`).join('; ') });

const CONFIGURATION = `
listen: {port: 0}
data_dir: ./data
public_url: https://auth.example.com/lodge
users:
  - {username: admin, roles: [admin]}
auth_plugins:
  badge:
    module: ./node_modules/gatelodge-plugin-badge/index.js
    secret_file: ./badge-secret
    home: https://app.example.com/welcome
    cookie_domain: example.com
paths:
  - {path: /team, roles: [admin], plugins: [badge]}
  - {path: /admin-only, users: [admin], plugins: [badge]}
  - {path: /, plugins: [badge]}
`;

/** The package as it is published: its package.json says which files. */
function packageFiles(): Record<string, string> {
  const manifest = readFileSync(join(import.meta.dirname, 'package.json'), 'utf8');
  // The package.json beside this file.
  const { files } = JSON.parse(manifest) as { files: string[] };
  return Object.fromEntries(
    ['package.json', ...files].map((file) => [
      `node_modules/gatelodge-plugin-badge/${file}`,
      readFileSync(join(import.meta.dirname, file), 'utf8'),
    ]),
  );
}

let installation: Installation;
let service: Served;

beforeAll(async () => {
  installation = await installPlugins({
    ...packageFiles(),
    'badge-secret': `${SECRET}\n`,
    'gatelodge.yaml': CONFIGURATION,
  });
  service = await installation.serve();
});
afterAll(async () => {
  await service?.stop();
  await installation?.remove();
});

describe('a badge', () => {
  test('opens, in a header and in a cookie, and says who it is', async () => {
    const text = badge('guest-17');
    for (const headers of [inHeader(text), inCookie(text)]) {
      const answer = await service.validate(headers);
      expect(answer.status).toBe(200);
      expect(answer.headers).toMatchObject({
        'x-auth-user': 'badge:guest-17',
        'x-auth-subject': 'badge:guest-17',
        'x-auth-roles': 'visitor',
        'x-auth-method': 'badge',
        'x-auth-badge': text.slice(0, text.lastIndexOf('.')),
      });
    }
  });

  test('is not opened by anything but its own signature', async () => {
    const good = badge('guest-17');
    const [, end = '', signature = ''] = good.split('.');
    const forged = [
      badge('guest-17', Date.now() + HOUR, 'another-secret-of-some-32-characters'),
      `guest-18.${end}.${signature}`,
      `guest-17.${Number(end) + 1}.${signature}`,
      `guest-17.${end}.${signature.slice(0, -1)}${signature.endsWith('A') ? 'B' : 'A'}`,
      `${good}=`,
      `guest-17.${end}.`,
      `guest-17.${end}`,
      '',
    ];
    for (const text of forged) {
      const answer = await service.validate(inHeader(text));
      expect([text, answer.status, answer.headers['x-auth-reason']]).toEqual([text, 401, 'credentials-rejected']);
    }
  });

  test('ends', async () => {
    const text = badge('guest-17', Date.now() - 1_000);
    expect((await service.validate(inHeader(text))).headers['x-auth-reason']).toBe('credentials-rejected');
    expect((await service.validate(inCookie(text))).headers['x-auth-reason']).toBe('session-expired');
  });

  test('does not become a user of the directory by its name', async () => {
    const text = badge('admin');
    expect((await service.validate(inHeader(text), '/team')).status).toBe(403);
    expect((await service.validate(inHeader(text), '/admin-only')).status).toBe(403);
  });

  test('is asked for, and left alone where there is none', async () => {
    const nobody = await service.validate();
    expect(nobody.status).toBe(401);
    expect(nobody.headers).toMatchObject({ 'x-auth-reason': 'no-credentials', 'www-authenticate': 'Badge' });
    const other = await service.validate({ Authorization: 'Basic YTpi', Cookie: 'x__Secure-badge=1' });
    expect(other.headers['x-auth-reason']).toBe('no-credentials');
  });

  test('is refused where two cookies claim to be it', async () => {
    expect((await service.validate(inCookie(badge('guest-17'), badge('guest-18')))).status).toBe(401);
  });

  test('comes from make-badge', async () => {
    const command = join(installation.directory, 'node_modules/gatelodge-plugin-badge/make-badge.js');
    const secret = join(installation.directory, 'badge-secret');
    const { stdout } = await promisify(execFile)(process.execPath, [command, 'guest-19', '8', secret]);
    const answer = await service.validate(inHeader(stdout.trim()));
    expect(answer.headers['x-auth-user']).toBe('badge:guest-19');
  });
});

describe('the page', () => {
  const redeem = (text: string, headers: Readonly<Record<string, string>> = {}) =>
    service.ask('/lodge/badge', {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
      body: `badge=${encodeURIComponent(text)}`,
    });

  test('takes a badge and sets the cookie that opens', async () => {
    expect((await service.ask('/lodge/badge')).body.toString()).toContain('<form method="post">');
    const text = badge('guest-17');
    const answer = await redeem(` ${text}\r\n`);
    expect([answer.status, answer.headers.location]).toEqual([303, 'https://app.example.com/welcome']);
    expect(answer.headers['content-length']).toBe('0');
    const cookie = answer.headers['set-cookie']?.[0] ?? '';
    expect(cookie).toMatch(/; Path=\/; Domain=example\.com; Max-Age=3[56]\d\d; Secure; HttpOnly; SameSite=Lax$/);
    expect((await service.validate({ Cookie: cookie.split(';')[0] ?? '' })).status).toBe(200);
  });

  test.for([
    ['a forged badge', 401, 'guest-17.1.x', {}],
    ['an ended one', 401, badge('guest-17', Date.now() - 1_000), {}],
    ['another site’s form', 403, badge('guest-17'), { 'Sec-Fetch-Site': 'cross-site' }],
    ['a large body', 413, 'x'.repeat(2_000), {}],
  ] as const)('sets none for %s', async ([, status, text, headers]) => {
    const answer = await redeem(text, headers);
    expect([answer.status, answer.headers['set-cookie']]).toEqual([status, undefined]);
    expect(answer.body.toString()).not.toContain(text.slice(0, 20));
  });

  test('is below the base path only', async () => {
    expect((await service.ask('/badge')).status).toBe(404);
    expect((await service.ask('/lodge/badge', { method: 'DELETE' })).headers['allow']).toBe('GET, POST, HEAD');
  });
});

describe('the commands', () => {
  test('explain tells that a URL is the plugin’s own', async () => {
    const { code, stdout } = await installation.run(
      ...['explain', '-c', 'gatelodge.yaml', '--json', 'https://auth.example.com/lodge/badge'],
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ plugin_path: '/lodge/badge', plugin: 'badge' });
  });

  test('plugins lists it with its options', async () => {
    const { code, stdout } = await installation.run('plugins', '-c', 'gatelodge.yaml');
    expect(code).toBe(0);
    for (const word of ['badge', 'cookie_domain', 'Roles of everybody with a badge']) expect(stdout).toContain(word);
    expect(stdout).not.toContain(SECRET);
  });

  test.for([
    ['secret: too-short', 'secret'],
    ['home: /welcome', 'home'],
    ['path: badge', 'path'],
    ['roles: visitor', 'roles'],
    ['colour: red', 'colour'],
  ] as const)('the start names a bad option: %s', async ([line, key]) => {
    const sound = ['    secret: 0123456789-0123456789-0123456789', '    home: https://app.example.com/'];
    const lines = [...sound.filter((other) => !other.trim().startsWith(`${key}:`)), `    ${line}`];
    const other = await installPlugins({
      ...packageFiles(),
      'gatelodge.yaml': `listen: {port: 0}\nauth_plugins:\n  badge:\n    module: gatelodge-plugin-badge\n${lines.join('\n')}\n`,
    });
    try {
      const { code, stderr } = await other.run('serve', '-c', 'gatelodge.yaml');
      expect(code).toBe(1);
      expect(stderr.split('\n').filter((text) => text.startsWith('gatelodge.yaml:'))).toHaveLength(1);
      expect(stderr).toMatch(new RegExp(`^gatelodge\\.yaml:\\d+:\\d+: auth_plugins\\.badge\\.${key}: `, 'm'));
    } finally {
      await other.remove();
    }
  });
});
