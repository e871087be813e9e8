/** What is done to the authority before routing: the port and a trailing dot go, where the configuration says so. */
import type { HeaderMap } from '../api/http.ts';
import type { HttpSettings } from './settings.ts';

export function applyHostRules(headers: HeaderMap, settings: HttpSettings, listenerPort: number): void {
  // CONNECT names its target by host and port: nothing may be taken away.
  if (headers.method === 'CONNECT') return;
  if (settings.stripAnyHostPort) headers.authority = withoutPort(headers.authority, -1);
  else if (settings.stripMatchingHostPort) headers.authority = withoutPort(headers.authority, listenerPort);
  if (settings.stripTrailingHostDot) headers.authority = withoutTrailingDot(headers.authority);
}

/** `port` -1: whatever it is. The colons of an IPv6 address are no port. */
export function withoutPort(authority: string, port: number): string {
  const colon = authority.lastIndexOf(':');
  if (colon < 0 || authority.indexOf(']', colon) >= 0) return authority;
  if (authority.indexOf(':') !== colon && !authority.startsWith('[')) return authority;
  for (let at = colon + 1; at < authority.length; at += 1) {
    const code = authority.charCodeAt(at);
    if (code < 0x30 || code > 0x39) return authority;
  }
  return port < 0 || Number(authority.slice(colon + 1)) === port ? authority.slice(0, colon) : authority;
}

export function withoutTrailingDot(authority: string): string {
  const bare = withoutPort(authority, -1);
  if (!bare.endsWith('.')) return authority;
  return bare.slice(0, -1) + authority.slice(bare.length);
}
