/**
 * Which peers count as internal (`internal_address_config`). Nothing is internal unless listed, as in Envoy since 1.33.
 * Asked once per request, and answered without looking at the address when no range is configured.
 */
import { BlockList } from 'node:net';
import type { HttpConnectionManagerInternalAddressConfig } from '../api/envoy.ts';
import type { Address } from '../api/socket.ts';

export class AddressRanges {
  readonly #list: BlockList | null;
  readonly #pipes: boolean;

  constructor(config: HttpConnectionManagerInternalAddressConfig | undefined) {
    this.#pipes = config?.unix_sockets ?? false;
    const ranges = config?.cidr_ranges ?? [];
    this.#list = ranges.length === 0 ? null : new BlockList();
    for (const { address_prefix: prefix = '', prefix_len: length = 0 } of ranges) {
      this.#list?.addSubnet(prefix, length, prefix.includes(':') ? 'ipv6' : 'ipv4');
    }
  }

  contains(address: Address): boolean {
    if (address.kind === 'pipe') return this.#pipes;
    return this.#list !== null && this.#list.check(address.ip, address.family === 6 ? 'ipv6' : 'ipv4');
  }
}
