import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { configurationOf, directoryWith, load, problems } from './loading.ts';

const rsa = (bits: number) =>
  generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

describe('identity_jwt', () => {
  it('is off by default, and on as it is named in the documentation', async () => {
    expect((await configurationOf('')).identity_jwt.enabled).toBe(false);
    const { identity_jwt: jwt } = await configurationOf('identity_jwt: {enabled: true}');
    expect(jwt).toMatchObject({ algorithm: 'ES256', subject: 'id', audience: 'host', lifetime: 300_000 });
    expect(jwt).toMatchObject({ roles_claim: 'roles' });
    const atoti = `
public_url: https://auth.example.com
anonymous: {user: anonymousUser, roles: [ROLE_ANONYMOUS]}
identity_jwt: {enabled: true, algorithm: RS512, subject: user, audience: none, roles_claim: authorities}
`;
    expect((await configurationOf(atoti)).identity_jwt.algorithm).toBe('RS512');
  });

  it.each<[string, string]>([
    ['identity_jwt: {enabled: true, algorithm: HS256}', 'invalid-value 1:42 identity_jwt.algorithm'],
    ['identity_jwt: {enabled: true, algorithm: none}', 'invalid-value 1:42 identity_jwt.algorithm'],
    ['identity_jwt: {enabled: true, audience: ""}', 'invalid-value 1:41 identity_jwt.audience'],
    ['identity_jwt: {enabled: true, issuer: ""}', 'invalid-value 1:39 identity_jwt.issuer'],
    ['identity_jwt: {enabled: true, lifetime: 999ms}', 'invalid-value 1:41 identity_jwt.lifetime'],
    ['identity_jwt: {enabled: true, roles_claim: ""}', 'invalid-value 1:44 identity_jwt.roles_claim'],
    ['identity_jwt: {enabled: true, private_key: abc}', 'invalid-value 1:44 identity_jwt.private_key'],
    ['{identity_jwt: {enabled: true}, anonymous: {roles: [x]}}', 'invalid-value 1:52 anonymous.roles'],
    ['identity_headers: {X-Auth-Token: email}', 'invalid-value 1:34 identity_headers.X-Auth-Token'],
    ...['sub', 'iss', 'aud', 'exp', 'email'].map<[string, string]>((claim) => [
      `identity_jwt: {enabled: true, roles_claim: ${claim}}`,
      'invalid-value 1:44 identity_jwt.roles_claim',
    ]),
  ])('refuses %s', async (text, expected) => {
    expect(await problems(text)).toEqual([expected]);
  });

  it.each([
    ['public_url: https://a.example/', 'audience: https://a.example'],
    ['{public_url: https://a.example, tokens: {audience: api}}', 'audience: api'],
    ['{public_url: https://a.example, tokens: {issuer: x}}', 'audience: x, issuer: x'],
  ])('never looks like an access token: %s and %s', async (rest, jwt) => {
    const [first = ''] = rest.startsWith('{') ? [rest.slice(1, -1)] : [rest];
    const text = `{${first}, identity_jwt: {enabled: true, ${jwt}}}`;
    expect(await problems(text)).toEqual([expect.stringMatching(/^invalid-value \S+ identity_jwt\.audience$/)]);
    expect(await problems(text.replace('enabled: true', 'enabled: false'))).toEqual([]);
  });

  it('takes one’s own key from a file, if it fits the algorithm and is long enough', async () => {
    const directory = directoryWith({ 'key.pem': rsa(2_048), 'short.pem': rsa(1_024) });
    const of = (file: string, algorithm: string) =>
      load(`identity_jwt: {enabled: true, algorithm: ${algorithm}, private_key_file: ${file}}`, {
        file: `${directory}/gatelodge.yaml`,
      });
    expect((await of('key.pem', 'RS512')).problems).toEqual([]);
    const wrong = (await of('key.pem', 'ES256')).problems[0];
    expect(wrong).toMatchObject({ code: 'invalid-value', path: 'identity_jwt.private_key' });
    expect(wrong?.message).toContain('ES256 needs a P-256 key');
    expect((await of('short.pem', 'RS512')).problems[0]?.message).toContain('at least 2048 bits');
    expect((await of('missing.pem', 'RS512')).problems[0]?.code).toBe('unreadable-file');
  });

  it('takes no key that signs other tokens too, however it is written', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const pem = (type: 'pkcs8' | 'pkcs1') => privateKey.export({ type, format: 'pem' }).toString();
    const directory = directoryWith({ 'one.pem': pem('pkcs8'), 'same.pem': pem('pkcs1'), 'other.pem': rsa(2_048) });
    const of = (other: string) =>
      load(
        `{compat: {jwthenticator: {path: /j, private_key_file: ${other}}}, identity_jwt: {enabled: true, algorithm: RS256, private_key_file: one.pem}}`,
        { file: `${directory}/gatelodge.yaml` },
      );
    expect((await of('other.pem')).problems).toEqual([]);
    expect((await of('same.pem')).problems).toMatchObject([
      {
        code: 'invalid-value',
        path: 'identity_jwt.private_key',
        message: expect.stringContaining('one kind of token'),
      },
    ]);
  });

  it('never tells what a wrong key was', async () => {
    const { problems: found } = await load('identity_jwt: {enabled: true, private_key: hunter2-hunter2}');
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });
});
