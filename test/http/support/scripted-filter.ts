/** A filter that writes down what it sees and does what the test says. */
import type { Bytes } from '../../../src/api/bytes.ts';
import type {
  DecoderFilterCallbacks,
  EncoderFilterCallbacks,
  FilterDataStatus,
  FilterHeadersStatus,
  FilterTrailersStatus,
  HeaderMap,
  StreamFilter,
} from '../../../src/api/http.ts';
import { copyOf } from '../../../src/buffer/bytes.ts';

export interface FilterScript {
  decodeHeaders?: (filter: ScriptedFilter, headers: HeaderMap) => FilterHeadersStatus;
  decodeData?: (filter: ScriptedFilter, endStream: boolean) => FilterDataStatus;
  decodeTrailers?: (filter: ScriptedFilter) => FilterTrailersStatus;
  encodeHeaders?: (filter: ScriptedFilter, headers: HeaderMap) => FilterHeadersStatus;
  encodeData?: (filter: ScriptedFilter, endStream: boolean) => FilterDataStatus;
  encodeTrailers?: (filter: ScriptedFilter) => FilterTrailersStatus;
}

export class ScriptedFilter implements StreamFilter {
  readonly name: string;
  readonly trace: string[];
  readonly #script: FilterScript;
  #decoder: DecoderFilterCallbacks | null = null;
  #encoder: EncoderFilterCallbacks | null = null;

  constructor(name: string, trace: string[], script: FilterScript = {}) {
    this.name = name;
    this.trace = trace;
    this.#script = script;
  }

  get decoder(): DecoderFilterCallbacks {
    if (this.#decoder === null) throw new Error('no callbacks');
    return this.#decoder;
  }

  get encoder(): EncoderFilterCallbacks {
    if (this.#encoder === null) throw new Error('no callbacks');
    return this.#encoder;
  }

  setDecoderFilterCallbacks(callbacks: DecoderFilterCallbacks): void {
    this.#decoder = callbacks;
  }

  setEncoderFilterCallbacks(callbacks: EncoderFilterCallbacks): void {
    this.#encoder = callbacks;
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    this.#note('>H', endStream);
    return this.#script.decodeHeaders?.(this, headers) ?? 'continue';
  }

  decodeData(bytes: Bytes, endStream: boolean): FilterDataStatus {
    this.#note(`>D${copyOf(bytes).toString('latin1')}`, endStream);
    return this.#script.decodeData?.(this, endStream) ?? 'continue';
  }

  decodeTrailers(_trailers: HeaderMap): FilterTrailersStatus {
    this.#note('>T', false);
    return this.#script.decodeTrailers?.(this) ?? 'continue';
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    this.#note(`<H${headers.status}`, endStream);
    return this.#script.encodeHeaders?.(this, headers) ?? 'continue';
  }

  encodeData(bytes: Bytes, endStream: boolean): FilterDataStatus {
    this.#note(`<D${copyOf(bytes).toString('latin1')}`, endStream);
    return this.#script.encodeData?.(this, endStream) ?? 'continue';
  }

  encodeTrailers(_trailers: HeaderMap): FilterTrailersStatus {
    this.#note('<T', false);
    return this.#script.encodeTrailers?.(this) ?? 'continue';
  }

  onDestroy(): void {
    this.trace.push(`${this.name}x`);
  }

  #note(event: string, endStream: boolean): void {
    this.trace.push(`${this.name}${event}${endStream ? '.' : ''}`);
  }
}
