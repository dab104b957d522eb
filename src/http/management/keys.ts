import { type ApiKey, apiKeyName } from '../../domain/api-key.ts';
import { ADMINISTRATOR_ROLE } from '../../domain/user.ts';
import { requireCaller } from '../callers.ts';
import { HttpProblem } from '../problems.ts';
import type { Endpoint, PublicContext, PublicParts } from '../public-parts.ts';
import { rfc3339 } from '../times.ts';

const SCOPE = 'keys';

/** `/api/v1/keys`: API keys, for whoever may manage them. */
export function keyEndpoints(parts: PublicParts): readonly Endpoint[] {
  const { apiKeys, directory, respond } = parts;

  async function list(context: PublicContext): Promise<Response> {
    const caller = await requireCaller(parts, context, { scope: SCOPE });
    const username = context.req.query('user');
    const user = username === undefined ? null : await directory.byUsername(username);
    if (username !== undefined && user === null) throw new HttpProblem('not-found', 'There is no such user.');
    const everybodys = caller.kind === 'administrator' || caller.identity.roles.includes(ADMINISTRATOR_ROLE);
    const userId = user?.id ?? (everybodys ? null : caller.identity.userId);
    if (!everybodys && userId !== caller.identity.userId)
      throw new HttpProblem('forbidden', 'A key without the role admin manages the keys of its own user.');
    return respond.json(200, { keys: await Promise.all((await apiKeys.list(userId)).map(shown)) });
  }

  async function shown(key: ApiKey) {
    return {
      id: apiKeyName(key),
      user: (await directory.byId(key.userId))?.username ?? null,
      name: key.name,
      scopes: key.scopes,
      created_at: rfc3339(key.createdAt),
      expires_at: rfc3339(key.expiresAt),
      last_used_at: rfc3339(key.lastUsedAt),
    };
  }

  return [{ path: '/api/v1/keys', method: 'GET', handle: list }];
}
