import { afterEach, expect, it } from 'vitest';
import { GatelodgeError } from '../../../src/domain/errors.ts';
import type { Identity } from '../../../src/domain/identity.ts';
import type { IdentityToken, IdentityTokens } from '../../../src/flows/identity-tokens.ts';
import { good, plugin } from '../../decision/asking.ts';
import { check, viaForwarded, viaNginx } from '../../security/wire.ts';
import { type DecisionStand, decisionStand } from './stand.ts';

const HOST = 'app.example.com';
const RULES = [
  { path: '/public', authenticate: false },
  { path: '/role', plugins: ['good'], roles: ['x'] },
  { path: '/', plugins: ['good'] },
];
const token = (text: string): IdentityToken => ({ text, bearer: `Bearer ${text}`, signedAt: 0, renewAt: 0 });

let stand: DecisionStand;
afterEach(() => stand.stop());

async function open(tokenFor: IdentityTokens['tokenFor'] | null): Promise<void> {
  stand = await decisionStand({
    plugins: [plugin('good', good({ roles: ['a'] }))],
    configuration: { paths: RULES, auth_plugins: {} },
    ...(tokenFor === null ? {} : { identityTokens: { tokenFor } }),
  });
}
const nginx = (path: string, ...more: string[]) =>
  check(stand.port, viaNginx(`https://${HOST}:8443${path}`, ...more), { path: '/validate/nginx' });

it('is in no answer where it is off', async () => {
  await open(null);
  for (const path of ['/', '/public', '/role']) {
    const answer = await nginx(path, 'Authorization: Bearer x', 'X-Auth-Token: x');
    expect([...answer.header('x-auth-token'), ...answer.header('authorization')]).toEqual([]);
  }
});

it('is in every answer that allows and no other, asked for with the identity and the host without its port', async () => {
  const asked: [string | undefined, string][] = [];
  await open((identity: Identity | null, host) => {
    asked.push([identity?.username, host]);
    return asked.length === 1 ? token('a.b.c') : Promise.resolve(token('d.e.f'));
  });
  for (const text of ['a.b.c', 'd.e.f']) {
    const answer = await nginx('/', 'Authorization: Bearer x', 'X-Auth-Token: x');
    expect(answer.status).toBe(200);
    expect(answer.header('x-auth-token')).toEqual([text]);
    expect(answer.header('authorization')).toEqual([`Bearer ${text}`]);
    expect(answer.header('x-auth-user')).toEqual(['alice']);
    expect(answer.header('content-length')).toEqual(['0']);
  }
  expect(asked).toEqual([
    ['alice', HOST],
    ['alice', HOST],
  ]);
  expect((await nginx('/role')).header('authorization')).toEqual([]);
  expect(asked).toHaveLength(2);
  await nginx('/public', 'Authorization: Bearer x');
  expect(asked[2]).toEqual([undefined, HOST]);
});

it('is empty where there is nobody to name, so that the client’s own is replaced by nothing', async () => {
  await open(() => null);
  const answer = await nginx('/public', 'Authorization: Bearer x', 'X-Auth-Token: x');
  expect(answer.status).toBe(200);
  expect(answer.header('x-auth-token')).toEqual(['']);
  expect(answer.header('authorization')).toEqual(['']);
});

it.each([
  [
    'throws',
    () => () => {
      throw new Error('no key');
    },
    'internal-error',
  ],
  ['rejects', () => () => Promise.reject(new Error('no key')), 'internal-error'],
  ['is refused', () => () => Promise.reject(new GatelodgeError('overloaded', 'x')), 'overloaded'],
  ['makes no header', () => () => token('a\r\nX-Evil: 1'), 'internal-error'],
] as const)('nothing is allowed without it: where signing %s', async (_what, make, reason) => {
  await open(make());
  for (const path of ['/', '/public']) {
    const answers = [await nginx(path), await check(stand.port, viaForwarded(HOST, path), { path: '/validate/caddy' })];
    expect(answers.map(({ status }) => status)).toEqual([403, 503]);
    for (const answer of answers) {
      expect(answer.header('x-auth-reason')).toEqual([reason]);
      expect([...answer.header('x-auth-token'), ...answer.header('authorization'), ...answer.header('x-evil')]).toEqual(
        [],
      );
    }
  }
  expect(stand.records.map(({ decision }) => decision.effect)).toEqual(Array(4).fill('unavailable'));
});
