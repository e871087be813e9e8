/** Addresses as the admin prints them: one text form and the JSON of Envoy's `Address` message. */
import type { Address } from '../api/socket.ts';

export function addressText(address: Address): string {
  if (address.kind === 'pipe') return address.path;
  return address.family === 6 ? `[${address.ip}]:${address.port}` : `${address.ip}:${address.port}`;
}

export function addressJson(address: Address): Record<string, unknown> {
  if (address.kind === 'pipe') return { pipe: { path: address.path } };
  return { socket_address: { address: address.ip, port_value: address.port } };
}
