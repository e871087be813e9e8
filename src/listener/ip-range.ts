/** CIDR ranges of filter-chain matches, compared bit by bit on the parsed address; IPv4 and IPv6 never match each other. */
import { BlockList } from 'node:net';
import type { Address } from '../api/socket.ts';
import type { CidrRange } from '../api/envoy.ts';

/** One range; `length` is how specific it is. */
export class IpRange {
  readonly length: number;
  readonly #list = new BlockList();

  constructor(range: CidrRange) {
    const prefix = range.address_prefix ?? '';
    const family = prefix.includes(':') ? 'ipv6' : 'ipv4';
    this.length = range.prefix_len ?? 0;
    this.#list.addSubnet(prefix, this.length, family);
  }

  contains(address: Address): boolean {
    return address.kind === 'ip' && this.#list.check(address.ip, address.family === 6 ? 'ipv6' : 'ipv4');
  }
}

/** Length of the longest range that holds the address; -1 when none does. */
export function longestMatch(ranges: readonly IpRange[], address: Address): number {
  let longest = -1;
  for (const range of ranges) if (range.length > longest && range.contains(address)) longest = range.length;
  return longest;
}

export function isLoopback(address: Address): boolean {
  if (address.kind === 'pipe') return true;
  return address.family === 4 ? address.ip.startsWith('127.') : address.ip === '::1';
}
