/**
 * A response that the proxy makes itself (`envoy-reference.md` section 5): plain text, or for a gRPC request a head whose
 * status says the same in gRPC's words. `date`, `server` and `connection` are added behind the filters, as for every response.
 *
 *   status, body -> whoever answers adds headers -> `local_reply_config` -> content-length and content-type, or gRPC's head
 */
import type { HeaderMap } from '../api/http.ts';
import type { LogContext } from '../api/observe.ts';
import { HeaderList } from '../codec/header-map.ts';

export interface LocalReply {
  readonly headers: HeaderMap;
  /** '' = the head is all. */
  readonly body: string;
}

/** A reply in the making. */
export interface DraftReply {
  status: number;
  body: string;
  contentType: string;
  readonly headers: HeaderMap;
}

/** `local_reply_config`, compiled: changes the draft. */
export type LocalReplyRewrite = (draft: DraftReply, context: Pick<LogContext, 'info' | 'request'>) => void;

const TEXT = 'text/plain';

/** `modify`: whoever answers adds headers; with a content-type of its own the body keeps it, unless `rewrite` makes another body. */
export function makeLocalReply(
  status: number,
  body: string,
  request: HeaderMap | null,
  modify?: (headers: HeaderMap) => void,
  rewrite?: (draft: DraftReply) => void,
): LocalReply {
  const headers = HeaderList.response(status);
  const draft: DraftReply = { status, body, contentType: TEXT, headers };
  modify?.(headers);
  const typed = headers.has('content-type');
  rewrite?.(draft);
  headers.status = draft.status;
  if (request !== null && isGrpc(request)) return grpcReply(draft);
  if (draft.body === '') {
    headers.remove('content-type');
    return { headers, body: '' };
  }
  headers.set('content-length', String(Buffer.byteLength(draft.body)));
  const rewritten = draft.body !== body || draft.contentType !== TEXT;
  if (rewritten || !typed) headers.set('content-type', draft.contentType);
  return { headers, body: request?.method === 'HEAD' ? '' : draft.body };
}

function grpcReply({ status, body, headers }: DraftReply): LocalReply {
  headers.status = 200;
  headers.set('content-type', 'application/grpc');
  headers.set('grpc-status', String(grpcStatus(status)));
  if (body !== '') headers.set('grpc-message', percentEncode(body));
  return { headers, body: '' };
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
