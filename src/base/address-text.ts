/** `10.0.0.1:80`, `[::1]:80`, `/run/echo.sock`: an address as statistics, logs and the admin write it. */
import type { Address } from '../api/socket.ts';

export function addressText(address: Address): string {
  if (address.kind === 'pipe') return address.path;
  return address.family === 6 ? `[${address.ip}]:${address.port}` : `${address.ip}:${address.port}`;
}
