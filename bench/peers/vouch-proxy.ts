import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { SignJWT } from 'jose';
import { parse } from 'yaml';
import type { Peer } from './peer.ts';

const FILE = 'vouch-proxy.yml';
const HOURS = '4h';

/** Session as its cookie has it: a signed token, compressed. It is made here, because a login needs a provider. */
export const vouchProxy: Peer = {
  name: 'vouch-proxy',
  files: [FILE],
  args: ['-config', FILE],
  address: { file: FILE, text: (port) => `port: ${port}`, port: 9090 },
  ready: '/healthcheck',
  check: { path: '/validate', status: 200 },
  async logIn() {
    // The file beside this one.
    const { vouch } = parse(await readFile(`${import.meta.dirname}/${FILE}`, 'utf8')) as {
      vouch: { jwt: { secret: string } };
    };
    // Older versions ask `sites`, newer ones `aud`.
    const token = await new SignJWT({ username: 'user-0@example.com', sites: ['example.com'], CustomClaims: {} })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer('Vouch')
      .setAudience('example.com')
      .setExpirationTime(HOURS)
      .sign(Buffer.from(vouch.jwt.secret));
    // Go's URL-safe alphabet keeps its padding.
    return `VouchCookie=${gzipSync(token).toString('base64').replaceAll('+', '-').replaceAll('/', '_')}`;
  },
};
