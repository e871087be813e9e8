/**
 * What the tests of `upstream` are made with: a codec for lines of text instead of HTTP, statistics in a map, and a bench that
 * keeps every connection that a pool opens. A request is its body text and a newline; so is a response. A response that ends
 * in `!` tells that the connection closes after it.
 */
import type { ByteQueue } from '../../src/api/bytes.ts';
import type {
  ClientCodec,
  CodecStream,
  RequestEncoder,
  ResetReason,
  ResponseDecoder,
  StreamCallbacks,
} from '../../src/api/http.ts';
import type { Cluster } from '../../src/api/envoy.ts';
import type { Counter, Gauge, Histogram, StatsScope } from '../../src/api/stats.ts';
import type { HostSnapshot, HttpPoolCallbacks, Host, PoolAttachment } from '../../src/api/upstream.ts';
import { bytesOf, copyOf } from '../../src/buffer/bytes.ts';
import { ClusterBreakers } from '../../src/upstream/breaker/circuit-breakers.ts';
import { SharedCounts } from '../../src/upstream/breaker/shared-counts.ts';
import { limitsOf } from '../../src/upstream/breaker/thresholds.ts';
import { ClusterSettings } from '../../src/upstream/cluster-settings.ts';
import { PlainHostStats, UpstreamHost } from '../../src/upstream/host.ts';
import type { ConnectRequest, PoolEnvironment } from '../../src/upstream/pool/environment.ts';
import { HostPools } from '../../src/upstream/pool/host-pools.ts';
import { FakeConnection } from '../support/fake-connection.ts';
import { FakeDispatcher } from '../support/fake-dispatcher.ts';

export class MapStats implements StatsScope {
  readonly values: Map<string, number>;
  readonly #prefix: string;

  constructor(values = new Map<string, number>(), prefix = '') {
    this.values = values;
    this.#prefix = prefix;
  }

  get(name: string): number {
    return this.values.get(name) ?? 0;
  }

  counter(name: string): Counter {
    return this.gauge(name) as unknown as Counter;
  }

  gauge(name: string): Gauge & { inc(): void } {
    const { values } = this;
    const full = this.#prefix + name;
    return {
      inc: () => values.set(full, (values.get(full) ?? 0) + 1),
      add: (amount) => values.set(full, (values.get(full) ?? 0) + amount),
      set: (value) => values.set(full, value),
      get value() {
        return values.get(full) ?? 0;
      },
    };
  }

  histogram(name: string): Histogram {
    return { record: (value) => this.values.set(`${this.#prefix}${name}`, value) };
  }

  scope(prefix: string): StatsScope {
    return new MapStats(this.values, `${this.#prefix}${prefix}.`);
  }
}

/** One line out, one line back. */
export class LineCodec implements ClientCodec {
  readonly protocol = 'HTTP/1.1';
  closeAfterStream = false;
  onStreamEnd: (() => void) | null = null;
  readonly #connection: FakeConnection;
  #stream: LineStream | null = null;

  constructor(connection: FakeConnection) {
    this.#connection = connection;
  }

  get activeStreams(): number {
    return this.#stream === null ? 0 : 1;
  }

  newStream(decoder: ResponseDecoder): RequestEncoder {
    if (this.#stream !== null) throw new Error('a second stream on a line codec');
    this.#stream = new LineStream(this.#connection, decoder, () => {
      this.#stream = null;
    });
    return this.#stream;
  }

  /** The exchange ends outside of dispatch, as when the last request byte goes out after the response. */
  endOutside(): void {
    this.#stream = null;
    this.onStreamEnd?.();
  }

  dispatch(data: ByteQueue): { readonly ok: boolean; readonly details: string } {
    let text = '';
    for (let index = 0; index < data.count; index += 1) text += copyOf(data.at(index)).toString('latin1');
    const end = text.indexOf('\n');
    if (text.startsWith('garbage')) {
      const stream = this.#stream;
      this.#stream = null;
      stream?.tellReset('protocol error', 'codec_error');
      return { ok: false, details: 'codec_error' };
    }
    if (end < 0) return { ok: true, details: '' };
    data.drain(end + 1);
    const line = text.slice(0, end);
    if (line.endsWith('!')) this.closeAfterStream = true;
    const stream = this.#stream;
    this.#stream = null;
    stream?.decoder.decodeData(bytesOf(line), true);
    return { ok: true, details: '' };
  }

  onConnectionEnd(reason: ResetReason): void {
    const stream = this.#stream;
    this.#stream = null;
    stream?.tellReset(reason, '');
  }
}

export class LineStream implements RequestEncoder, CodecStream {
  readonly connection: FakeConnection;
  readonly decoder: ResponseDecoder;
  readonly stream: CodecStream = this;
  readonly #end: () => void;
  readonly #callbacks: StreamCallbacks[] = [];

  constructor(connection: FakeConnection, decoder: ResponseDecoder, end: () => void) {
    this.connection = connection;
    this.decoder = decoder;
    this.#end = end;
  }

  encodeHeaders(): void {
    throw new Error('lines have no headers');
  }

  encodeTrailers(): void {
    throw new Error('lines have no trailers');
  }

  encodeData(bytes: Parameters<RequestEncoder['encodeData']>[0]): void {
    this.connection.writeText(`${copyOf(bytes).toString('latin1')}\n`);
  }

  resetStream(): void {
    this.#end();
    this.connection.close('abort', 'local reset');
  }

  readDisable(): void {
    // Lines are short.
  }

  addCallbacks(callbacks: StreamCallbacks): void {
    this.#callbacks.push(callbacks);
  }

  removeCallbacks(): void {
    this.#callbacks.length = 0;
  }

  tellReset(reason: ResetReason, details: string): void {
    for (const callbacks of this.#callbacks) callbacks.onResetStream(reason, details);
  }
}

/** One request as the router would make it; remembers everything that it was told. */
export class TestRequest implements ResponseDecoder, HttpPoolCallbacks, StreamCallbacks {
  readonly text: string;
  encoder: RequestEncoder | null = null;
  host: Host | null = null;
  connectionId = 0;
  createdConnectionId = -1;
  reused = false;
  response: string | null = null;
  failure: string | null = null;
  transportFailure = '';
  reset: string | null = null;
  onDone: () => void = () => undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** How it ended, in one word; null while it has not. */
  get outcome(): string | null {
    return this.response ?? this.failure ?? this.reset;
  }

  onPoolReady(encoder: RequestEncoder, host: Host, attachment: PoolAttachment): void {
    if (this.encoder !== null || this.failure !== null) throw new Error(`${this.text} answered twice`);
    this.encoder = encoder;
    this.host = host;
    this.connectionId = attachment.connection.id;
    this.createdConnectionId = attachment.createdConnectionId;
    this.reused = attachment.reused;
    encoder.stream.addCallbacks(this);
    encoder.encodeData(bytesOf(this.text), true);
  }

  onPoolFailure(reason: string, transportFailureReason: string): void {
    if (this.encoder !== null || this.failure !== null) throw new Error(`${this.text} answered twice`);
    this.failure = reason;
    this.transportFailure = transportFailureReason;
    this.onDone();
  }

  decodeData(bytes: Parameters<ResponseDecoder['decodeData']>[0]): void {
    if (this.outcome !== null) throw new Error(`${this.text} got a second answer`);
    this.response = copyOf(bytes).toString('latin1');
    this.onDone();
  }

  onResetStream(reason: ResetReason): void {
    if (this.outcome !== null) throw new Error(`${this.text} reset after its end`);
    this.reset = reason;
    this.onDone();
  }

  onWire(): void {
    // Not observed here.
  }

  decodeInformational(): void {
    throw new Error('unexpected');
  }

  decodeHeaders(): void {
    throw new Error('unexpected');
  }

  decodeTrailers(): void {
    throw new Error('unexpected');
  }

  onAboveWriteBufferHighWatermark(): void {
    // Not observed here.
  }

  onBelowWriteBufferLowWatermark(): void {
    // Not observed here.
  }
}

export class Bench {
  readonly dispatcher = new FakeDispatcher();
  readonly stats = new MapStats();
  readonly counts = SharedCounts.allocate(2, 16);
  readonly connections: FakeConnection[] = [];
  readonly codecs: LineCodec[] = [];
  readonly requests: ConnectRequest[] = [];
  readonly environment: PoolEnvironment = {
    dispatcher: this.dispatcher,
    connect: (request) => {
      const connection = new FakeConnection('upstream', this.dispatcher, 'connecting');
      connection.remoteAddress = request.to;
      this.connections.push(connection);
      this.requests.push(request);
      return connection;
    },
    codec: (connection) => {
      const codec = new LineCodec(connection as FakeConnection);
      this.codecs.push(codec);
      return codec;
    },
  };

  /** Connection number `index` in order of opening. */
  connection(index: number): FakeConnection {
    const connection = this.connections[index];
    if (connection === undefined) throw new Error(`connection ${index} was not opened`);
    return connection;
  }

  settings(config: Cluster = {}): ClusterSettings {
    return new ClusterSettings('echo', config, this.stats);
  }

  breakers(settings: ClusterSettings, worker = 0): ClusterBreakers {
    const place = { counts: this.counts, row: 1, worker };
    return new ClusterBreakers(place, 'default', limitsOf(settings.config, 'default'));
  }

  host(settings: ClusterSettings, port = 80): UpstreamHost {
    return new UpstreamHost(
      hostSnapshot(port),
      settings,
      () => new PlainHostStats(),
      (host) => new HostPools(this.environment, host, () => undefined),
    );
  }

  stat(name: string): number {
    return this.stats.get(`cluster.echo.${name}`);
  }
}

export function hostSnapshot(port: number, change: Partial<HostSnapshot> = {}): HostSnapshot {
  return {
    address: { kind: 'ip', ip: '10.0.0.1', port, family: 4 },
    hostname: '',
    weight: 1,
    priority: 0,
    zone: '',
    healthFlags: '',
    ...change,
  };
}
