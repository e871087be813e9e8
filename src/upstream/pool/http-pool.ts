/**
 * HTTP/1 connections of one worker to one host at one priority: one request per connection at a time.
 *
 *   newStream --idle there?--> attach: codec.newStream, onPoolReady (same call, nothing allocated)
 *             `--no----------> wait in line; open a connection unless enough are on their way
 *   a connection comes up or is freed --> the request that waits longest gets it, whoever it was opened for;
 *                                         nobody waits: idle
 *
 * So the connection opened because of a request need not be the one that carries it; both ids are told. Before an idle connection
 * is handed out it is peeked at: its FIN may have come in the very turn that freed it (servers that answer and close). The socket
 * asks the kernel only where that can be. Invariant: each call of a breaker's `inc` has its `dec`.
 */
import type { ConnectionEvent } from '../../api/network.ts';
import type { ResponseDecoder } from '../../api/http.ts';
import type { HttpPool, HttpPoolCallbacks, PoolFailureReason, PoolTicket } from '../../api/upstream.ts';
import type { ClusterBreakers } from '../breaker/circuit-breakers.ts';
import type { ClusterSettings } from '../cluster-settings.ts';
import type { UpstreamHost } from '../host.ts';
import { connectErrorText } from './connect-error.ts';
import { connectRequestOf, connectTo } from './environment.ts';
import type { ConnectRequest, PoolEnvironment } from './environment.ts';
import { IdleStack } from './idle-stack.ts';
import { PendingQueue, PendingRequest } from './pending-queue.ts';
import type { CancelListener } from './pending-queue.ts';
import { PoolAccount } from './pool-account.ts';
import { PooledConnection } from './pooled-connection.ts';
import type { PoolOwner } from './pooled-connection.ts';

export class Http1Pool implements HttpPool, PoolOwner, CancelListener {
  readonly host: UpstreamHost;
  readonly #environment: PoolEnvironment;
  readonly #settings: ClusterSettings;
  readonly #account: PoolAccount;
  readonly #request: ConnectRequest;
  readonly #all = new Set<PooledConnection>();
  readonly #idle: IdleStack;
  readonly #pending = new PendingQueue(this);
  readonly #onEmpty: (pool: Http1Pool) => void;
  #connecting = 0;
  #draining = false;

  /** `onEmpty`: a draining pool has lost its last connection and has nobody in line. */
  constructor(
    environment: PoolEnvironment,
    host: UpstreamHost,
    breakers: ClusterBreakers,
    onEmpty: (pool: Http1Pool) => void,
  ) {
    const settings = host.cluster;
    this.host = host;
    this.#environment = environment;
    this.#settings = settings;
    this.#account = new PoolAccount(host, breakers);
    this.#onEmpty = onEmpty;
    this.#request = connectRequestOf(host);
    this.#idle = new IdleStack(environment.dispatcher, settings.idleTimeoutMs, (connection) => {
      this.#account.stats.cxIdleTimeout.inc();
      connection.close('on_idle_timeout');
    });
  }

  get connections(): ReadonlySet<PooledConnection> {
    return this.#all;
  }

  get pending(): number {
    return this.#pending.length;
  }

  get draining(): boolean {
    return this.#draining;
  }

  newStream(decoder: ResponseDecoder, callbacks: HttpPoolCallbacks): PoolTicket | null {
    const idle = this.#takeIdle();
    if (idle !== null) {
      if (this.#account.breakers.requests.canCreate()) {
        this.#attach(idle, decoder, callbacks, 0);
      } else {
        this.#idle.push(idle);
        this.#refuse(callbacks, true);
      }
      return null;
    }
    if (!this.#account.breakers.pendingRequests.canCreate()) {
      this.#refuse(callbacks, false);
      return null;
    }
    const waiting = new PendingRequest(decoder, callbacks);
    this.#pending.push(waiting);
    this.#account.joinLine();
    if (this.#pending.length > this.#connecting) this.#open(waiting);
    return waiting;
  }

  /** Idle connections go now, the others with their request; the line is still served. Further requests work too. */
  drain(): void {
    this.#draining = true;
    for (const connection of Array.from(this.#all)) {
      if (connection.state === 'ready') connection.close('deferred_close_on_drained_connection');
      else if (connection.state === 'busy') connection.move('drain');
    }
    this.#checkEmpty();
  }

  /** Undoes `drain` for later requests: the host is back. */
  resume(): void {
    this.#draining = false;
  }

  /** All connections go now; requests on them are reset, requests in line fail. */
  closeAll(): void {
    this.#draining = true;
    this.#failPending('local connection failure', '');
    for (const connection of Array.from(this.#all)) connection.close('drain_timeout');
    this.#checkEmpty();
  }

  onCancelled(): void {
    this.#account.leaveLine();
    this.#account.stats.rqCancelled.inc();
    this.#checkEmpty();
  }

  onConnected(connection: PooledConnection): void {
    this.#connecting -= 1;
    connection.move('connected');
    this.#account.connected(connection.connection);
    this.#serveLine(connection);
  }

  onStreamEnded(connection: PooledConnection): void {
    this.#account.completeResponse(connection.connection);
    this.#account.endRequest();
    connection.move('stream-ended');
    if (connection.state === 'closed') {
      connection.close('deferred_close_on_drained_connection');
    } else if (connection.codec.closeAfterStream) {
      connection.close('exchange_ended_with_connection');
    } else if (this.#pending.length === 0) {
      this.#keep(connection);
    } else if (this.#isUsable(connection)) {
      this.#serveLine(connection);
    }
  }

  onConnectTimeout(connection: PooledConnection): void {
    connection.timedOut = true;
    this.#account.stats.cxConnectTimeout.inc();
    connection.close('transport_socket_timeout');
  }

  onMaxDuration(connection: PooledConnection): void {
    this.#account.stats.cxMaxDurationReached.inc();
    if (connection.state === 'busy') connection.move('drain');
    else if (connection.state === 'ready') connection.close('max_connection_duration_reached');
  }

  onClosed(connection: PooledConnection, event: Exclude<ConnectionEvent, 'connected'>): void {
    const { state, carriesStream: carried } = connection;
    connection.move('closed');
    this.#all.delete(connection);
    this.#account.closeConnection(connection.connection, event, carried, connection.requests);
    if (state === 'ready') this.#idle.remove(connection);
    if (carried) {
      this.#account.endRequest();
      // None: the request was reset from our side, and that closed the connection.
      if (connection.codec.activeStreams > 0) connection.codec.onConnectionEnd('connection termination');
    }
    if (state === 'connecting') {
      this.#connecting -= 1;
      this.#onConnectFailed(connection, event);
    }
    this.#openForPending();
    this.#checkEmpty();
  }

  /** The warmest idle connection that is still open at its other end. */
  #takeIdle(): PooledConnection | null {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (this.#isUsable(idle)) return idle;
    }
    return null;
  }

  /** Looks at what the kernel holds for it; closes it when that is a FIN, or bytes that nobody asked for. */
  #isUsable(connection: PooledConnection): boolean {
    const unread = connection.connection.peek();
    if (unread === 0) return true;
    if (unread > 0) this.#account.stats.cxProtocolError.inc();
    connection.close(unread > 0 ? 'unexpected_upstream_data' : 'upstream_closed_while_idle');
    return false;
  }

  #attach(
    connection: PooledConnection,
    decoder: ResponseDecoder,
    callbacks: HttpPoolCallbacks,
    created: number,
  ): void {
    connection.beginRequest(created);
    this.#account.beginRequest(connection.connection, connection.reused);
    if (connection.requests === this.#settings.maxRequestsPerConnection) {
      this.#account.stats.cxMaxRequests.inc();
      connection.move('drain');
    } else if (this.#draining) {
      connection.move('drain');
    }
    callbacks.onPoolReady(connection.codec.newStream(decoder), this.host, connection);
  }

  /** Gives a connection that can take a request to the one that waits longest; keeps it idle when nobody does. */
  #serveLine(connection: PooledConnection): void {
    while (connection.state === 'ready') {
      const waiting = this.#pending.shift();
      if (waiting === null) {
        this.#keep(connection);
        return;
      }
      this.#account.leaveLine();
      if (this.#account.breakers.requests.canCreate()) {
        this.#attach(connection, waiting.decoder, waiting.callbacks, waiting.createdConnectionId);
        return;
      }
      this.#refuse(waiting.callbacks, true);
    }
  }

  #keep(connection: PooledConnection): void {
    if (this.#draining) connection.close('deferred_close_on_drained_connection');
    else this.#idle.push(connection);
  }

  /** As many connections on their way as requests wait: one of them was lost, or the limit allows one again. */
  #openForPending(): void {
    while (this.#pending.length > this.#connecting) {
      if (!this.#open(this.#pending.firstWithoutConnection())) return;
    }
  }

  /** A pool may always open its first connection: else a limit reached by other hosts could starve this one for ever. */
  #open(because: PendingRequest | null): boolean {
    if (!this.#account.breakers.connections.canCreate()) {
      this.#account.stats.cxOverflow.inc();
      if (this.#all.size > 0) return false;
    }
    const connection = connectTo(this.#environment, this.#request, this.#settings);
    const codec = this.#environment.codec(connection, this.#settings);
    this.#all.add(new PooledConnection(this, this.#settings, connection, codec));
    this.#connecting += 1;
    this.#account.openConnection(connection);
    this.#account.stats.cxHttp1Total.inc();
    if (because !== null) because.createdConnectionId = connection.id;
    return true;
  }

  /** As in Envoy, one failed connect fails the whole line: its requests can try another host instead of waiting here. */
  #onConnectFailed(connection: PooledConnection, event: Exclude<ConnectionEvent, 'connected'>): void {
    this.#account.failConnect();
    if (connection.timedOut) this.#failPending('connection timeout', '');
    else {
      const reason = event === 'remote-close' ? 'remote connection failure' : 'local connection failure';
      this.#failPending(reason, connectErrorText(connection.connection.closeReason));
    }
  }

  #failPending(reason: PoolFailureReason, transportFailureReason: string): void {
    const failed = this.#pending.takeAll();
    for (let waiting = failed.shift(); waiting !== null; waiting = failed.shift()) {
      this.#account.leaveLine();
      this.#account.stats.rqPendingFailureEject.inc();
      waiting.callbacks.onPoolFailure(reason, transportFailureReason, this.host);
    }
  }

  #refuse(callbacks: HttpPoolCallbacks, active: boolean): void {
    this.#account.stats.rqPendingOverflow.inc();
    if (active) this.#account.stats.rqActiveOverflow.inc();
    callbacks.onPoolFailure('overflow', '', this.host);
  }

  #checkEmpty(): void {
    if (this.#draining && this.#all.size === 0 && this.#pending.length === 0) this.#onEmpty(this);
  }
}
