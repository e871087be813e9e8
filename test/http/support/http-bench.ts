/**
 * A connection manager on a fake connection, with the real codec, a fake clock, scripted filters and a terminal filter that
 * stands for the router: what it was given is recorded, what it answers is the test's.
 */
import type { HttpConnectionManager } from '../../../src/api/envoy.ts';
import type {
  DecoderFilterCallbacks,
  FilterDataStatus,
  FilterHeadersStatus,
  FilterTrailersStatus,
  HeaderMap,
  RouteMatch,
  RouteSettings,
  StreamFilter,
} from '../../../src/api/http.ts';
import type { LogContext, ObservationNeeds, ResponseFlag, StreamInfo } from '../../../src/api/observe.ts';
import { copyOf } from '../../../src/buffer/bytes.ts';
import type { Bytes } from '../../../src/api/bytes.ts';
import { HEAP_BLOCKS } from '../../../src/buffer/chunk-queue.ts';
import { HeaderList } from '../../../src/codec/header-map.ts';
import { Http1ServerCodec } from '../../../src/codec/http1/server-codec.ts';
import { http1ServerSettings } from '../../../src/codec/http1/settings.ts';
import { ConnectionManager } from '../../../src/http/connection-manager.ts';
import { FilterEntry, FilterPlan } from '../../../src/http/filter-plan.ts';
import type { HttpConfiguration } from '../../../src/http/http-configuration.ts';
import { HttpDate } from '../../../src/http/http-date.ts';
import { HttpStats } from '../../../src/http/http-stats.ts';
import { compileHttpSettings } from '../../../src/http/settings.ts';
import { StreamLedger } from '../../../src/observe/ledger.ts';
import { StreamRecord } from '../../../src/observe/stream-info.ts';
import { FakeConnection } from '../../support/fake-connection.ts';
import { FakeDispatcher } from '../../support/fake-dispatcher.ts';
import { FakeStats } from './fake-stats.ts';

/** The end of every chain. */
export class TerminalFilter implements StreamFilter {
  readonly seen: string[] = [];
  headers: HeaderMap | null = null;
  body = '';
  destroyed = 0;
  #held: DecoderFilterCallbacks | null = null;

  get callbacks(): DecoderFilterCallbacks {
    if (this.#held === null) throw new Error('no callbacks yet');
    return this.#held;
  }

  setDecoderFilterCallbacks(callbacks: DecoderFilterCallbacks): void {
    this.#held = callbacks;
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    this.headers = headers;
    this.seen.push(`headers${endStream ? ' end' : ''}`);
    return 'stop';
  }

  decodeData(bytes: Bytes, endStream: boolean): FilterDataStatus {
    this.body += copyOf(bytes).toString('latin1');
    this.seen.push(`data${endStream ? ' end' : ''}`);
    return 'stop-no-buffer';
  }

  decodeTrailers(): FilterTrailersStatus {
    this.seen.push('trailers');
    return 'stop';
  }

  onDestroy(): void {
    this.destroyed += 1;
  }

  respond(status: number, body = '', headers: Record<string, string> = {}): void {
    const response = HeaderList.response(status);
    if (body !== '') response.set('content-length', String(body.length));
    for (const [name, value] of Object.entries(headers)) response.set(name, value);
    this.callbacks.encodeHeaders(response, body === '');
    if (body !== '') this.data(body, true);
  }

  data(text: string, endStream: boolean): void {
    this.callbacks.encodeData(bytes(text), endStream);
  }
}

export interface LogLine {
  readonly context: LogContext;
  readonly code: number;
  readonly details: string;
  readonly flags: readonly ResponseFlag[];
}

export interface BenchOptions {
  readonly config?: HttpConnectionManager;
  /** Filters in front of the terminal one, made per stream. */
  readonly filters?: readonly (() => StreamFilter)[];
  readonly route?: Partial<RouteSettings> | null;
  readonly needs?: Partial<ObservationNeeds>;
  readonly bufferLimitBytes?: number;
  readonly trailers?: boolean;
}

const NEEDS: ObservationNeeds = {
  downstreamRead: true,
  upstreamWrite: true,
  upstreamRead: true,
  downstreamWrite: true,
  ledger: true,
};

export class HttpBench {
  readonly dispatcher = new FakeDispatcher();
  readonly connection = new FakeConnection('downstream', this.dispatcher);
  readonly stats = new FakeStats();
  readonly drain = { draining: false };
  /** One per stream, in order. */
  readonly terminals: TerminalFilter[] = [];
  readonly log: LogLine[] = [];
  readonly manager: ConnectionManager;
  readonly plan: { current: FilterPlan };

  constructor(options: BenchOptions = {}) {
    const filters = options.filters ?? [];
    const entries = filters.map((create, index) => new FilterEntry(`f${index}`, false, create));
    this.plan = {
      current: new FilterPlan([...entries, new FilterEntry('router', true, () => this.#terminal())]),
    };
    this.manager = new ConnectionManager(this.#configuration(options));
    this.connection.addReadFilter(this.manager);
  }

  /** One turn in which bytes arrive. */
  receive(data: string): void {
    this.dispatcher.run(() => this.connection.receive(data));
  }

  /** The kernel takes what was written; what depends on that happens. */
  flush(): void {
    this.dispatcher.run(() => this.connection.flush());
  }

  /** What was written since the last call, after a flush. */
  answer(): string {
    this.flush();
    return this.connection.take();
  }

  get terminal(): TerminalFilter {
    const last = this.terminals.at(-1);
    if (last === undefined) throw new Error('no stream reached the end of the chain');
    return last;
  }

  /** A counter or gauge of `http.ingress`. */
  stat(name: string): number {
    return this.stats.value(`http.ingress.${name}`);
  }

  #terminal(): TerminalFilter {
    const filter = new TerminalFilter();
    this.terminals.push(filter);
    return filter;
  }

  #configuration(options: BenchOptions): HttpConfiguration {
    const { dispatcher, stats, drain, log } = this;
    const needs = { ...NEEDS, ...options.needs };
    const config: HttpConnectionManager = { stat_prefix: 'ingress', ...options.config };
    const settings = compileHttpSettings(config);
    const codecSettings = http1ServerSettings({
      acceptHttp10: settings.acceptHttp10,
      defaultHostForHttp10: settings.defaultHostForHttp10,
      enableTrailers: options.trailers ?? true,
    });
    let ids = 0;
    const plan = this.plan;
    return {
      settings,
      stats: new HttpStats(stats.scope('http').scope('ingress'), stats.scope('listener.l.http.ingress')),
      filters: plan,
      routes: { current: { name: 'test', match: () => routeOf(options.route) } },
      accessLogs: { needs, empty: false, log: (context) => log.push(lineOf(context)) },
      localReplies: null,
      drain,
      date: new HttpDate(dispatcher.clock),
      requestIds: () => `id-${(ids += 1)}`,
      blocks: HEAP_BLOCKS,
      bufferLimitBytes: options.bufferLimitBytes ?? 1024,
      listenerPort: 10000,
      filterChainName: 'chain',
      createCodec: (connection, callbacks) =>
        new Http1ServerCodec({ connection, callbacks, settings: codecSettings, stats: null }),
      createInfo: (connection, startAt) =>
        new StreamRecord({
          kind: 'http',
          dispatcher,
          connection,
          needs,
          startAt,
          filterNames: plan.current.names,
        }),
    };
  }
}

function routeOf(settings: Partial<RouteSettings> | null | undefined): RouteMatch | null {
  if (settings === null) return null;
  return {
    routeName: 'route',
    virtualHostName: 'host',
    settings: {
      perFilterConfig: () => undefined,
      idleTimeoutMs: -1,
      maxStreamDurationMs: -1,
      upgradeEnabled: () => null,
      ...settings,
    },
  };
}

function lineOf(context: LogContext): LogLine {
  const { info } = context;
  return { context, code: info.responseCode, details: info.responseCodeDetails, flags: info.flags };
}

export function bytes(text: string): Bytes {
  return {
    block: { buffer: Buffer.from(text, 'latin1'), address: 0, lifetime: 'static', owner: null },
    start: 0,
    end: text.length,
  };
}

/** Head and body of a raw response. */
export function parse(raw: string): { status: string; headers: string[]; body: string } {
  const end = raw.indexOf('\r\n\r\n');
  const [status = '', ...headers] = raw.slice(0, end).split('\r\n');
  return { status, headers, body: raw.slice(end + 4) };
}

/** The ledger as the log prints it. */
export function ledgerText(info: StreamInfo): string | null {
  return info.ledger instanceof StreamLedger ? info.ledger.text() : null;
}
