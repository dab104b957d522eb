import type { LiveToken } from '../flows/issued-tokens.ts';
import type { TokenGrant } from '../flows/token-grants.ts';
import { readJsonOrForm } from './bodies.ts';
import { requireCaller } from './callers.ts';
import { HttpProblem } from './problems.ts';
import { clientAddress, type Endpoint, type PublicContext, type PublicParts } from './public-parts.ts';
import { tooMany } from './rate-limit-headers.ts';
import {
  introspectOperation,
  keySetOperation,
  passwordBody,
  passwordOperation,
  refreshBody,
  refreshOperation,
  revokeOperation,
  statisticsOperation,
  tokenBody,
} from './token-operations.ts';

/** `POST /auth`, `POST /refresh`, `POST /revoke`, `POST /introspect`, `GET /jwks` and `GET /.well-known/jwks.json`. */
export function tokenEndpoints(parts: PublicParts): readonly Endpoint[] {
  const { respond, grants, issuedTokens } = parts;

  async function login(context: PublicContext): Promise<Response> {
    const { username, password } = await readJsonOrForm(context.req.raw, passwordBody);
    const address = clientAddress(context);
    const result = await parts.login.login({ username, password, address, way: 'token' });
    if (result.kind === 'limited') throw tooMany(result.retryAfter, result.quota ?? null);
    const refused = new HttpProblem('invalid-credentials', 'User name or password is wrong.');
    if (result.kind === 'refused') throw refused;
    const { user } = result;
    const grant = await grants.grant(user);
    if (!(await parts.login.isStillGood(user, password))) {
      await grants.revoke(grant.refreshToken);
      throw refused;
    }
    parts.audit({ event: 'token.issued', user: user.username, address });
    return respond.json(200, toJson(grant));
  }

  async function refresh(context: PublicContext): Promise<Response> {
    const { refresh_token: text } = await readJsonOrForm(context.req.raw, refreshBody);
    const address = clientAddress(context);
    const result = await grants.refresh(text, address);
    switch (result.kind) {
      case 'granted':
        return respond.json(200, toJson(result.grant));
      case 'limited':
        throw tooMany(result.retryAfter, result.quota ?? null);
      case 'spent':
        throw new HttpProblem(
          'conflict',
          'This refresh token was used a moment ago; whoever used it has the next one.',
        );
      case 'refused': {
        const retryAfter = await parts.countGuess(text, address);
        if (retryAfter > 0) throw tooMany(retryAfter);
        throw new HttpProblem('invalid-credentials', 'The refresh token is unknown, expired or revoked. Log in again.');
      }
    }
  }

  async function revokeToken(context: PublicContext): Promise<Response> {
    // RFC 7009 section 2.1. `token_type_hint` may be sent; ours tell by themselves what they are.
    const { token } = await readJsonOrForm(context.req.raw, tokenBody);
    const revoked = await issuedTokens.revoke(token);
    if (revoked !== null) {
      const user = (await parts.directory.byId(revoked.userId))?.username ?? revoked.userId;
      parts.audit({ event: 'token.revoked', user, address: clientAddress(context), detail: { kind: revoked.kind } });
    }
    // Section 2.2: a token that is none is as good as revoked.
    return respond.json(200, {});
  }

  async function introspect(context: PublicContext): Promise<Response> {
    await requireCaller(parts, context, { scope: 'introspect' });
    const { token } = await readJsonOrForm(context.req.raw, tokenBody);
    const live = await issuedTokens.introspect(token);
    // RFC 7662 section 2.2: nothing is told of a token that is not active.
    return respond.json(200, live === null ? { active: false } : introspection(live));
  }

  async function statistics(context: PublicContext): Promise<Response> {
    await requireCaller(parts, context, { scope: 'tokens' });
    return respond.json(200, { users: await parts.tokenStatistics() });
  }

  const jwks = () => respond.json(200, parts.signingKeys.publicJwks());

  return [
    { path: '/auth', method: 'POST', handle: login, operation: passwordOperation },
    { path: '/refresh', method: 'POST', handle: refresh, operation: refreshOperation },
    { path: '/revoke', method: 'POST', handle: revokeToken, operation: revokeOperation },
    { path: '/introspect', method: 'POST', handle: introspect, operation: introspectOperation },
    { path: '/api/v1/tokens/stats', method: 'GET', handle: statistics, operation: statisticsOperation },
    { path: '/jwks', method: 'GET', handle: jwks, operation: keySetOperation },
    { path: '/.well-known/jwks.json', method: 'GET', handle: jwks },
  ];
}

function toJson(grant: TokenGrant): Record<string, unknown> {
  return {
    token: grant.accessToken,
    token_type: 'Bearer',
    expires_at: new Date(grant.expiresAt).toISOString(),
    expires_in: grant.expiresIn,
    refresh_token: grant.refreshToken,
    refresh_expires_at: new Date(grant.refreshExpiresAt).toISOString(),
  };
}

/** The members of RFC 7662 section 2.2 that we know; `roles` and `groups` are those of today. */
function introspection(live: LiveToken): Record<string, unknown> {
  const { user, kind, issuedAt, expiresAt, scopes, tokenId, roles } = live;
  return {
    active: true,
    sub: user.id,
    username: user.username,
    roles,
    groups: user.groups,
    ...(scopes === null ? {} : { scope: scopes.join(' ') }),
    iat: Math.floor(issuedAt / 1_000),
    ...(expiresAt === null ? {} : { exp: Math.floor(expiresAt / 1_000) }),
    ...(tokenId === null ? {} : { jti: tokenId }),
    // What it may be used as: a refresh token is nobody's Bearer token.
    token_type: kind === 'refresh-token' ? 'refresh_token' : 'Bearer',
  };
}
