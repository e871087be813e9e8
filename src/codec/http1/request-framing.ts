/**
 * The verdict on a request head: refused with a reason, or how its body is framed (`envoy-reference.md`, section 17).
 *
 * Called by the server codec between scanning and telling the stream. Framing is judged first: only behind it may a
 * rejection leave the connection usable.
 */
import type { HeaderList } from '../header-map.ts';
import { headFacts, type HeadFacts } from './head-facts.ts';
import type { HeadScan } from './head-scan.ts';
import type { Framing } from './message-sink.ts';
import { REJECTIONS, type Rejection } from './rejection.ts';
import { readTarget } from './request-target.ts';
import type { Http1ServerSettings, Http1Stats } from './settings.ts';

/** One per thread: overwritten by each `judge`. */
export class RequestVerdict {
  framing: Framing = 'none';
  length = 0;
  rejection: Rejection = REJECTIONS.codecError;
  refused = false;
  /** The client wants the connection closed behind the response (or its version implies it). */
  close = false;
  keepAlive = false;
  /** The switch of protocol that it asks for. */
  switching: 'none' | 'upgrade' | 'connect' = 'none';

  judge(list: HeaderList, scan: HeadScan, settings: Http1ServerSettings, stats: Http1Stats | null): void {
    const facts = headFacts;
    facts.gather(list, scan.special);
    this.refused = false;
    this.close = facts.close || (scan.minor === 0 && !facts.keepAlive);
    this.keepAlive = facts.keepAlive;
    this.switching = 'none';
    const rejection =
      this.#frame(list, scan.minor, facts, settings) ??
      this.#checkTarget(list, scan, settings) ??
      checkNames(list, scan.underscores, settings, stats) ??
      (facts.forbiddenOption ? REJECTIONS.connectionHeader : null);
    if (rejection !== null) {
      this.refused = true;
      this.rejection = rejection;
      return;
    }
    if (facts.upgrade !== '') this.#readUpgrade(list, scan.minor, facts);
  }

  #frame(list: HeaderList, minor: number, facts: HeadFacts, settings: Http1ServerSettings): Rejection | null {
    this.framing = 'none';
    const connect = list.method === 'CONNECT';
    if (facts.length === 'bad') return REJECTIONS.codecError;
    if (facts.transferEncoding !== 'absent') {
      if (facts.transferEncoding === 'other' || connect) return REJECTIONS.invalidTransferEncoding;
      if (minor === 0) return REJECTIONS.transferEncodingNotAllowed;
      if (facts.length === 'one') {
        if (!settings.allowChunkedLength) return REJECTIONS.lengthAndChunked;
        list.remove('content-length');
      }
      this.framing = 'chunked';
      return null;
    }
    if (connect) {
      if (facts.contentLength > 0) return REJECTIONS.contentLengthNotAllowed;
      this.framing = 'held';
      this.switching = 'connect';
      return null;
    }
    if (facts.contentLength > 0) {
      this.framing = 'sized';
      this.length = facts.contentLength;
    }
    return null;
  }

  #checkTarget(list: HeaderList, scan: HeadScan, settings: Http1ServerSettings): Rejection | null {
    if (scan.hosts > 1) return REJECTIONS.codecError;
    if (scan.hosts === 0 && scan.minor === 0 && settings.acceptHttp10)
      list.authority = settings.defaultHostForHttp10;
    return readTarget(list, settings.allowAbsoluteUrl) ? null : REJECTIONS.invalidUrl;
  }

  /** An upgrade of a request that has a body, or of HTTP/1.0, is not looked at (RFC 9110, 7.8 allows and demands it). */
  #readUpgrade(list: HeaderList, minor: number, facts: HeadFacts): void {
    if (!facts.upgradeOption || minor === 0 || this.framing !== 'none') return;
    list.protocol = facts.upgrade;
    this.framing = 'held';
    this.switching = 'upgrade';
  }
}

function checkNames(
  list: HeaderList,
  underscores: number,
  settings: Http1ServerSettings,
  stats: Http1Stats | null,
): Rejection | null {
  if (underscores === 0 || settings.headersWithUnderscoresAction === 'ALLOW') return null;
  if (settings.headersWithUnderscoresAction === 'REJECT_REQUEST') {
    stats?.requestsRejectedWithUnderscores.inc();
    return REJECTIONS.unexpectedUnderscore;
  }
  for (let index = list.size - 1; index >= 0; index -= 1) {
    // Removing takes all of the name: the list may have shrunk by more than one.
    if (index >= list.size || !list.entryName(index).underscore) continue;
    const dropped = list.remove(list.nameAt(index));
    stats?.droppedHeadersWithUnderscores.add(dropped);
  }
  return null;
}

export const requestVerdict: RequestVerdict = new RequestVerdict();
