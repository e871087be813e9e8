/** The request's way: filters in configured order. It ends in the router, which is its last filter. */
import type { Bytes } from '../api/bytes.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus, HeaderMap } from '../api/http.ts';
import type { FilterSide } from './filter-side.ts';
import { Passage } from './passage.ts';
import type { PassageHost } from './passage.ts';

export interface DecodeHost extends PassageHost {
  /** Stops the downstream's body, counted, and lets it go on. */
  pauseDownstream(): void;
  resumeDownstream(): void;
  onRequestTooLarge(): void;
}

export class DecodePassage extends Passage<DecodeHost> {
  protected get verb(): 'decode' {
    return 'decode';
  }

  protected callHeaders(side: FilterSide, headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    const { filter } = side;
    return filter.decodeHeaders === undefined ? 'continue' : filter.decodeHeaders(headers, endStream);
  }

  protected callData(side: FilterSide, bytes: Bytes, endStream: boolean): FilterDataStatus | null {
    const { filter } = side;
    return filter.decodeData === undefined ? null : filter.decodeData(bytes, endStream);
  }

  protected callTrailers(side: FilterSide, trailers: HeaderMap): FilterTrailersStatus | null {
    const { filter } = side;
    return filter.decodeTrailers === undefined ? null : filter.decodeTrailers(trailers);
  }

  protected seesBody(side: FilterSide): boolean {
    return side.filter.decodeData !== undefined;
  }

  protected deliverHeaders(): void {}

  protected deliverData(): void {}

  protected deliverTrailers(): void {}

  protected pauseSource(): void {
    this.host.pauseDownstream();
  }

  protected resumeSource(): void {
    this.host.resumeDownstream();
  }

  protected overflow(): void {
    this.host.onRequestTooLarge();
  }
}
