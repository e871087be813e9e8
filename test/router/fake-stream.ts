/** The downstream side as the router sees it, and the requests and route tables that the tests are made of. */
import type { RouteConfiguration } from '../../src/api/envoy.ts';
import type { ByteQueue, Bytes } from '../../src/api/bytes.ts';
import type {
  DecoderFilterCallbacks,
  DownstreamWatermarkCallbacks,
  HeaderMap,
  RouteMatch,
} from '../../src/api/http.ts';
import type { Ledger, ResponseFlag, StreamInfo, UpstreamInfo } from '../../src/api/observe.ts';
import { bytesOf } from '../../src/buffer/bytes.ts';
import { HeaderList } from '../../src/codec/header-map.ts';
import { UpstreamRecord } from '../../src/observe/upstream-record.ts';
import type { RouterFilter } from '../../src/router/router-filter.ts';
import { FakeConnection } from '../support/fake-connection.ts';
import type { FakeDispatcher } from '../support/fake-dispatcher.ts';

/** The downstream side: records what goes down. */
export class FakeStream implements DecoderFilterCallbacks {
  readonly dispatcher: FakeDispatcher;
  readonly connection: FakeConnection;
  readonly info: StreamInfo;
  readonly streamId = 1;
  readonly route: RouteMatch | null;
  readonly decodingBuffer: ByteQueue | null = null;
  request: HeaderMap | null = null;
  responseHeaders: HeaderMap | null = null;
  decoderBufferLimit = 1024;
  filter: RouterFilter | null = null;
  status = 0;
  body = '';
  details = '';
  local = false;
  ended = false;
  reset = false;
  informational: number[] = [];
  /** Depth of pauses of the client. */
  paused = 0;
  wait: string | null = null;
  work = 0;
  watchers: DownstreamWatermarkCallbacks[] = [];

  constructor(dispatcher: FakeDispatcher, route: RouteMatch | null) {
    this.dispatcher = dispatcher;
    this.connection = new FakeConnection('downstream', dispatcher);
    this.route = route;
    this.info = fakeInfo();
  }

  get requestHeaders(): HeaderMap | null {
    return this.request;
  }

  get flags(): string {
    return this.info.flags.join(',');
  }

  data(text: string, endStream = false): void {
    this.filter?.decodeData(bytesOf(text), endStream);
  }

  /** The client is gone, or the stream is over: as the connection manager does. */
  destroy(): void {
    this.filter?.onDestroy();
  }

  high(): void {
    for (const watcher of this.watchers) watcher.onAboveWriteBufferHighWatermark();
  }

  low(): void {
    for (const watcher of this.watchers) watcher.onBelowWriteBufferLowWatermark();
  }

  sendLocalReply(status: number, body: string, details: string, modify?: (headers: HeaderMap) => void): void {
    const head = HeaderList.response(status);
    modify?.(head);
    this.local = true;
    this.responseHeaders = head;
    this.status = status;
    this.body = body;
    this.details = details;
    this.#end();
  }

  encodeInformational(headers: HeaderMap): void {
    this.informational.push(headers.status);
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.status !== 0) throw new Error('two response heads');
    this.responseHeaders = headers;
    this.status = headers.status;
    this.details = this.info.responseCodeDetails;
    if (endStream) this.#end();
  }

  encodeData(bytes: Bytes, endStream: boolean): void {
    if (this.ended || this.status === 0) throw new Error('body out of place');
    this.body += bytes.block.buffer.toString('latin1', bytes.start, bytes.end);
    if (endStream) this.#end();
  }

  encodeTrailers(): void {
    this.#end();
  }

  resetStream(): void {
    this.reset = true;
    this.details = this.info.responseCodeDetails;
    this.destroy();
  }

  onDecoderFilterAboveWriteBufferHighWatermark(): void {
    this.paused += 1;
  }

  onDecoderFilterBelowWriteBufferLowWatermark(): void {
    this.paused -= 1;
    if (this.paused < 0) throw new Error('resumed more often than paused');
  }

  addDownstreamWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void {
    this.watchers = [...this.watchers, callbacks];
  }

  removeDownstreamWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void {
    this.watchers = this.watchers.filter((each) => each !== callbacks);
  }

  setUpstreamWait(segment: string | null): void {
    this.wait = segment;
  }

  enterWork(): void {
    this.work += 1;
  }

  leaveWork(): void {
    this.work -= 1;
  }

  perRouteConfig(): unknown {
    return undefined;
  }

  continueDecoding(): void {}
  injectDecodedData(): void {}
  clearRouteCache(): void {}

  /** The connection manager destroys the filters when the response has ended. */
  #end(): void {
    this.ended = true;
    this.destroy();
  }
}

function fakeInfo(): StreamInfo {
  const flags: ResponseFlag[] = [];
  const ledger: Ledger = {
    enabled: false,
    enter: () => undefined,
    late: () => undefined,
    leaves: () => undefined,
    close: () => undefined,
  };
  const upstream: UpstreamInfo = new UpstreamRecord(0, null);
  const info = {
    kind: 'http',
    endAt: -1,
    responseCodeDetails: '',
    flags,
    attemptCount: 0,
    upstream,
    ledger,
    setFlag: (flag: ResponseFlag) => void (flags.includes(flag) || flags.push(flag)),
    hasFlag: (flag: ResponseFlag) => flags.includes(flag),
    noteRead: () => undefined,
    writeObserver: () => ({ onWrite: () => undefined, onFlushed: () => undefined }),
    resetUpstream: () => undefined,
  };
  return info as unknown as StreamInfo;
}

/** One virtual host, one route to cluster `echo` with this action. */
export function routeTo(action: object, virtualHost: object = {}): RouteConfiguration {
  return {
    virtual_hosts: [
      {
        name: 'all',
        domains: ['*'],
        routes: [{ match: { prefix: '/' }, route: { cluster: 'echo', ...action } }],
        ...virtualHost,
      },
    ],
  };
}

export function get(path = '/', headers: Record<string, string> = {}): HeaderList {
  return request('GET', path, headers);
}

export function request(method: string, path = '/', headers: Record<string, string> = {}): HeaderList {
  const list = HeaderList.request(method, path, 'example.com');
  for (const [name, value] of Object.entries(headers)) list.add(name, value);
  return list;
}
