/**
 * Who sent the request: the trusted client address, found from `x-forwarded-for` and the socket (`envoy-reference.md`
 * section 15). Addresses that came as text have port 0.
 */
import { isIP } from 'node:net';
import type { HeaderMap } from '../api/http.ts';
import type { Address } from '../api/socket.ts';
import type { HttpSettings } from './settings.ts';

const XFF = 'x-forwarded-for';

/** `forwarded`: the header's values joined, null when absent. */
export function trustedAddress(forwarded: string | null, peer: Address, settings: HttpSettings): Address {
  const fromRight = settings.useRemoteAddress ? settings.xffTrustedHops : settings.xffTrustedHops + 1;
  if (fromRight === 0 || forwarded === null) return peer;
  return entryFromRight(forwarded, fromRight) ?? peer;
}

/** Null: too few entries, or no address there. */
function entryFromRight(forwarded: string, position: number): Address | null {
  let end = forwarded.length;
  for (let passed = 1; passed < position; passed += 1) {
    end = forwarded.lastIndexOf(',', end - 1);
    if (end <= 0) return null;
  }
  return parseAddress(forwarded.slice(forwarded.lastIndexOf(',', end - 1) + 1, end).trim());
}

export function parseAddress(text: string): Address | null {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  const family = isIP(bare);
  return family === 4 || family === 6 ? { kind: 'ip', ip: bare, port: 0, family } : null;
}

/** Whether the request comes from inside; nothing does unless ranges are configured. */
export function isInternal(forwarded: string | null, peer: Address, settings: HttpSettings): boolean {
  if (settings.useRemoteAddress) return forwarded === null && settings.internalRanges.contains(peer);
  if (forwarded === null || forwarded.includes(',')) return false;
  const only = parseAddress(forwarded.trim());
  return only !== null && settings.internalRanges.contains(only);
}

export function appendForwardedFor(headers: HeaderMap, forwarded: string | null, peer: Address): void {
  if (peer.kind !== 'ip') return;
  headers.set(XFF, forwarded === null ? peer.ip : `${forwarded},${peer.ip}`);
}
