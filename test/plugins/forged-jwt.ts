import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A JWS whose header and claims are exactly these, for what no library would make. */
export function forge(
  header: Record<string, unknown>,
  claims: unknown,
  signature: (input: string) => Buffer | string,
): string {
  const input = `${part(header)}.${part(claims)}`;
  const made = signature(input);
  return `${input}.${typeof made === 'string' ? made : made.toString('base64url')}`;
}

export const hmac =
  (key: string | Buffer, bits = 256) =>
  (input: string): Buffer =>
    createHmac(`sha${bits}`, key).update(input).digest();
export const rsa =
  (key: KeyObject) =>
  (input: string): Buffer =>
    sign('sha256', Buffer.from(input), key);
export const ecdsa =
  (key: KeyObject) =>
  (input: string): Buffer =>
    sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });

export const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const OTHER_RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });

export const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
export const jwk = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid, use: 'sig' });
