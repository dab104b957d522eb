import { ADMINISTRATOR_ROLE } from '../../domain/user.ts';
import { requireCaller } from '../callers.ts';
import { HttpProblem } from '../problems.ts';
import type { Endpoint, PublicContext, PublicParts } from '../public-parts.ts';
import { keyView } from './key-view.ts';

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
    return respond.json(200, {
      keys: await Promise.all((await apiKeys.list(userId)).map((key) => keyView(key, directory, parts.clock()))),
    });
  }

  return [{ path: '/api/v1/keys', method: 'GET', handle: list }];
}
