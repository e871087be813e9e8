/**
 * Plug-in `envoy.extensions.filters.http.buffer.v3.Buffer`: keeps a request back until it is complete, and refuses what is
 * larger than `max_request_bytes` with 413. A route may switch it off or give another size.
 *
 * An upstream behind it sees requests of known length only: where the client sent chunks, `content-length` is added.
 */
import type { Bytes } from '../../api/bytes.ts';
import type { BufferConfig, BufferPerRoute } from '../../api/envoy.ts';
import type {
  DecoderFilterCallbacks,
  FilterDataStatus,
  FilterHeadersStatus,
  HeaderMap,
  HttpFilterContext,
  HttpFilterFactory,
  StreamFilter,
} from '../../api/http.ts';
import { invariant } from '../../base/invariant.ts';
import { lengthOf } from '../../buffer/bytes.ts';

const DISABLED = -1;

export class BufferFilter implements StreamFilter {
  readonly #maxBytes: number;
  readonly #name: string;
  #callbacks: DecoderFilterCallbacks | null = null;
  #headers: HeaderMap | null = null;
  /** Of this route; `DISABLED` where it is switched off. */
  #limit = DISABLED;
  #received = 0;

  constructor(name: string, maxBytes: number) {
    this.#name = name;
    this.#maxBytes = maxBytes;
  }

  get waitsForBody(): boolean {
    return this.#limit !== DISABLED;
  }

  setDecoderFilterCallbacks(callbacks: DecoderFilterCallbacks): void {
    this.#callbacks = callbacks;
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    const callbacks = this.#callbacks;
    invariant(callbacks !== null, 'a filter is given its callbacks first');
    // An upgraded stream never ends: it cannot be waited for.
    if (endStream || headers.protocol !== '' || headers.method === 'CONNECT') return 'continue';
    this.#limit = this.#limitOf(callbacks.perRouteConfig(this.#name) as BufferPerRoute | undefined);
    if (this.#limit === DISABLED) return 'continue';
    this.#headers = headers;
    callbacks.decoderBufferLimit = this.#limit;
    return 'stop';
  }

  decodeData(bytes: Bytes, endStream: boolean): FilterDataStatus {
    if (this.#limit === DISABLED) return 'continue';
    this.#received += lengthOf(bytes);
    if (endStream && this.#received <= this.#limit) {
      this.#giveLength();
      return 'continue';
    }
    // The limit that another filter may have raised since: what exceeds it here is answered with 413.
    if (this.#received > this.#limit && this.#callbacks !== null) {
      this.#callbacks.decoderBufferLimit = this.#limit;
    }
    return 'stop-and-buffer';
  }

  #limitOf(route: BufferPerRoute | undefined): number {
    if (route === undefined) return this.#maxBytes;
    if (route.disabled === true) return DISABLED;
    return route.buffer?.max_request_bytes ?? this.#maxBytes;
  }

  #giveLength(): void {
    const headers = this.#headers;
    if (headers !== null && !headers.has('content-length')) {
      headers.set('content-length', String(this.#received));
    }
  }
}

export const BUFFER_FILTER: HttpFilterFactory = {
  typeUrl: 'envoy.extensions.filters.http.buffer.v3.Buffer',
  terminal: false,
  prepare(config: unknown, context: HttpFilterContext): () => StreamFilter {
    const maxBytes = ((config ?? {}) as BufferConfig).max_request_bytes ?? 0;
    if (maxBytes <= 0) throw new Error('buffer: max_request_bytes must be greater than 0');
    const name = context.filterName ?? BUFFER_FILTER.typeUrl;
    return () => new BufferFilter(name, maxBytes);
  },
};
