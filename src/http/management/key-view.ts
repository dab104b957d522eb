import { type ApiKey, apiKeyName } from '../../domain/api-key.ts';
import type { MaybePromise } from '../../domain/maybe-promise.ts';
import type { User } from '../../domain/user.ts';
import { rfc3339 } from '../times.ts';
import type { KeyView } from './key-schemas.ts';

/** @param now ms since the epoch */
export async function keyView(
  key: ApiKey,
  directory: { byId(id: string): MaybePromise<User | null> },
  now: number,
): Promise<KeyView> {
  const nameOf = async (id: string) => (await directory.byId(id))?.username ?? id;
  const { createdBy, previous } = key;
  return {
    id: apiKeyName(key),
    user: await nameOf(key.userId),
    name: key.name,
    scopes: [...key.scopes],
    roles: key.roles === null ? null : [...key.roles],
    networks: [...key.networks],
    created_at: rfc3339(key.createdAt),
    created_by: createdBy?.startsWith('usr_') ? await nameOf(createdBy) : createdBy,
    not_before: rfc3339(key.notBefore),
    expires_at: rfc3339(key.expiresAt),
    last_used_at: rfc3339(key.lastUsedAt),
    rotated_at: rfc3339(key.rotatedAt),
    previous_until: previous !== null && now < previous.until ? rfc3339(previous.until) : null,
  };
}
