/**
 * The HTTP filter chain of one stream: makes the filters, holds both passages through them, ends them.
 *
 * Owns the filters of the stream. `destroy` tells each one exactly once; after it no filter is called any more.
 */
import type { Disposable } from '../api/event.ts';
import type { HeaderMap } from '../api/http.ts';
import { DecodePassage } from './decode-passage.ts';
import type { DecodeHost } from './decode-passage.ts';
import { EncodePassage } from './encode-passage.ts';
import type { EncodeHost } from './encode-passage.ts';
import { FilterCallbacks } from './filter-callbacks.ts';
import type { FilterCallbacksHost } from './filter-callbacks.ts';
import type { FilterPlan } from './filter-plan.ts';
import { FilterSide } from './filter-side.ts';

export interface FilterManagerHost extends DecodeHost, EncodeHost, FilterCallbacksHost {}

export class FilterManager implements Disposable {
  readonly decode: DecodePassage;
  readonly encode: EncodePassage;
  #firstCallbacks: FilterCallbacks | null = null;

  constructor(host: FilterManagerHost, plan: FilterPlan, bufferLimitBytes: number) {
    this.decode = new DecodePassage(host, bufferLimitBytes);
    this.encode = new EncodePassage(host, bufferLimitBytes);
    const { entries } = plan;
    let lastDecode: FilterSide | null = null;
    for (let index = 0; index < entries.length; index += 1) {
      const entry = entries[index];
      if (entry === undefined) continue;
      const filter = entry.create();
      const callbacks = new FilterCallbacks(host, this, filter, this.#firstCallbacks);
      this.#firstCallbacks = callbacks;
      if (entry.decodes) {
        const side = new FilterSide(filter, index, entry.terminal);
        callbacks.decodeSide = side;
        if (lastDecode === null) this.decode.first = side;
        else lastDecode.next = side;
        lastDecode = side;
      }
      if (entry.encodes) {
        const side = new FilterSide(filter, index, entry.terminal);
        callbacks.encodeSide = side;
        side.next = this.encode.first;
        this.encode.first = side;
      }
      filter.setDecoderFilterCallbacks?.(callbacks);
      filter.setEncoderFilterCallbacks?.(callbacks);
    }
  }

  /** Response head into the encode filters; the first one counts. */
  respond(headers: HeaderMap, endStream: boolean): void {
    if (!this.encode.ended) this.encode.start(headers, endStream);
  }

  /** Nothing reaches a filter from here on. */
  stop(): void {
    this.decode.ended = true;
    this.encode.ended = true;
  }

  /** For the end of the turn, when filters may be on the stack now. */
  dispose(): void {
    this.destroy();
  }

  destroy(): void {
    this.stop();
    for (let callbacks = this.#firstCallbacks; callbacks !== null; callbacks = callbacks.next) {
      callbacks.filter.onDestroy?.();
    }
    this.#firstCallbacks = null;
  }
}
