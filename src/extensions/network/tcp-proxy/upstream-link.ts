/**
 * The upstream half of a proxied TCP connection: its bytes go down, its watermarks pause the downstream reads.
 *
 *   upstream read -> downstream.write        upstream buffer high -> downstream.readDisable(true)
 *
 * Made when the pool has given a connection; tells its session when that connection ends.
 */
import type { ByteQueue } from '../../../api/bytes.ts';
import type {
  Connection,
  ConnectionCallbacks,
  ConnectionEvent,
  FilterStatus,
  ReadFilter,
} from '../../../api/network.ts';
import type { StreamInfo } from '../../../api/observe.ts';
import type { Counter } from '../../../api/stats.ts';
import type { ThreadLocalCluster } from '../../../api/upstream.ts';
import { ActiveWrites } from './active-writes.ts';
import type { TcpProxyStats } from './settings.ts';

/** What the link needs of the session that owns it. */
export interface LinkOwner {
  readonly downstream: Connection;
  readonly info: StreamInfo;
  readonly stats: TcpProxyStats;
  /** Bytes moved: the idle timer starts anew. */
  onActivity(): void;
  /** A watermark was crossed or a side has ended: the session waits for something else now. */
  onFlow(): void;
  /** `reason`: errno name or '' for a clean end. */
  onUpstreamClosed(event: Exclude<ConnectionEvent, 'connected'>, reason: string): void;
}

export class UpstreamLink implements ReadFilter, ConnectionCallbacks {
  readonly connection: Connection;
  readonly #owner: LinkOwner;
  readonly #flow: FlowCounters;
  #paused = false;

  constructor(owner: LinkOwner, connection: Connection, cluster: ThreadLocalCluster) {
    this.#owner = owner;
    this.connection = connection;
    this.#flow = flowCounters(cluster);
    connection.enableHalfClose(true);
    connection.setDelayedCloseTimeout(0);
    connection.addReadFilter(this);
    connection.addCallbacks(this);
    connection.observeWrites(new ActiveWrites(owner.info.writeObserver('upstreamWrite'), owner));
  }

  initializeReadFilterCallbacks(): void {
    // The connection is known from the constructor.
  }

  onNewConnection(): FilterStatus {
    return 'continue';
  }

  onData(data: ByteQueue, endStream: boolean): FilterStatus {
    const { downstream, info, stats } = this.#owner;
    const { upstream } = info;
    const { at } = this.connection.lastRead;
    if (data.length > 0) {
      info.noteRead('upstreamRead', this.connection, 'D', data.length);
      if (upstream.responseFirstByteAt < 0) upstream.responseFirstByteAt = at;
      upstream.responseLastByteAt = at;
      upstream.wireBytesReceived += data.length;
      info.bytesSent += data.length;
      stats.sentBytes.add(data.length);
    }
    for (let index = 0; index < data.count; index += 1) downstream.write(data.at(index), false);
    data.drain(data.length);
    if (endStream) {
      info.noteRead('upstreamRead', this.connection, 'E', 0);
      downstream.endWrite();
      this.#owner.onFlow();
    }
    this.#owner.onActivity();
    return 'stop';
  }

  /** The downstream side took less than it was given: its peer is slow. */
  pauseReading(pause: boolean): void {
    if (pause === this.#paused) return;
    this.#paused = pause;
    (pause ? this.#flow.paused : this.#flow.resumed).inc();
    this.connection.readDisable(pause);
  }

  onEvent(event: ConnectionEvent): void {
    if (event !== 'connected') this.#owner.onUpstreamClosed(event, this.connection.closeReason);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#owner.stats.paused.inc();
    this.#owner.downstream.readDisable(true);
    this.#owner.onFlow();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#owner.stats.resumed.inc();
    this.#owner.downstream.readDisable(false);
    this.#owner.onFlow();
  }
}

interface FlowCounters {
  readonly paused: Counter;
  readonly resumed: Counter;
}

const flowOf = new WeakMap<ThreadLocalCluster, FlowCounters>();

/** Looked up once per cluster, not per connection. What backs up towards the upstream is counted by the pool. */
function flowCounters(cluster: ThreadLocalCluster): FlowCounters {
  let counters = flowOf.get(cluster);
  if (counters === undefined) {
    const { stats } = cluster.info;
    counters = {
      paused: stats.counter('upstream_flow_control_paused_reading_total'),
      resumed: stats.counter('upstream_flow_control_resumed_reading_total'),
    };
    flowOf.set(cluster, counters);
  }
  return counters;
}
