/**
 * Whether a request may leave HTTP: `upgrade` of HTTP/1, CONNECT. The route's word counts before the connection manager's list.
 */
import type { HeaderMap, RouteMatch } from '../api/http.ts';
import type { HttpSettings } from './settings.ts';

/** `none`: an ordinary request. */
export type UpgradeDecision = 'none' | 'allowed' | 'refused';

export function decideUpgrade(
  headers: HeaderMap,
  route: RouteMatch | null,
  settings: HttpSettings,
): UpgradeDecision {
  if (headers.protocol === '' && headers.method !== 'CONNECT') return 'none';
  const token = headers.method === 'CONNECT' ? 'connect' : headers.protocol.toLowerCase();
  if (token === 'h2c') {
    // The offer is for the next hop alone and may be ignored: the request goes on as plain HTTP/1.
    headers.protocol = '';
    headers.remove('http2-settings');
    return 'none';
  }
  const word = route?.settings?.upgradeEnabled(token) ?? null;
  return (word ?? settings.upgrades.includes(token)) ? 'allowed' : 'refused';
}
