/**
 * The `connection` header (RFC 9110 section 7.6.1): what the sender asks of this hop, and the headers it names as its own.
 * Removal of hop-by-hop headers of requests happens here.
 */
import type { HeaderMap } from '../api/http.ts';

/** Framing is the codec's business: naming it in `connection` takes nothing away. */
const KEPT = new Set(['content-length', 'close', 'keep-alive', 'upgrade', 'te', '']);

/** Whether the list `value` contains `token` (lower case). */
export function hasToken(value: string, token: string): boolean {
  if (value.length === token.length) return value.toLowerCase() === token;
  if (value.length < token.length) return false;
  return value
    .toLowerCase()
    .split(',')
    .some((part) => part.trim() === token);
}

/** Removes `connection` and every header that it names. */
export function removeConnectionHeader(headers: HeaderMap, value: string): void {
  headers.remove('connection');
  if (value.length <= 'keep-alive'.length && !value.includes(',') && KEPT.has(value.toLowerCase())) return;
  for (const part of value.toLowerCase().split(',')) {
    const name = part.trim();
    if (!KEPT.has(name)) headers.remove(name);
  }
}
