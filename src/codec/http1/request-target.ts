/**
 * The four forms of a request target (RFC 9112, 3.2): turns the target of a scanned request into `:path`, `:authority` and, for
 * the absolute form, `:scheme`. Called by the server codec before the request is given to anyone.
 */
import type { HeaderList } from '../header-map.ts';

/** False: not a valid target. `list.path` holds the target as it came; `list.authority` the Host field. */
export function readTarget(list: HeaderList, allowAbsoluteUrl: boolean): boolean {
  if (list.method === 'CONNECT') return readAuthorityForm(list);
  if (list.path.charCodeAt(0) === 0x2f) return isAuthority(list.authority);
  if (list.path === '*') return list.method === 'OPTIONS' && isAuthority(list.authority);
  return allowAbsoluteUrl ? readAbsoluteForm(list) : isAuthority(list.authority);
}

/** `host:port`, both needed; there is no path. */
function readAuthorityForm(list: HeaderList): boolean {
  const colon = list.path.lastIndexOf(':');
  const port = colon < 0 ? '' : list.path.slice(colon + 1);
  if (colon < 1 || !isPort(port) || !isAuthority(list.path)) return false;
  list.authority = list.path;
  list.path = '';
  return true;
}

/** `scheme://authority[/path][?query]`; its authority replaces Host. User information is refused (RFC 9110, 4.2.4). */
function readAbsoluteForm(list: HeaderList): boolean {
  const target = list.path;
  const end = target.indexOf('://');
  const scheme = end < 0 ? '' : target.slice(0, end).toLowerCase();
  if (scheme !== 'http' && scheme !== 'https') return false;
  let stop = end + 3;
  while (stop < target.length && !isDelimiter(target.charCodeAt(stop))) stop += 1;
  const authority = target.slice(end + 3, stop);
  if (authority === '' || !isAuthority(authority)) return false;
  const rest = target.slice(stop);
  list.scheme = scheme;
  list.authority = authority;
  list.path = rest.startsWith('/') ? rest : `/${rest}`;
  return true;
}

/** `/`, `?` or `#`. */
function isDelimiter(code: number): boolean {
  return code === 0x2f || code === 0x3f || code === 0x23;
}

/** 1 for what may stand in `host[:port]`: unreserved, percent, sub-delims, brackets and colon. No `@`, no slash, no blank. */
const AUTHORITY = new Uint8Array(256);
for (const char of "-._~%!$&'()*+,;=[]:0123456789") AUTHORITY[char.charCodeAt(0)] = 1;
for (let code = 0x61; code <= 0x7a; code += 1) AUTHORITY[code] = AUTHORITY[code - 0x20] = 1;

/** The empty authority is valid here: whether a host is needed is the connection manager's question. */
function isAuthority(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (AUTHORITY[text.charCodeAt(index)] !== 1) return false;
  }
  return true;
}

function isPort(text: string): boolean {
  if (text.length === 0 || text.length > 5) return false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x30 || code > 0x39) return false;
  }
  return Number(text) <= 65_535;
}
