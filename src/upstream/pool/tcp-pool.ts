/**
 * TCP connections of one worker to one host: a fresh one per downstream connection, never reused.
 *
 * What makes it a pool is the account: limits, connect timeout and numbers are the same as for HTTP. A connection counts as one
 * request from when it is up until it closes. Once `onPoolReady` has run it belongs to the caller (tcp_proxy); the pool only
 * listens for its end.
 */
import type {
  ConnectionEvent,
  Connection,
  ConnectionCallbacks,
  FilterStatus,
  ReadFilter,
} from '../../api/network.ts';
import type { Timer } from '../../api/event.ts';
import type { PoolAttachment, PoolTicket, TcpPool, TcpPoolCallbacks } from '../../api/upstream.ts';
import type { ClusterBreakers } from '../breaker/circuit-breakers.ts';
import type { UpstreamHost } from '../host.ts';
import { ByteMeter } from './byte-meter.ts';
import { connectErrorText } from './connect-error.ts';
import { connectRequestOf, connectTo, prepareSocket } from './environment.ts';
import type { ConnectRequest, PoolEnvironment } from './environment.ts';
import { PoolAccount } from './pool-account.ts';

export class FreshTcpPool implements TcpPool {
  readonly host: UpstreamHost;
  readonly #environment: PoolEnvironment;
  readonly #account: PoolAccount;
  readonly #request: ConnectRequest;
  readonly #all = new Set<TcpUpstream>();
  readonly #onEmpty: () => void;
  #draining = false;

  constructor(
    environment: PoolEnvironment,
    host: UpstreamHost,
    breakers: ClusterBreakers,
    onEmpty: () => void,
  ) {
    this.host = host;
    this.#environment = environment;
    this.#account = new PoolAccount(host, breakers);
    this.#request = connectRequestOf(host);
    this.#onEmpty = onEmpty;
  }

  get connections(): ReadonlySet<TcpUpstream> {
    return this.#all;
  }

  /** Connections on their way. */
  get pending(): number {
    let count = 0;
    for (const upstream of this.#all) if (upstream.state === 'connecting') count += 1;
    return count;
  }

  newConnection(callbacks: TcpPoolCallbacks): PoolTicket | null {
    const { breakers, stats } = this.#account;
    if (!breakers.connections.canCreate()) {
      stats.cxOverflow.inc();
      if (this.#all.size > 0) return this.#refuse(callbacks);
    }
    if (!breakers.pendingRequests.canCreate()) return this.#refuse(callbacks);
    const connection = connectTo(this.#environment, this.#request, this.host.cluster);
    const upstream = new TcpUpstream(this.#account, connection, callbacks, (closed) => this.#forget(closed));
    this.#all.add(upstream);
    return upstream;
  }

  /** Connections live on: their two ends decide when they are over. */
  drain(): void {
    this.#draining = true;
    this.#checkEmpty();
  }

  resume(): void {
    this.#draining = false;
  }

  closeAll(): void {
    this.#draining = true;
    for (const upstream of Array.from(this.#all)) upstream.connection.close('abort', 'drain_timeout');
    this.#checkEmpty();
  }

  #refuse(callbacks: TcpPoolCallbacks): null {
    this.#account.stats.rqPendingOverflow.inc();
    callbacks.onPoolFailure('overflow', '', this.host);
    return null;
  }

  #forget(upstream: TcpUpstream): void {
    this.#all.delete(upstream);
    this.#checkEmpty();
  }

  #checkEmpty(): void {
    if (this.#draining && this.#all.size === 0) this.#onEmpty();
  }
}

/** `connecting`: the ticket is out. `given`: the caller has it. `abandoned`: cancelled, about to close. `closed`: terminal. */
type TcpUpstreamState = 'connecting' | 'given' | 'abandoned' | 'closed';

export class TcpUpstream implements ConnectionCallbacks, ReadFilter, PoolTicket, PoolAttachment {
  readonly connection: Connection;
  readonly createdConnectionId: number;
  readonly protocol = 'HTTP/1.1';
  readonly reused = false;
  state: TcpUpstreamState = 'connecting';
  requests = 0;
  readonly #account: PoolAccount;
  readonly #callbacks: TcpPoolCallbacks;
  readonly #onClosed: (upstream: TcpUpstream) => void;
  readonly #meter: ByteMeter;
  readonly #timer: Timer;
  #timedOut = false;

  constructor(
    account: PoolAccount,
    connection: Connection,
    callbacks: TcpPoolCallbacks,
    onClosed: (upstream: TcpUpstream) => void,
  ) {
    this.connection = connection;
    this.createdConnectionId = connection.id;
    this.#account = account;
    this.#callbacks = callbacks;
    this.#onClosed = onClosed;
    this.#meter = new ByteMeter(connection, account.stats);
    this.#timer = connection.dispatcher.createTimer(() => this.#onTimeout());
    const { connectTimeoutMs } = account.host.cluster;
    if (connectTimeoutMs > 0) this.#timer.enable(connectTimeoutMs);
    account.openConnection(connection);
    account.joinLine();
    connection.addCallbacks(this);
    connection.addReadFilter(this);
  }

  /** Ignored once the caller has the connection or knows that there is none. */
  cancel(): void {
    if (this.state !== 'connecting') return;
    this.state = 'abandoned';
    this.#account.leaveLine();
    this.#account.stats.rqCancelled.inc();
    this.connection.close('abort', 'request_cancelled');
  }

  onEvent(event: ConnectionEvent): void {
    this.#timer.disable();
    if (event === 'connected') this.#onConnected();
    else this.#onEnd(event);
  }

  initializeReadFilterCallbacks(): void {
    // The connection is known from the start.
  }

  onNewConnection(): FilterStatus {
    return 'continue';
  }

  /** Only counts: the caller's filter stands behind this one. */
  onData(): FilterStatus {
    this.#meter.update();
    return 'continue';
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#account.stats.flowBackedUp.inc();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#account.stats.flowDrained.inc();
  }

  #onConnected(): void {
    if (this.state !== 'connecting') return;
    const { connection } = this;
    const { breakers, stats, host } = this.#account;
    this.#account.connected(connection);
    this.#account.leaveLine();
    if (!breakers.requests.canCreate()) {
      this.state = 'abandoned';
      stats.rqPendingOverflow.inc();
      stats.rqActiveOverflow.inc();
      connection.close('abort', 'overflow');
      this.#callbacks.onPoolFailure('overflow', '', host);
      return;
    }
    this.state = 'given';
    this.requests = 1;
    this.#account.beginRequest(connection, this.reused);
    prepareSocket(connection, host.cluster);
    this.#callbacks.onPoolReady(connection, host, this);
  }

  #onEnd(event: Exclude<ConnectionEvent, 'connected'>): void {
    const before = this.state;
    this.state = 'closed';
    this.#meter.update();
    this.#account.closeConnection(this.connection, event, before === 'given', this.requests);
    if (before === 'given') this.#account.endRequest();
    if (before === 'connecting') this.#account.leaveLine();
    this.#onClosed(this);
    if (before === 'connecting') this.#fail(event);
  }

  #fail(event: Exclude<ConnectionEvent, 'connected'>): void {
    const { host } = this.#account;
    this.#account.failConnect();
    if (this.#timedOut) {
      this.#callbacks.onPoolFailure('connection timeout', '', host);
      return;
    }
    const reason = event === 'remote-close' ? 'remote connection failure' : 'local connection failure';
    this.#callbacks.onPoolFailure(reason, connectErrorText(this.connection.closeReason), host);
  }

  #onTimeout(): void {
    this.#timedOut = true;
    this.#account.stats.cxConnectTimeout.inc();
    this.connection.close('abort', 'transport_socket_timeout');
  }
}
