/** Addresses in the JSON of Envoy's `Address` message. */
import type { Address } from '../api/socket.ts';

export function addressJson(address: Address): Record<string, unknown> {
  if (address.kind === 'pipe') return { pipe: { path: address.path } };
  return { socket_address: { address: address.ip, port_value: address.port } };
}
