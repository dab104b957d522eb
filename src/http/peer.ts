import type { Socket } from 'node:net';
import type { HeaderFields } from '../domain/access-request.ts';
import { type NetworkSet, plainAddress } from '../domain/network.ts';
import { createRecentMap } from '../domain/recent-map.ts';

/** Who is at the other end of the connection. The same for every request on it, so it is found out once. */
export interface Peer {
  readonly trusted: boolean;
  /** null behind a Unix socket. */
  readonly address: string | null;
}

/** Unix sockets are trusted: their mode says who can connect. */
export function createPeers(trusted: NetworkSet): (socket: Socket) => Peer {
  const known = new WeakMap<Socket, Peer>();
  return (socket) => {
    let peer = known.get(socket);
    if (peer === undefined) {
      const address = socket.remoteAddress === undefined ? null : plainAddress(socket.remoteAddress);
      // A TCP peer that has gone already has no address either; its socket still has one of its own.
      const unix = socket.remoteAddress === undefined && socket.localAddress === undefined && !socket.destroyed;
      peer = { address, trusted: unix || (address !== null && trusted.contains(address)) };
      known.set(socket, peer);
    }
    return peer;
  };
}

/** Distinct X-Forwarded-For lines that are remembered; a front server's clients come again and again. */
const MOST_LINES = 2_000;

/** The client's address of a request, null where it can't be told; see clientAddress. */
export type ClientAddresses = (peer: Peer, headers: HeaderFields) => string | null;

export function createClientAddresses(trusted: NetworkSet): ClientAddresses {
  const known = createRecentMap<{ readonly address: string | null }>(MOST_LINES);
  return (peer, headers) => {
    const line = headers.get('x-forwarded-for');
    if (!peer.trusted || line === undefined) return peer.address;
    if (headers.count('x-forwarded-for') > 1 || line.length > 256) return clientAddress(peer, headers, trusted);
    const key = `${peer.address ?? ''} ${line}`;
    let found = known.get(key);
    if (found === undefined) {
      found = { address: clientAddress(peer, headers, trusted) };
      known.set(key, found);
    }
    return found.address;
  };
}

/**
 * The client's address. X-Forwarded-For is read from the right: each entry was written by the proxy that the next one names,
 * so it is believed as long as that one is trusted. An entry that is no address ends it: nobody knows who was there.
 */
export function clientAddress(peer: Peer, headers: HeaderFields, trusted: NetworkSet): string | null {
  if (!peer.trusted) return peer.address;
  const entries = headers.all('x-forwarded-for').join(',').split(',');
  let client = peer.address;
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    const entry = entries[index]?.trim() ?? '';
    if (entry === '' && entries.length === 1) return client;
    const address = addressOf(entry);
    if (address === null) return null;
    client = address;
    if (!trusted.contains(address)) return client;
  }
  return client;
}

/** An address, also as `1.2.3.4:5678` or `[::1]:5678`, as some proxies write it. */
function addressOf(entry: string): string | null {
  const bracketed = /^\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?$/.exec(entry);
  if (bracketed?.[1] !== undefined) return plainAddress(bracketed[1]);
  const withPort = /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(entry);
  return plainAddress(withPort?.[1] ?? entry);
}
