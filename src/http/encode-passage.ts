/** The response's way: filters in reverse order, then the codec. 1xx heads pass every filter and stop nowhere. */
import type { Bytes } from '../api/bytes.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus, HeaderMap } from '../api/http.ts';
import type { FilterSide } from './filter-side.ts';
import { Passage } from './passage.ts';
import type { PassageHost } from './passage.ts';

export interface EncodeHost extends PassageHost {
  /** Behind the last filter: to the codec. */
  sendHeaders(headers: HeaderMap, endStream: boolean): void;
  sendData(bytes: Bytes, endStream: boolean): void;
  sendTrailers(trailers: HeaderMap): void;
  sendInformational(headers: HeaderMap): void;
  /** Tells whoever reads from upstream to stop, and to go on. */
  pauseUpstream(): void;
  resumeUpstream(): void;
  onResponseTooLarge(): void;
}

export class EncodePassage extends Passage<EncodeHost> {
  protected get verb(): 'encode' {
    return 'encode';
  }

  informational(headers: HeaderMap): void {
    for (let side = this.first; side !== null; side = side.next) {
      side.filter.encodeInformational?.(headers);
      if (this.ended) return;
    }
    this.host.sendInformational(headers);
  }

  protected callHeaders(side: FilterSide, headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    const { filter } = side;
    return filter.encodeHeaders === undefined ? 'continue' : filter.encodeHeaders(headers, endStream);
  }

  protected callData(side: FilterSide, bytes: Bytes, endStream: boolean): FilterDataStatus | null {
    const { filter } = side;
    return filter.encodeData === undefined ? null : filter.encodeData(bytes, endStream);
  }

  protected callTrailers(side: FilterSide, trailers: HeaderMap): FilterTrailersStatus | null {
    const { filter } = side;
    return filter.encodeTrailers === undefined ? null : filter.encodeTrailers(trailers);
  }

  protected seesBody(side: FilterSide): boolean {
    return side.filter.encodeData !== undefined;
  }

  protected deliverHeaders(headers: HeaderMap, endStream: boolean): void {
    this.host.sendHeaders(headers, endStream);
  }

  protected deliverData(bytes: Bytes, endStream: boolean): void {
    this.host.sendData(bytes, endStream);
  }

  protected deliverTrailers(trailers: HeaderMap): void {
    this.host.sendTrailers(trailers);
  }

  protected pauseSource(): void {
    this.host.pauseUpstream();
  }

  protected resumeSource(): void {
    this.host.resumeUpstream();
  }

  protected overflow(): void {
    this.host.onResponseTooLarge();
  }
}
