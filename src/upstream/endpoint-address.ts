/** Addresses of endpoints and listeners out of Envoy's configuration. */
import { isIP } from 'node:net';
import type { AddressConfig, SocketAddress } from '../api/envoy.ts';
import type { Address } from '../api/socket.ts';

/** Null: the address is a name that must be resolved first. */
export function socketAddressOf(config: SocketAddress): Address | null {
  const ip = config.address ?? '';
  return ipAddress(ip, config.port_value ?? 0);
}

/** Null: not an address of the supported kinds, or a name. */
export function addressOf(config: AddressConfig | undefined): Address | null {
  if (config?.pipe !== undefined) return { kind: 'pipe', path: config.pipe.path ?? '' };
  if (config?.socket_address !== undefined) return socketAddressOf(config.socket_address);
  return null;
}

/** Null: `ip` is not a literal. */
export function ipAddress(ip: string, port: number): Address | null {
  const family = isIP(ip);
  if (family !== 4 && family !== 6) return null;
  return { kind: 'ip', ip, port, family };
}
