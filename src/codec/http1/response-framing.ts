/**
 * The verdict on a response head: refused, or how its body is framed (RFC 9112, 6.3), and whether its connection can be kept.
 * Called by the client codec between scanning and telling the stream.
 */
import type { HeaderList } from '../header-map.ts';
import { headFacts, type HeadFacts } from './head-facts.ts';
import type { HeadScan } from './head-scan.ts';
import type { Framing } from './message-sink.ts';
import { REJECTIONS, type Rejection } from './rejection.ts';
import type { Http1ClientSettings } from './settings.ts';

/** One per thread: overwritten by each `judge`. */
export class ResponseVerdict {
  rejection: Rejection | null = null;
  framing: Framing = 'none';
  length = 0;
  close = false;
  /** No body by status or method, whatever the head says. */
  bodyless = false;

  judge(
    list: HeaderList,
    scan: HeadScan,
    toHead: boolean,
    switching: 'none' | 'upgrade' | 'connect',
    settings: Http1ClientSettings,
  ): void {
    const facts = headFacts;
    facts.gather(list, scan.special);
    this.rejection = null;
    this.length = 0;
    this.close = facts.close || (scan.minor === 0 && !facts.keepAlive);
    this.bodyless = false;
    if (facts.forbiddenOption) this.rejection = REJECTIONS.connectionHeader;
    else if (facts.length === 'bad') this.rejection = REJECTIONS.codecError;
    else if (list.status === 101) this.#switch(list, facts, switching);
    else if (list.status < 200 || list.status === 204) this.#bodylessStatus(list, facts);
    else if (switching === 'connect' && list.status < 300) this.framing = 'tunnel';
    else this.#frame(list, scan.minor, facts, toHead, settings);
    if (this.framing === 'until-close') this.close = true;
  }

  /** A switch that nobody asked for would make the next response's bytes anything. */
  #switch(list: HeaderList, facts: HeadFacts, switching: string): void {
    if (switching !== 'upgrade' || facts.upgrade === '') {
      this.rejection = REJECTIONS.codecError;
      return;
    }
    list.protocol = facts.upgrade;
    this.framing = 'tunnel';
  }

  /** RFC 9112, 6.1 and RFC 9110, 8.6: such a response announces no body. A zero length is harmless and dropped. */
  #bodylessStatus(list: HeaderList, facts: HeadFacts): void {
    this.bodyless = true;
    this.framing = list.status < 200 ? 'informational' : 'none';
    if (facts.transferEncoding !== 'absent') this.rejection = REJECTIONS.transferEncodingNotAllowed;
    else if (facts.contentLength > 0) this.rejection = REJECTIONS.contentLengthNotAllowed;
    else if (facts.length === 'one') list.remove('content-length');
  }

  #frame(
    list: HeaderList,
    minor: number,
    facts: HeadFacts,
    toHead: boolean,
    settings: Http1ClientSettings,
  ): void {
    if (facts.transferEncoding !== 'absent') {
      this.rejection = checkChunked(minor, facts, settings);
      if (this.rejection === null && facts.length === 'one') list.remove('content-length');
      this.framing = 'chunked';
    } else if (facts.length === 'one') {
      this.framing = facts.contentLength === 0 ? 'none' : 'sized';
      this.length = facts.contentLength;
    } else this.framing = 'until-close';
    if (toHead || list.status === 304) {
      this.bodyless = true;
      this.framing = 'none';
    }
  }
}

function checkChunked(minor: number, facts: HeadFacts, settings: Http1ClientSettings): Rejection | null {
  if (facts.transferEncoding === 'other') return REJECTIONS.invalidTransferEncoding;
  if (minor === 0) return REJECTIONS.transferEncodingNotAllowed;
  if (facts.length === 'one' && !settings.allowChunkedLength) return REJECTIONS.lengthAndChunked;
  return null;
}

export const responseVerdict: ResponseVerdict = new ResponseVerdict();
