/**
 * What a listener or a cluster configures of its HTTP/1 codec, with Envoy's defaults (`envoy-reference.md`, section 8). One object
 * per filter chain or cluster, shared by all its connections.
 */
import type { Counter, StatsScope } from '../../api/stats.ts';

/** How header names are written: `lower` as Envoy does, `Proper-Case`, or the spelling that they came with. */
export type HeaderKeyFormat = 'lower' | 'proper-case' | 'preserve';

export type HeadersWithUnderscoresAction = 'ALLOW' | 'REJECT_REQUEST' | 'DROP_HEADER';

export interface Http1ServerSettings {
  readonly maxHeadersKb: number;
  readonly maxHeadersCount: number;
  readonly acceptHttp10: boolean;
  /** Host of HTTP/1.0 requests without one, when they are accepted; '' = none. */
  readonly defaultHostForHttp10: string;
  /** Trailers are passed on, both ways; otherwise checked and dropped. */
  readonly enableTrailers: boolean;
  readonly headerKeyFormat: HeaderKeyFormat;
  /** Content-Length beside `chunked` is removed instead of refused. */
  readonly allowChunkedLength: boolean;
  /** `GET http://host/path`: authority and path are taken from it. */
  readonly allowAbsoluteUrl: boolean;
  readonly headersWithUnderscoresAction: HeadersWithUnderscoresAction;
  /** A refused request whose end is known does not cost the connection. */
  readonly streamErrorOnInvalidHttpMessage: boolean;
}

export interface Http1ClientSettings {
  readonly maxHeadersKb: number;
  readonly maxHeadersCount: number;
  readonly enableTrailers: boolean;
  readonly headerKeyFormat: HeaderKeyFormat;
  readonly allowChunkedLength: boolean;
}

const SERVER_DEFAULTS: Http1ServerSettings = {
  maxHeadersKb: 60,
  maxHeadersCount: 100,
  acceptHttp10: false,
  defaultHostForHttp10: '',
  enableTrailers: false,
  headerKeyFormat: 'lower',
  allowChunkedLength: false,
  allowAbsoluteUrl: true,
  headersWithUnderscoresAction: 'ALLOW',
  streamErrorOnInvalidHttpMessage: false,
};

const CLIENT_DEFAULTS: Http1ClientSettings = {
  maxHeadersKb: 80,
  maxHeadersCount: 100,
  enableTrailers: false,
  headerKeyFormat: 'lower',
  allowChunkedLength: false,
};

/** Make it once per filter chain, not per connection. */
export function http1ServerSettings(changes: Partial<Http1ServerSettings> = {}): Http1ServerSettings {
  return { ...SERVER_DEFAULTS, ...changes };
}

/** Make it once per cluster. */
export function http1ClientSettings(changes: Partial<Http1ClientSettings> = {}): Http1ClientSettings {
  return { ...CLIENT_DEFAULTS, ...changes };
}

/** `http1.…` counters of one scope (the root for listeners, `cluster.<name>` for clusters); looked up once per scope. */
export class Http1Stats {
  readonly droppedHeadersWithUnderscores: Counter;
  readonly requestsRejectedWithUnderscores: Counter;
  static readonly #made = new WeakMap<StatsScope, Http1Stats>();

  constructor(scope: StatsScope) {
    const http1 = scope.scope('http1');
    this.droppedHeadersWithUnderscores = http1.counter('dropped_headers_with_underscores');
    this.requestsRejectedWithUnderscores = http1.counter('requests_rejected_with_underscores_in_headers');
  }

  static of(scope: StatsScope): Http1Stats {
    const made = Http1Stats.#made.get(scope);
    if (made !== undefined) return made;
    const stats = new Http1Stats(scope);
    Http1Stats.#made.set(scope, stats);
    return stats;
  }
}
