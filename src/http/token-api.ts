import { FORM, JSON_TYPE, readFields } from './bodies.ts';
import { HttpProblem } from './problems.ts';
import { clientAddress, type Endpoint, type PublicContext, type PublicParts } from './public-parts.ts';
import { tooManyHeaders } from './rate-limit-headers.ts';

/** `POST /auth`, `GET /jwks` and `GET /.well-known/jwks.json`. */
export function tokenEndpoints(parts: PublicParts): readonly Endpoint[] {
  const { respond } = parts;

  async function grant(context: PublicContext): Promise<Response> {
    const fields = await readFields(context.req.raw, [JSON_TYPE, FORM]);
    const username = fields.get('username') ?? '';
    const password = fields.get('password') ?? '';
    if (username === '' || password === '')
      throw new HttpProblem('invalid-request', 'username and password are required.');
    const address = clientAddress(context);
    const result = await parts.login.login({ username, password, address, way: 'token' });
    if (result.kind === 'limited') {
      throw new HttpProblem(
        'rate-limited',
        'Too many attempts.',
        tooManyHeaders(result.retryAfter, result.quota ?? null),
      );
    }
    if (result.kind === 'refused') throw new HttpProblem('invalid-credentials', 'User name or password is wrong.');
    const { token, expiresAt, expiresIn } = await parts.tokens.issueAccessToken(result.user, parts.clock());
    parts.audit({ event: 'token.issued', user: result.user.username, address });
    return respond.json(200, {
      token,
      token_type: 'Bearer',
      expires_at: new Date(expiresAt).toISOString(),
      expires_in: expiresIn,
    });
  }

  const jwks = () => respond.json(200, parts.signingKeys.publicJwks());

  return [
    { path: '/auth', method: 'POST', handle: grant },
    { path: '/jwks', method: 'GET', handle: jwks },
    { path: '/.well-known/jwks.json', method: 'GET', handle: jwks },
  ];
}
