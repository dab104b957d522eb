import { requireIdentity } from './callers.ts';
import type { Endpoint, PublicContext, PublicParts } from './public-parts.ts';
import { rfc3339 } from './times.ts';

/** `GET /userinfo`: who the credential of the request stands for, named as in OpenID Connect Core section 5.1. */
export function userinfoEndpoints(parts: PublicParts): readonly Endpoint[] {
  async function userinfo(context: PublicContext): Promise<Response> {
    const { subject, username, name, email, roles, groups, scopes, methods, authenticatedAt } = await requireIdentity(
      parts,
      context,
    );
    return parts.respond.json(200, {
      sub: subject,
      username,
      preferred_username: username,
      name,
      email,
      roles,
      groups,
      scopes,
      methods,
      // A password says with every request who it is.
      authenticated_at: rfc3339(authenticatedAt === Number.POSITIVE_INFINITY ? parts.clock() : authenticatedAt),
    });
  }
  return [{ path: '/userinfo', method: 'GET', handle: userinfo }];
}
