import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EC, ecdsa, forge, hmac } from '../../plugins/forged-jwt.ts';
import { ask } from '../../support/http-client.ts';
import { ADMIN, ALICE, basic } from '../../support/people.ts';
import { findProgram, missing } from '../../support/skip.ts';
import { type TempDir, tempDir } from '../../support/temp-dir.ts';
import { type SampleStack, startSampleStack } from './sample-stack.ts';

const PYTHON = 'python-with-pyjwt';
const python = findProgram(PYTHON) ?? '';
const EXAMPLES = 'examples/identity-jwt';

/** What gatelodge answers to nginx about a request, which the application is handed. */
async function tokenOf(
  stack: SampleStack,
  host: string,
  credential: Readonly<Record<string, string>>,
): Promise<string> {
  const answer = await ask(`http://127.0.0.1:${stack.gatelodgePort}/validate/nginx`, {
    headers: { 'x-original-url': `https://${host}/api/x`, 'x-original-method': 'GET', ...credential },
  });
  return String(answer.headers['x-auth-token']);
}
const at = async (url: string, headers: Readonly<Record<string, string>>) => {
  const { status, headers: fields, body } = await ask(url, { headers });
  // nginx's own refusals are pages.
  return [status, fields['content-type'] === 'application/json' ? JSON.parse(body.toString('utf8')) : null];
};
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe.each<[name: string, needs: readonly string[], program: [string, ...string[]]]>([
  ['Node.js', [], [process.execPath, join(EXAMPLES, 'node/server.js')]],
  ['Python', [PYTHON], [python, join(EXAMPLES, 'python/server.py')]],
])('the application in %s', (_name, needs, program) => {
  describe.skipIf(missing('nginx', 'openssl', ...needs))('behind nginx', () => {
    const alices = [200, { user: 'alice', roles: ['user', 'a,b'] }];
    const nobodys = [200, { user: 'anonymousUser', roles: ['ROLE_ANONYMOUS'] }];
    let stack: SampleStack;
    beforeAll(async () => {
      const anonymous = 'anonymous: {user: anonymousUser, roles: [ROLE_ANONYMOUS]}';
      stack = await startSampleStack(program, `identity_jwt: {enabled: true}\n${anonymous}\n`);
    });
    afterAll(() => stack?.stop());

    test('knows who is calling, by whatever credential', async () => {
      const key = (await stack.gatelodge.run('keys', 'create', '--user', ALICE.username, '--name', 'x')).trim();
      for (const credential of [basic(ALICE), { 'x-api-key': key }, bearer(key)])
        expect(await at(`${stack.app}/api/x`, credential)).toEqual(alices);
      expect((await at(`${stack.app}/api/x`, {}))[0]).toBe(401);
    });

    test('knows nobody where nobody is known, whatever the client sends along', async () => {
      const stolen = await tokenOf(stack, 'app.example.com', basic(ALICE));
      for (const headers of [{}, bearer(stolen), { ...bearer('x'), 'x-auth-token': stolen }])
        expect(await at(`${stack.app}/health`, headers)).toEqual(nobodys);
      expect(await at(`${stack.app}/visit`, { 'x-auth-token': stolen })).toEqual(nobodys);
      expect(await at(`${stack.app}/visit`, basic(ALICE))).toEqual(alices);
    });

    test('believes nobody who comes another way', async () => {
      const token = await tokenOf(stack, 'app.example.com', basic(ALICE));
      expect(await at(stack.direct, bearer(token))).toEqual(alices);
      const granted = await ask(`http://127.0.0.1:${stack.gatelodgePort}/gatelodge/auth`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(ALICE),
      });
      const { token: access } = granted.json() as { token: string }; // asserted on the next line
      expect(decodeProtectedHeader(access).typ).toBe('at+jwt');
      const claims = decodeJwt(token);
      const { kid } = decodeProtectedHeader(token);
      const [header = '', , signature = ''] = token.split('.');
      const forged = {
        'an access token': access,
        'another host’s': await tokenOf(stack, 'other.example.com', basic(ALICE)),
        changed: `${header}.${Buffer.from(JSON.stringify({ ...claims, roles: ['admin'] })).toString('base64url')}.${signature}`,
        'alg none': forge({ alg: 'none', typ: 'JWT', kid }, claims, () => ''),
        'a shared secret': forge({ alg: 'HS256', typ: 'JWT', kid }, claims, hmac('secret')),
        'one’s own key': forge({ alg: 'ES256', typ: 'JWT', kid }, claims, ecdsa(EC.privateKey)),
        'one’s own key, handed along': forge(
          { alg: 'ES256', typ: 'JWT', jwk: EC.publicKey.export({ format: 'jwk' }) },
          claims,
          ecdsa(EC.privateKey),
        ),
        nothing: '',
      };
      for (const [what, text] of Object.entries(forged))
        expect((await at(stack.direct, bearer(text)))[0], what).toBe(401);
      expect((await at(stack.direct, { authorization: token }))[0]).toBe(401);
      expect((await at(stack.direct, { 'x-auth-token': token }))[0]).toBe(401);
    });

    test('goes on when keys are rotated, which it is told of before', async () => {
      const before = decodeProtectedHeader(await tokenOf(stack, 'app.example.com', basic(ALICE))).kid;
      expect(await stack.gatelodge.run('signing-keys', 'rotate')).toMatch(/\n\S+ signs identity JWTs from 2\S+Z\n$/);
      const published = async () => {
        const { body } = await ask(`http://127.0.0.1:${stack.gatelodgePort}/gatelodge/jwks`);
        return body.toString('utf8').split('"kid"').length - 1;
      };
      await expect.poll(published, { timeout: 15_000 }).toBe(4);
      // Somebody who has no token yet is signed for with the key that signs now.
      expect(await at(`${stack.app}/api/x`, basic(ADMIN))).toEqual([200, { user: 'olga', roles: ['admin'] }]);
      expect(decodeProtectedHeader(await tokenOf(stack, 'app.example.com', basic(ADMIN))).kid).toBe(before);
    });
  });
});

describe.skipIf(missing('nginx', 'openssl', PYTHON))('a target of Atoti’s proxy', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  let directory: TempDir;
  let stack: SampleStack;
  beforeAll(async () => {
    directory = await tempDir();
    const [own, theirs] = [join(directory.path, 'private-key.pem'), join(directory.path, 'public-key.pem')];
    await writeFile(own, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    await writeFile(theirs, publicKey.export({ type: 'spki', format: 'pem' }));
    const lines = `
identity_jwt: {enabled: true, algorithm: RS512, subject: user, audience: none, roles_claim: authorities, private_key_file: ${own}}
anonymous: {user: anonymousUser, roles: [ROLE_ANONYMOUS]}
`;
    stack = await startSampleStack([python, join(EXAMPLES, 'python/atoti_target.py')], lines, { PUBLIC_KEY: theirs });
  });
  afterAll(async () => {
    await stack?.stop();
    await directory?.remove();
  });

  test('is told the user name and the roles, by the call that Atoti documents', async () => {
    expect(await at(`${stack.app}/api/x`, basic(ALICE))).toEqual([200, { user: 'alice', roles: ['user', 'a,b'] }]);
    expect(await at(`${stack.app}/health`, {})).toEqual([200, { user: 'anonymousUser', roles: ['ROLE_ANONYMOUS'] }]);
  });

  test('refuses whatever another key has signed', async () => {
    const token = await tokenOf(stack, 'app.example.com', basic(ALICE));
    expect((await at(stack.direct, bearer(token)))[0]).toBe(200);
    const claims = decodeJwt(token);
    for (const forged of [
      forge({ alg: 'none' }, claims, () => ''),
      forge({ alg: 'HS512' }, claims, hmac(publicKey.export({ type: 'spki', format: 'pem' }), 512)),
      forge({ alg: 'ES256' }, claims, ecdsa(EC.privateKey)),
    ])
      expect((await at(stack.direct, bearer(forged)))[0]).toBe(401);
  });

  test('has a key of its own, which no command rotates', async () => {
    expect(await stack.gatelodge.run('signing-keys', 'rotate')).toMatch(/^\S+ signs access tokens now\n$/);
    expect(await stack.gatelodge.run('signing-keys', 'list')).not.toContain('identity-jwt');
    expect(await at(`${stack.app}/api/x`, basic(ALICE))).toEqual([200, expect.objectContaining({ user: 'alice' })]);
  });
});
