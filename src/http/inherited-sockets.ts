import type { Server } from 'node:http';
import { isIP } from 'node:net';
import { GatelodgeError } from '../domain/errors.ts';
import type { Place } from './listener.ts';

/** The first descriptor that is handed over (SD_LISTEN_FDS_START of sd_listen_fds(3)). */
const FIRST = 3;

/**
 * The listening sockets that whoever started this process has opened for it, as systemd's socket units do: they stay open
 * while it starts again, and nobody is refused a connection meanwhile.
 * @param environment with `LISTEN_FDS` and `LISTEN_PID`, by sd_listen_fds(3)
 * @param pid whose they are to be; where there are workers, that of the process that started them
 * @param places one socket each, in this order
 * @returns their descriptors; null where there are none
 * @throws GatelodgeError `configuration-invalid` where they are not as many, or cannot be told apart
 */
export function inheritedSockets(
  { LISTEN_FDS: count, LISTEN_PID: owner }: Readonly<Record<string, string | undefined>>,
  pid: number,
  places: readonly Place[],
): readonly number[] | null {
  if (count === undefined || count === '0' || owner !== String(pid)) return null;
  if (Number(count) !== places.length)
    throw notAsConfigured(`${count} sockets were handed over (LISTEN_FDS), and \`listen\` has ${places.length}`);
  // A TCP socket tells its address, a Unix socket does not.
  if (places.filter((place) => 'socket' in place).length > 1)
    throw notAsConfigured('of several Unix sockets that are handed over nobody could tell which is which');
  return places.map((_, index) => FIRST + index);
}

/** @throws GatelodgeError `configuration-invalid` where the server listens elsewhere than `place` says: other things may be answered there */
export function requireAt(server: Server, place: Place): void {
  const address = server.address();
  const isTcp = address !== null && typeof address === 'object';
  const isThere =
    'socket' in place
      ? !isTcp
      : isTcp && address.port === place.port && (isIP(place.host) === 0 || address.address === place.host);
  if (isThere) return;
  const found = isTcp ? `${address.address} port ${address.port}` : 'a Unix socket';
  const wanted = 'socket' in place ? place.socket : `${place.host} port ${place.port}`;
  throw notAsConfigured(`the socket that was handed over for ${wanted} is ${found}`);
}

function notAsConfigured(message: string): GatelodgeError {
  return new GatelodgeError('configuration-invalid', message);
}
