// An application that believes nobody but gatelodge's signature. Node.js 20 or newer:
//
//   npm install jose@6
//   ISSUER=https://auth.example.com AUDIENCE=app.example.com node server.js

import { createServer } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';

// `public_url` of gatelodge, and the host under which people open this application, without port.
const { ISSUER: issuer = 'https://auth.example.com', AUDIENCE: audience = 'app.example.com' } = process.env;
// Read once, kept, and read again when a token names a key that is not there yet.
const keys = createRemoteJWKSet(new URL(process.env.JWKS_URL ?? `${issuer}/jwks`));

/** Whose a request is; null where it comes without a good token. */
async function whoAsks(request) {
  const [scheme, token = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme !== 'Bearer') return null;
  try {
    // One algorithm, that of `identity_jwt.algorithm`. `typ` keeps access tokens out, which are signed for others.
    const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms: ['ES256'], typ: 'JWT' });
    return payload;
  } catch {
    return null;
  }
}

const server = createServer(async (request, response) => {
  const who = await whoAsks(request);
  response.writeHead(who === null ? 401 : 200, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(who === null ? {} : { user: who.preferred_username, roles: who.roles }));
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
