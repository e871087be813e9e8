/**
 * What is done to `:path` before anything routes by it (`envoy-reference.md` section 16), in this order: escaped slashes, then
 * RFC 3986 normalisation, then merging of slashes. The query is never touched.
 *
 * Each step first looks whether there is anything to do, so an ordinary path costs a scan. Two readers must not see two paths:
 * what cannot be decoded is refused, never passed on.
 */
import type { HttpSettings } from './settings.ts';

const PERCENT = 0x25;
const DOT = 0x2e;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;

/** `redirect`: answer 307 to `path`. */
export type PathVerdict =
  | { readonly kind: 'ok'; readonly path: string }
  | { readonly kind: 'reject' }
  | { readonly kind: 'redirect'; readonly path: string };

const REJECT: PathVerdict = { kind: 'reject' };

export function applyPathRules(path: string, settings: HttpSettings): PathVerdict {
  const query = path.indexOf('?');
  let file = query < 0 ? path : path.slice(0, query);
  let redirect = false;
  if (settings.escapedSlashes !== 'KEEP_UNCHANGED') {
    const plain = unescapeSlashes(file);
    if (plain !== file) {
      if (settings.escapedSlashes === 'REJECT_REQUEST') return REJECT;
      redirect = settings.escapedSlashes === 'UNESCAPE_AND_REDIRECT';
      file = plain;
    }
  }
  if (settings.normalizePath) {
    const normal = normalizePath(file);
    if (normal === null) return REJECT;
    file = normal;
  }
  if (settings.mergeSlashes) file = mergeSlashes(file);
  const result = query < 0 ? file : file + path.slice(query);
  return { kind: redirect ? 'redirect' : 'ok', path: result };
}

/** `%2F` and `%5C` in either case become `/` and `\`. */
export function unescapeSlashes(path: string): string {
  let out = '';
  let from = 0;
  for (let at = path.indexOf('%'); at >= 0; at = path.indexOf('%', at + 1)) {
    const code = hexAt(path, at);
    if (code !== SLASH && code !== BACKSLASH) continue;
    out += path.slice(from, at) + String.fromCharCode(code);
    from = at + 3;
  }
  return from === 0 ? path : out + path.slice(from);
}

/** Null: the path cannot be normalised (a broken or NUL escape). */
export function normalizePath(path: string): string | null {
  const decoded = decodeUnreserved(path);
  if (decoded === null) return null;
  return decoded.includes('/.') ? removeDotSegments(decoded) : decoded;
}

function decodeUnreserved(path: string): string | null {
  let out = '';
  let from = 0;
  for (let at = 0; at < path.length; at += 1) {
    const code = path.charCodeAt(at);
    if (code === BACKSLASH) {
      out += `${path.slice(from, at)}/`;
      from = at + 1;
    } else if (code === PERCENT) {
      const value = hexAt(path, at);
      if (value <= 0) return null;
      if (isUnreserved(value)) {
        out += path.slice(from, at) + String.fromCharCode(value);
        from = at + 3;
      }
      at += 2;
    }
  }
  return from === 0 ? path : out + path.slice(from);
}

function removeDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/');
  const last = segments.length - 1;
  for (let index = 1; index <= last; index += 1) {
    const segment = segments[index] ?? '';
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
    if (index === last && (segment === '.' || segment === '..')) kept.push('');
  }
  return `/${kept.join('/')}`;
}

export function mergeSlashes(path: string): string {
  if (!path.includes('//')) return path;
  let out = '';
  for (let at = 0; at < path.length; at += 1) {
    if (path.charCodeAt(at) !== SLASH || path.charCodeAt(at - 1) !== SLASH) out += path[at];
  }
  return out;
}

/** Value of the escape `%xy` at `at`, -1 if it is none. */
function hexAt(path: string, at: number): number {
  const high = hexDigit(path.charCodeAt(at + 1));
  const low = hexDigit(path.charCodeAt(at + 2));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function isUnreserved(code: number): boolean {
  const lower = code | 0x20;
  return (
    (lower >= 0x61 && lower <= 0x7a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === DOT ||
    code === 0x2d ||
    code === 0x5f ||
    code === 0x7e
  );
}
