import { hostInUrl } from '../domain/access-request.ts';
import type { Configuration } from './schema.ts';

/**
 * Where browsers reach gatelodge: `public_url`, else its first TCP listener for browsers.
 * @param addresses those at which it listens, in the order of `listen`: where a port is 0, only they know the real one
 */
export function publicUrlOf(
  { listen, public_url: configured }: Pick<Configuration, 'listen' | 'public_url'>,
  addresses: readonly string[] = [],
): URL {
  if (configured !== undefined) return new URL(configured);
  const index = listen.findIndex((place) => 'port' in place && place.serves.includes('public'));
  const place = listen[index];
  if (place === undefined || !('port' in place)) return new URL('http://127.0.0.1:9190');
  const address = place.port === 0 ? addresses[index] : undefined;
  return new URL(address ?? `http://${hostInUrl(place.host)}:${place.port}`);
}

/** True where the port in it is one that the system chooses, and nobody knows before it listens. */
export function publicUrlNeedsPort({ listen, public_url: configured }: Configuration): boolean {
  return configured === undefined && listen.some((place) => 'port' in place && place.port === 0);
}
