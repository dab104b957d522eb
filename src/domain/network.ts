import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net';

/** A set of addresses and CIDR networks. */
export interface NetworkSet {
  /** False for what is no address at all. An IPv4 address in IPv6 clothes (`::ffff:10.0.0.1`) counts as IPv4. */
  contains(address: string): boolean;
}

/** Takes `10.0.0.0/8`, `::1/128` or a bare address apart; null where it is neither. Host bits that are set mean nothing. */
export function parseNetwork(text: string): { address: string; prefix: number; family: 'ipv4' | 'ipv6' } | null {
  const slash = text.indexOf('/');
  const address = slash === -1 ? text : text.slice(0, slash);
  const version = isIP(address);
  if (version === 0 || address.includes('%')) return null;
  const widest = version === 4 ? 32 : 128;
  const digits = slash === -1 ? String(widest) : text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(digits)) return null;
  const prefix = Number(digits);
  return prefix > widest ? null : { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** @throws RangeError where a text is no network; configuration is checked before it gets here */
export function networkSet(networks: readonly string[]): NetworkSet {
  const list = new BlockList();
  for (const text of networks) {
    const network = parseNetwork(text);
    if (network === null) throw new RangeError(`not a network: ${text}`);
    list.addSubnet(network.address, network.prefix, network.family);
  }
  return {
    contains(address) {
      const plain = plainAddress(address);
      if (plain === null) return false;
      return list.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
    },
  };
}

/** Whether every address of one network is one of the other's. False where either is none, and for different families. */
export function isNetworkWithin(inner: string, outer: string): boolean {
  const [small, large] = [parseNetwork(inner), parseNetwork(outer)];
  if (small === null || large === null || small.family !== large.family || small.prefix < large.prefix) return false;
  const list = new BlockList();
  list.addSubnet(large.address, large.prefix, large.family);
  return list.check(small.address, small.family);
}

/** The address in its one spelling (RFC 5952), without IPv4-in-IPv6 clothes; null where it is none. */
export function plainAddress(address: string): string | null {
  const version = isIP(address);
  if (version === 4) return address;
  if (version === 0 || address.includes('%')) return null;
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address;
  return canonical.startsWith('::ffff:') && canonical.includes('.') ? canonical.slice('::ffff:'.length) : canonical;
}

/** An IPv6 address as it stands in a URL's host, in the one spelling that URLs give it; null where it is none. */
export function ipv6Host(address: string): string | null {
  return isIP(address) === 6 && !address.includes('%') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : null;
}

/** IPv6 by /64, which is what one customer has to choose addresses from (RFC 6177). */
export function addressBlock(address: string): string {
  const plain = plainAddress(address) ?? address;
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  // An embedded IPv4 address fills two groups at the end, none of which are among the first four.
  const behind = tail === undefined || tail === '' ? [] : tail.replace(/\d+\.\d+\.\d+\.\d+$/, '0:0').split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - behind.length);
  const all = [...groups, ...Array<string>(zeros).fill('0'), ...behind];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
