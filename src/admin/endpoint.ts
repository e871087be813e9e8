/**
 * What an admin endpoint is: a path, its line in `/help`, whether it changes the proxy, and a function from query to reply.
 * The HTTP side (methods, limits, headers, streaming) is `admin-server.ts`'s; an endpoint never sees a socket.
 */
import type { AdminContext } from '../api/admin.ts';

export interface AdminRequest {
  /** Query, and the fields of a form body behind it. */
  readonly query: URLSearchParams;
  readonly context: AdminContext;
  /** All endpoints, for the pages that list them. */
  readonly endpoints: readonly Endpoint[];
}

export interface AdminReply {
  readonly status: number;
  readonly contentType: string;
  /** Pieces are written as the client takes them. */
  readonly body: string | AsyncIterable<string>;
  /** Runs when the answer has left. */
  readonly afterwards?: () => void;
}

export interface Endpoint {
  readonly path: string;
  readonly help: string;
  /** Needs POST. */
  readonly mutates: boolean;
  /** Parameters that the home page offers. */
  readonly parameters?: readonly EndpointParameter[];
  handle(request: AdminRequest): AdminReply | Promise<AdminReply>;
}

export interface EndpointParameter {
  readonly name: string;
  readonly description: string;
  /** A check box (present or not), a text, or one of these values. */
  readonly kind: 'flag' | 'text' | readonly string[];
}

const TEXT = 'text/plain; charset=UTF-8';

export function textReply(body: string | AsyncIterable<string>, status = 200): AdminReply {
  return { status, contentType: TEXT, body };
}

export function jsonReply(value: unknown): AdminReply {
  return { status: 200, contentType: 'application/json', body: `${JSON.stringify(value, null, 1)}\n` };
}

export function htmlReply(body: string | AsyncIterable<string>): AdminReply {
  return { status: 200, contentType: 'text/html; charset=UTF-8', body };
}

/** A parameter that is there, whatever its value, unless it is `false` or `0`: `usedonly`, `usedonly=1`. */
export function hasFlag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && value !== 'false' && value !== '0';
}

/** `format=json` or not; anything else is told to the caller. */
export function formatOf(query: URLSearchParams): 'text' | 'json' | 'unknown' {
  const format = query.get('format');
  if (format === null || format === '' || format === 'text') return 'text';
  return format === 'json' ? 'json' : 'unknown';
}

export function unknownFormat(path: string): AdminReply {
  return textReply(`usage: ${path}?format=(text|json)\n`, 400);
}

export const FORMAT_PARAMETER: EndpointParameter = {
  name: 'format',
  description: 'form of the answer',
  kind: ['text', 'json'],
};
