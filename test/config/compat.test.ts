import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { configurationOf, directoryWith, load, problems } from './loading.ts';

const pem = (key: KeyObject, type: 'pkcs1' | 'pkcs8' = 'pkcs8') => String(key.export({ format: 'pem', type }));
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });

describe('compat.jwthenticator', () => {
  it('is off unless it is asked for, and has that system’s defaults', async () => {
    expect((await configurationOf('')).compat).toEqual({});
    const hour = 3_600_000;
    const defaults = { jwt_lifetime: 25 * hour, key_lifetime: 2_880 * hour, refresh_lifetime: 1_440 * hour };
    expect((await configurationOf('compat: {jwthenticator: {}}')).compat).toEqual({
      jwthenticator: { path: '/jwthenticator', internal: 'trusted', ...defaults },
    });
  });

  it('may have a listener for internal calls', async () => {
    const text = 'listen: [{port: 1}, {port: 2, serves: [internal]}]\ncompat: {jwthenticator: {internal: listener}}';
    const { listen, compat } = await configurationOf(text);
    expect(listen[1]?.serves).toEqual(['internal']);
    expect(compat.jwthenticator?.internal).toBe('listener');
  });

  it.each([
    ['compat: {jwthenticator: {pth: /x}}', 'unknown-key 1:26 compat.jwthenticator.pth'],
    ['compat: {jwtenticator: {}}', 'unknown-key 1:10 compat.jwtenticator'],
    ['compat: {jwthenticator: {path: x}}', 'invalid-value 1:32 compat.jwthenticator.path'],
    ['compat: {jwthenticator: {path: /}}', 'invalid-value 1:32 compat.jwthenticator.path'],
    ['compat: {jwthenticator: {path: /x/}}', 'invalid-value 1:32 compat.jwthenticator.path'],
    ['compat: {jwthenticator: {path: /a/../b}}', 'invalid-value 1:32 compat.jwthenticator.path'],
    ['compat: {jwthenticator: {path: /a%2fb}}', 'invalid-value 1:32 compat.jwthenticator.path'],
    ['compat: {jwthenticator: {path: /validate}}', 'invalid-value 1:32 compat.jwthenticator.path'],
    ['compat: {jwthenticator: {path: /validate/x}}', 'invalid-value 1:32 compat.jwthenticator.path'],
    ['compat: {jwthenticator: {path: /login}}', 'invalid-value 1:32 compat.jwthenticator.path'],
    ['compat: {jwthenticator: {path: /api/v1/keys}}', 'invalid-value 1:32 compat.jwthenticator.path'],
    ['compat: {jwthenticator: {path: /refresh}}', 'invalid-value 1:32 compat.jwthenticator.path'],
    ['compat: {jwthenticator: {jwt_lifetime: 25}}', 'wrong-type 1:40 compat.jwthenticator.jwt_lifetime'],
    ['compat: {jwthenticator: {audience: []}}', 'invalid-value 1:36 compat.jwthenticator.audience'],
    ['compat: {jwthenticator: {internal: public}}', 'invalid-value 1:36 compat.jwthenticator.internal'],
    ['compat: {jwthenticator: {internal: listener}}', 'missing-key 1:36 compat.jwthenticator.internal'],
    ['listen: {serves: [internal]}', 'contradictory-options 1:18 listen.serves'],
    [
      'listen: [{port: 1}, {port: 2, serves: [internal]}]\ncompat: {jwthenticator: {internal: trusted}}',
      'contradictory-options 1:39 listen[1].serves',
    ],
    [
      'listen: {serves: [public, internal]}\ncompat: {jwthenticator: {internal: listener}}',
      'contradictory-options 1:18 listen.serves',
    ],
    ['compat: {jwthenticator: {private_key: x}}', 'invalid-value 1:39 compat.jwthenticator.private_key'],
  ])('refuses %s', async (text, ...expected) => {
    expect(await problems(text)).toEqual(expected);
  });

  it.each([
    ['pkcs1', pem(RSA.privateKey, 'pkcs1')],
    ['pkcs8', pem(RSA.privateKey)],
  ])('takes a key in %s from a file', async (_type, text) => {
    const directory = directoryWith({ 'rsa.pem': text });
    const file = `${directory}/gatelodge.yaml`;
    const { compat } = await configurationOf('compat: {jwthenticator: {private_key_file: rsa.pem}}', { file });
    expect(compat.jwthenticator?.private_key).toBe(text.trimEnd());
  });

  it.each([
    ['that is too short', pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey)],
    ['of another kind', pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)],
    ['of RSA-PSS', pem(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey)],
    ['that is public', String(RSA.publicKey.export({ type: 'spki', format: 'pem' }))],
    [
      'with a passphrase',
      String(RSA.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })),
    ],
  ])('refuses a key %s, and quotes nothing of it', async (_what, text) => {
    const directory = directoryWith({ 'rsa.pem': text });
    const file = `${directory}/gatelodge.yaml`;
    const loaded = await load('compat: {jwthenticator: {private_key_file: rsa.pem}}', { file });
    expect(loaded.problems).toMatchObject([{ code: 'invalid-value', path: 'compat.jwthenticator.private_key' }]);
    expect(loaded.problems[0]?.message).not.toContain(text.split('\n')[1]);
  });
});
