/**
 * `envoy.filters.network.tcp_proxy`: one downstream connection and the upstream one that it is joined to.
 *
 *   connecting --pool ready--> established --client gone--> draining --upstream took the rest--> closed
 *       |  ^ next attempt           `--upstream gone, client took the rest--------------------------^
 *       `--'---------------- attempts used up, no host ---------------------------------------------^
 *
 * While the upstream is not there, the downstream's reads are off: the kernel keeps its bytes. Half-closes and resets pass
 * through in both directions; what one side had sent before its FIN reaches the other however slow it is, as long as bytes move
 * within the idle timeout. The session owns one `StreamRecord` and logs it once, when the downstream connection is gone.
 */
import type { ByteQueue } from '../../../api/bytes.ts';
import type { Timer } from '../../../api/event.ts';
import type {
  Connection,
  ConnectionCallbacks,
  ConnectionEvent,
  FilterStatus,
  ReadFilter,
  ReadFilterCallbacks,
} from '../../../api/network.ts';
import type { ResponseFlag, Segment } from '../../../api/observe.ts';
import type {
  Host,
  PoolAttachment,
  PoolFailureReason,
  PoolTicket,
  TcpPoolCallbacks,
  ThreadLocalCluster,
} from '../../../api/upstream.ts';
import { invariant } from '../../../base/invariant.ts';
import { StreamRecord } from '../../../observe/stream-info.ts';
import type { TcpProxySettings, TcpProxyStats } from './settings.ts';
import { ActiveWrites } from './active-writes.ts';
import { UpstreamLink } from './upstream-link.ts';
import type { LinkOwner } from './upstream-link.ts';

type SessionState = 'new' | 'connecting' | 'established' | 'draining' | 'closed';

export class TcpSession implements ReadFilter, ConnectionCallbacks, TcpPoolCallbacks, LinkOwner {
  readonly #settings: TcpProxySettings;
  #state: SessionState = 'new';
  #downstream: Connection | null = null;
  #info: StreamRecord | null = null;
  #cluster: ThreadLocalCluster | null = null;
  #ticket: PoolTicket | null = null;
  #link: UpstreamLink | null = null;
  readonly #attempted: Host[] = [];
  #idle: Timer | null = null;
  #duration: Timer | null = null;

  constructor(settings: TcpProxySettings) {
    this.#settings = settings;
  }

  get downstream(): Connection {
    invariant(this.#downstream !== null, 'a session has its connection');
    return this.#downstream;
  }

  get info(): StreamRecord {
    invariant(this.#info !== null, 'a session has its record');
    return this.#info;
  }

  get stats(): TcpProxyStats {
    return this.#settings.stats;
  }

  initializeReadFilterCallbacks({ connection }: ReadFilterCallbacks): void {
    this.#downstream = connection;
    connection.enableHalfClose(true);
    // The idle timeout alone bounds how long the rest may take, as in Envoy.
    connection.setDelayedCloseTimeout(0);
    connection.addCallbacks(this);
  }

  onNewConnection(): FilterStatus {
    const { context, stats, logs, maxDurationMs } = this.#settings;
    const { downstream } = this;
    const { dispatcher } = context;
    stats.total.inc();
    const info = new StreamRecord({
      kind: 'tcp',
      dispatcher,
      connection: downstream,
      needs: logs.needs,
      startAt: downstream.createdAt,
    });
    this.#info = info;
    info.filterChainName = context.filterChainName;
    downstream.observeWrites(new ActiveWrites(info.writeObserver('downstreamWrite'), this));
    downstream.readDisable(true, 'codec');
    this.#state = 'connecting';
    if (maxDurationMs > 0) {
      this.#duration = dispatcher.createTimer(() => this.#onMaxDuration());
      this.#duration.enable(maxDurationMs);
    }
    this.#connect();
    return 'continue';
  }

  onData(data: ByteQueue, endStream: boolean): FilterStatus {
    const { info, stats } = this;
    const link = this.#link;
    invariant(link !== null, 'reads are off until there is an upstream');
    const { at } = this.downstream.lastRead;
    if (data.length > 0) {
      info.noteRead('downstreamRead', this.downstream, 'D', data.length);
      info.bytesReceived += data.length;
      info.downstreamWireBytesReceived += data.length;
      info.requestLastByteAt = at;
      stats.receivedBytes.add(data.length);
    }
    for (let index = 0; index < data.count; index += 1) link.connection.write(data.at(index), false);
    data.drain(data.length);
    if (endStream) {
      info.noteRead('downstreamRead', this.downstream, 'E', 0);
      link.connection.endWrite();
      this.onFlow();
    }
    this.onActivity();
    return 'stop';
  }

  onPoolReady(connection: Connection, host: Host, attachment: PoolAttachment): void {
    const { info } = this;
    const now = this.#settings.context.dispatcher.clock.now();
    this.#ticket = null;
    this.#state = 'established';
    const { upstream } = info;
    upstream.host = host.address;
    upstream.hostname = host.hostname;
    upstream.localAddress = connection.localAddress;
    upstream.createdConnectionId = attachment.createdConnectionId;
    upstream.connectionId = connection.id;
    upstream.noteAttempt(host.address, connection.id);
    upstream.secure = connection.secure;
    upstream.connectStartAt = connection.createdAt;
    upstream.connectedAt = connection.connectedAt;
    upstream.handshakeAt = connection.handshakeAt;
    upstream.poolReadyAt = now;
    info.ledger.enter('body', now);
    invariant(this.#cluster !== null, 'a pool belongs to a cluster');
    this.#link = new UpstreamLink(this, connection, this.#cluster);
    // A client that half-closed while we connected shows its FIN when reads go on.
    this.downstream.readDisable(false, 'codec');
    this.onActivity();
  }

  onPoolFailure(reason: PoolFailureReason, transportFailureReason: string, host: Host): void {
    this.#ticket = null;
    if (this.#state !== 'connecting') return;
    const { info } = this;
    info.upstream.transportFailureReason = transportFailureReason;
    info.upstream.host = host.address;
    info.upstream.noteAttempt(host.address, 0);
    if (reason === 'overflow') {
      this.#fail('UO');
      return;
    }
    info.setFlag('UF');
    this.#attempted.push(host);
    if (info.attemptCount < this.#settings.maxConnectAttempts) this.#connect();
    else this.#fail('URX');
  }

  onActivity(): void {
    const { idleTimeoutMs, context } = this.#settings;
    if (idleTimeoutMs === 0 || this.#state === 'closed') return;
    this.#idle ??= context.dispatcher.createTimer(() => this.#onIdle());
    this.#idle.enable(idleTimeoutMs);
  }

  onEvent(event: ConnectionEvent): void {
    if (event === 'connected' || this.#state === 'closed' || this.#state === 'draining') return;
    const reset = event === 'remote-close' && this.downstream.closeReason !== '';
    const early = event === 'remote-close' && this.#state === 'connecting';
    if (reset || early) this.info.setFlag('DC');
    this.#ticket?.cancel();
    this.#end();
    const upstream = this.#link?.connection;
    if (upstream === undefined || upstream.state === 'closed') return;
    const reason = `closing_upstream_tcp_connection_due_to_downstream_${reset ? 'reset' : event.replace('-', '_')}`;
    if (event === 'local-close') upstream.close('abort', reason);
    else if (reset) upstream.close('reset', reason);
    else {
      this.#state = 'draining';
      this.onActivity();
      upstream.close('flush', reason);
    }
  }

  onUpstreamClosed(event: Exclude<ConnectionEvent, 'connected'>, reason: string): void {
    if (this.#state === 'draining') {
      this.#state = 'closed';
      this.#idle?.disable();
    }
    if (this.#state === 'closed') return;
    const reset = event === 'remote-close' && reason !== '';
    if (reset) this.info.setFlag('UC');
    // Behind a reset a clean end would tell the client that it has everything.
    this.downstream.close(reset ? 'reset' : 'flush');
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#link?.pauseReading(true);
    this.onFlow();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#link?.pauseReading(false);
    this.onFlow();
  }

  onFlow(): void {
    const link = this.#link;
    if (link === null || this.#state !== 'established') return;
    this.info.ledger.enter(waitOf(this.downstream, link), this.#settings.context.dispatcher.clock.now());
  }

  #connect(): void {
    const { context } = this.#settings;
    const { info } = this;
    const name =
      info.clusterName === '' ? this.#settings.pickCluster(context.dispatcher.random()) : info.clusterName;
    info.clusterName = name;
    const cluster = context.clusters.get(name);
    if (cluster === undefined) {
      this.stats.noRoute.inc();
      this.#fail('NC');
      return;
    }
    this.#cluster = cluster;
    const pool = cluster.tcpPool({ attempted: this.#attempted }, 'default');
    if (pool === null) {
      this.#fail('UH');
      return;
    }
    info.attemptCount += 1;
    info.ledger.enter('connect', context.dispatcher.clock.now());
    this.#ticket = pool.newConnection(this);
  }

  #fail(flag: ResponseFlag): void {
    this.info.setFlag(flag);
    this.downstream.close('abort', 'tcp_initializion_failure:');
  }

  #onIdle(): void {
    this.stats.idleTimeout.inc();
    if (this.#state === 'draining') {
      this.#link?.connection.close('abort', 'tcp_session_idle_timeout');
      return;
    }
    this.info.setFlag('SI');
    this.info.connectionTerminationDetails = 'tcp_session_idle_timeout';
    this.downstream.close('abort', 'tcp_session_idle_timeout');
  }

  #onMaxDuration(): void {
    this.stats.maxDuration.inc();
    this.info.setFlag('DT');
    this.info.connectionTerminationDetails = 'max_connection_duration_reached';
    this.downstream.close('abort', 'max_connection_duration_reached');
  }

  /** The downstream connection is gone: the record is closed and logged, exactly once. */
  #end(): void {
    const { info } = this;
    this.#state = 'closed';
    this.#idle?.disable();
    this.#duration?.disable();
    const now = this.#settings.context.dispatcher.clock.now();
    info.downstreamWireBytesSent = this.downstream.bytesSent;
    info.responseLastByteAt = now;
    info.close(now);
    this.#settings.logs.log({
      info,
      request: null,
      response: null,
      trailers: null,
      logType: 'TcpConnectionEnd',
    });
  }
}

/** What the joined connections wait for. */
function waitOf(downstream: Connection, link: UpstreamLink): Segment {
  if (downstream.aboveHighWatermark) return 'flow.downstream';
  if (link.connection.aboveHighWatermark) return 'flow.upstream';
  if (!link.connection.remoteEnded) return 'body';
  return downstream.remoteEnded ? 'deliver' : 'client';
}
