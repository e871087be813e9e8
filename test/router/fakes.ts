/**
 * A downstream stream, a cluster and its pool as the router sees them, on a fake clock. The test plays both peers:
 * `exchange()` gives the attempt that is under way, its methods are what the upstream does.
 */
import assert from 'node:assert/strict';
import type { RouteConfiguration, Router } from '../../src/api/envoy.ts';
import type { Bytes } from '../../src/api/bytes.ts';
import type {
  CodecStream,
  HeaderMap,
  RequestEncoder,
  ResetReason,
  ResponseDecoder,
  StreamCallbacks,
} from '../../src/api/http.ts';
import type { Counter, Gauge, Histogram, StatsScope } from '../../src/api/stats.ts';
import type {
  CircuitBreakers,
  ClusterInfo,
  Host,
  HttpPool,
  HttpPoolCallbacks,
  LoadBalancerContext,
  PoolFailureReason,
  PoolTicket,
  Resource,
  ThreadLocalCluster,
} from '../../src/api/upstream.ts';
import { bytesOf } from '../../src/buffer/bytes.ts';
import { HeaderList } from '../../src/codec/header-map.ts';
import { compileRouteTable } from '../../src/router/route-table.ts';
import { RouterConfig } from '../../src/router/router-config.ts';
import { RouterFilter } from '../../src/router/router-filter.ts';
import { FakeConnection } from '../support/fake-connection.ts';
import { FakeDispatcher } from '../support/fake-dispatcher.ts';
import { FakeStream, get, routeTo } from './fake-stream.ts';

export { FakeStream, get, request, routeTo } from './fake-stream.ts';

export class FakeStats implements StatsScope {
  readonly values: Map<string, number>;
  readonly #prefix: string;

  constructor(prefix = '', values = new Map<string, number>()) {
    this.#prefix = prefix;
    this.values = values;
  }

  counter(name: string): Counter {
    return this.gauge(name) as unknown as Counter;
  }

  gauge(name: string): Gauge {
    const { values } = this;
    const key = this.#prefix + name;
    const add = (amount: number): void => void values.set(key, (values.get(key) ?? 0) + amount);
    const gauge = {
      add,
      inc: () => add(1),
      set: (value: number) => void values.set(key, value),
      get value() {
        return values.get(key) ?? 0;
      },
    };
    return gauge;
  }

  histogram(name: string): Histogram {
    return { record: (value) => void this.values.set(this.#prefix + name, value) };
  }

  scope(prefix: string): StatsScope {
    return new FakeStats(`${this.#prefix}${prefix}.`, this.values);
  }
}

export class FakeResource implements Resource {
  limit: number;
  used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  canCreate(): boolean {
    return this.used < this.limit;
  }

  inc(): void {
    this.used += 1;
  }

  dec(): void {
    this.used -= 1;
  }
}

/** One request on an upstream connection: what the router sent, and what the upstream does. */
export class FakeExchange implements RequestEncoder, CodecStream {
  readonly connection: FakeConnection;
  readonly stream: CodecStream = this;
  readonly decoder: ResponseDecoder;
  head: HeaderMap | null = null;
  body = '';
  /** Calls of `encodeData`. */
  pieces = 0;
  ended = false;
  trailers: HeaderMap | null = null;
  resetBy: ResetReason | null = null;
  readDisabled = 0;
  watchers: StreamCallbacks[] = [];

  constructor(connection: FakeConnection, decoder: ResponseDecoder) {
    this.connection = connection;
    this.decoder = decoder;
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.head = headers.clone();
    this.connection.writeText(`${headers.method} ${headers.path}`);
    this.ended = endStream;
  }

  encodeData(bytes: Bytes, endStream: boolean): void {
    if (this.ended || this.resetBy !== null) throw new Error('body behind the end');
    this.body += bytes.block.buffer.toString('latin1', bytes.start, bytes.end);
    this.pieces += 1;
    this.connection.write(bytes, false);
    this.ended = endStream;
  }

  encodeTrailers(trailers: HeaderMap): void {
    this.trailers = trailers;
    this.ended = true;
  }

  resetStream(reason: ResetReason): void {
    this.resetBy = reason;
  }

  readDisable(disable: boolean): void {
    this.readDisabled += disable ? 1 : -1;
    if (this.readDisabled < 0) throw new Error('read enabled more often than disabled');
  }

  addCallbacks(callbacks: StreamCallbacks): void {
    this.watchers = [...this.watchers, callbacks];
  }

  removeCallbacks(callbacks: StreamCallbacks): void {
    this.watchers = this.watchers.filter((each) => each !== callbacks);
  }

  respond(status: number, body: string | null = null, headers: Record<string, string> = {}): void {
    const head = HeaderList.response(status);
    for (const [name, value] of Object.entries(headers)) head.add(name, value);
    this.read();
    this.decoder.onWire('H', 20);
    this.decoder.decodeHeaders(head, body === null);
    if (body !== null) this.respondData(body, true);
  }

  respondHead(status: number): void {
    this.read();
    this.decoder.onWire('H', 20);
    this.decoder.decodeHeaders(HeaderList.response(status), false);
  }

  respondData(body: string, endStream: boolean): void {
    this.decoder.onWire('D', body.length);
    this.decoder.decodeData(bytesOf(body), endStream);
  }

  die(reason: ResetReason, details = ''): void {
    for (const watcher of this.watchers) watcher.onResetStream(reason, details);
  }

  high(): void {
    for (const watcher of this.watchers) watcher.onAboveWriteBufferHighWatermark();
  }

  low(): void {
    for (const watcher of this.watchers) watcher.onBelowWriteBufferLowWatermark();
  }

  read(): void {
    this.connection.lastRead.serial += 1;
    this.connection.lastRead.at = this.connection.dispatcher.clock.now();
  }
}

interface Waiting {
  readonly pool: FakePool;
  readonly decoder: ResponseDecoder;
  readonly callbacks: HttpPoolCallbacks;
  cancelled: boolean;
}

export class FakePool implements HttpPool {
  readonly host: Host;
  readonly #world: World;

  constructor(world: World, host: Host) {
    this.#world = world;
    this.host = host;
  }

  newStream(decoder: ResponseDecoder, callbacks: HttpPoolCallbacks): PoolTicket | null {
    this.#world.newStreams += 1;
    if (this.#world.overflow) {
      callbacks.onPoolFailure('overflow', '', this.host);
      return null;
    }
    const waiting: Waiting = { pool: this, decoder, callbacks, cancelled: false };
    if (this.#world.idleConnections) {
      this.#world.attach(waiting, true);
      return null;
    }
    this.#world.waiting.push(waiting);
    return { cancel: () => void (waiting.cancelled = true) };
  }
}

export interface WorldOptions {
  readonly routes?: RouteConfiguration;
  readonly router?: Router;
  readonly hosts?: number;
}

/** Everything around one router configuration. */
export class World {
  readonly dispatcher = new FakeDispatcher();
  readonly stats = new FakeStats();
  readonly retries = new FakeResource(3);
  readonly waiting: Waiting[] = [];
  readonly exchanges: FakeExchange[] = [];
  readonly pools: FakePool[] = [];
  readonly cluster: ThreadLocalCluster;
  readonly config: RouterConfig;
  readonly #routes: ReturnType<typeof compileRouteTable>;
  idleConnections = true;
  reused = true;
  overflow = false;
  healthy = true;
  newStreams = 0;
  #nextHost = 0;

  constructor(options: WorldOptions = {}) {
    const clusterStats = this.stats.scope('cluster.echo');
    const info = {
      name: 'echo',
      observabilityName: 'echo',
      config: {},
      stats: clusterStats,
      connectTimeoutMs: 5000,
      bufferLimitBytes: 1024,
    } as ClusterInfo;
    for (let index = 0; index < (options.hosts ?? 1); index += 1) {
      this.pools.push(new FakePool(this, fakeHost(info, index)));
    }
    const any: Resource = new FakeResource(1000);
    const breakers: CircuitBreakers = {
      connections: any,
      pendingRequests: any,
      requests: any,
      retries: this.retries,
    };
    this.cluster = {
      info,
      hosts: this.pools.map((pool) => pool.host),
      breakers: () => breakers,
      httpPool: (context: LoadBalancerContext) => this.#choose(context),
      tcpPool: () => null,
    };
    this.config = new RouterConfig(options.router ?? {}, {
      dispatcher: this.dispatcher,
      clusters: {
        get: (name: string) => (name === 'echo' ? this.cluster : undefined),
        onSnapshot: () => undefined,
        drain: () => undefined,
      },
      stats: this.stats.scope('http.in'),
      statPrefix: 'in',
      createTimer: (callback: () => void) => this.dispatcher.createTimer(callback),
      accessLogs: () => assert.fail('no log is configured'),
    });
    this.#routes = compileRouteTable(options.routes ?? routeTo({}));
  }

  stat(name: string): number {
    return this.stats.values.get(name) ?? 0;
  }

  /** A request arrives; `endStream` as in `decodeHeaders`. */
  request(headers: HeaderMap = get(), endStream = true): FakeStream {
    const stream = new FakeStream(this.dispatcher, this.#routes.match(headers, 0.5));
    stream.request = headers;
    const filter = new RouterFilter(this.config);
    stream.filter = filter;
    filter.setDecoderFilterCallbacks(stream);
    filter.decodeHeaders(headers, endStream);
    return stream;
  }

  /** The exchange that began last. */
  exchange(): FakeExchange {
    const last = this.exchanges.at(-1);
    if (last === undefined) throw new Error('nothing was sent upstream');
    return last;
  }

  /** The request in line gets a connection. */
  ready(reused = false): FakeExchange {
    const waiting = this.waiting.shift();
    if (waiting === undefined) throw new Error('nobody waits');
    this.attach(waiting, reused);
    return this.exchange();
  }

  failPool(reason: PoolFailureReason, transportReason = ''): void {
    const waiting = this.waiting.shift();
    waiting?.callbacks.onPoolFailure(reason, transportReason, waiting.pool.host);
  }

  attach(waiting: Waiting, reused: boolean): void {
    const connection = new FakeConnection('upstream', this.dispatcher);
    const exchange = new FakeExchange(connection, waiting.decoder);
    this.exchanges.push(exchange);
    waiting.callbacks.onPoolReady(exchange, waiting.pool.host, {
      connection,
      createdConnectionId: reused ? 0 : connection.id,
      protocol: 'HTTP/1.1',
      reused: reused && this.reused,
    });
  }

  /** Round robin that keeps the contract of `selectionRetries`. */
  #choose(context: LoadBalancerContext): FakePool | null {
    if (!this.healthy) return null;
    let pool = this.#next();
    for (let left = context.selectionRetries ?? 1; left > 0; left -= 1) {
      if (context.attempted?.includes(pool.host) !== true) break;
      pool = this.#next();
    }
    return pool;
  }

  #next(): FakePool {
    const pool = this.pools[this.#nextHost % this.pools.length];
    this.#nextHost += 1;
    if (pool === undefined) throw new Error('a cluster without hosts');
    return pool;
  }
}

function fakeHost(cluster: ClusterInfo, index: number): Host {
  const stats = {
    cxActive: 0,
    cxConnectFail: 0,
    cxTotal: 0,
    rqActive: 0,
    rqError: 0,
    rqSuccess: 0,
    rqTimeout: 0,
    rqTotal: 0,
  };
  const address = { kind: 'ip', ip: `127.0.0.${index + 1}`, port: 8000, family: 4 } as const;
  return { address, hostname: `host-${index}`, cluster, weight: 1, healthy: true, activeRequests: 0, stats };
}
