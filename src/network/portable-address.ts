/** Node's way of saying addresses, as ours. */
import type { Address } from '../api/socket.ts';

const V4_MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Without an ip (unix sockets, unknown) a pipe without a path. */
export function addressOf(
  ip: string | undefined,
  port: number | undefined,
  family: string | undefined,
): Address {
  if (ip === undefined || port === undefined) return { kind: 'pipe', path: '' };
  const mapped = V4_MAPPED.exec(ip)?.[1];
  if (mapped !== undefined) return { kind: 'ip', ip: mapped, port, family: 4 };
  return { kind: 'ip', ip, port, family: family === 'IPv6' ? 6 : 4 };
}
