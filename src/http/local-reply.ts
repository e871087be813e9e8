/**
 * A response that the proxy makes itself (`envoy-reference.md` section 5): plain text, or for a gRPC request a head whose
 * status says the same in gRPC's words. `date`, `server` and `connection` are added behind the filters, as for every response.
 */
import type { HeaderMap } from '../api/http.ts';
import { HeaderList } from '../codec/header-map.ts';

export interface LocalReply {
  readonly headers: HeaderMap;
  /** '' = the head is all. */
  readonly body: string;
}

export function makeLocalReply(
  status: number,
  body: string,
  request: HeaderMap | null,
  modify?: (headers: HeaderMap) => void,
): LocalReply {
  const grpc = request !== null && isGrpc(request);
  const headers = HeaderList.response(grpc ? 200 : status);
  if (grpc) {
    headers.set('content-type', 'application/grpc');
    headers.set('grpc-status', String(grpcStatus(status)));
    if (body !== '') headers.set('grpc-message', percentEncode(body));
    modify?.(headers);
    return { headers, body: '' };
  }
  if (body !== '') {
    headers.set('content-length', String(Buffer.byteLength(body)));
    headers.set('content-type', 'text/plain');
  }
  modify?.(headers);
  return { headers, body: request?.method === 'HEAD' ? '' : body };
}

/** `application/grpc`, alone or with a sub-type or parameters; `application/grpc-web` is another protocol. */
export function isGrpc(headers: HeaderMap): boolean {
  const type = headers.get('content-type');
  if (type === null || !type.startsWith('application/grpc')) return false;
  const next = type.charCodeAt('application/grpc'.length);
  return Number.isNaN(next) || next === 0x2b || next === 0x3b;
}

function grpcStatus(status: number): number {
  switch (status) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return 2;
  }
}

/** The escape of `grpc-message`: printable ASCII but `%` stays. */
function percentEncode(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text)) {
    if (byte >= 0x20 && byte <= 0x7e && byte !== 0x25) out += String.fromCharCode(byte);
    else out += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}
