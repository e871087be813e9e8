/**
 * One HTTP/1 connection of a pool: the connection's read filter and callbacks, its codec, and how it stands in the pool.
 *
 * It turns what happens on the wire into three calls to its pool (`onConnected`, `onStreamEnded`, `onClosed`) and decides
 * nothing itself. It is also the `PoolAttachment` of the request that it carries, so a request costs no object.
 */
import type { ByteQueue } from '../../api/bytes.ts';
import type { ClientCodec } from '../../api/http.ts';
import type {
  Connection,
  ConnectionCallbacks,
  ConnectionEvent,
  FilterStatus,
  ReadFilter,
} from '../../api/network.ts';
import type { Timer } from '../../api/event.ts';
import type { PoolAttachment } from '../../api/upstream.ts';
import type { ClusterSettings } from '../cluster-settings.ts';
import { ByteMeter } from './byte-meter.ts';
import { prepareSocket } from './environment.ts';
import { nextPooledState } from './pooled-state.ts';
import type { PooledState, PooledTransition } from './pooled-state.ts';

/** The pool, as its connections see it. */
export interface PoolOwner {
  onConnected(connection: PooledConnection): void;
  /** The exchange is over and the connection still open. */
  onStreamEnded(connection: PooledConnection): void;
  /** Last call, once. `state` is still the one in which it was hit. */
  onClosed(connection: PooledConnection, event: Exclude<ConnectionEvent, 'connected'>): void;
  onConnectTimeout(connection: PooledConnection): void;
  onMaxDuration(connection: PooledConnection): void;
}

/** Local close reasons, as Envoy's `%UPSTREAM_LOCAL_CLOSE_REASON%` spells them where it has one. */
export type PoolCloseReason =
  | 'transport_socket_timeout'
  | 'on_idle_timeout'
  | 'max_connection_duration_reached'
  | 'deferred_close_on_drained_connection'
  | 'upstream_closed_while_idle'
  | 'unexpected_upstream_data'
  | 'exchange_ended_with_connection'
  | 'drain_timeout';

export class PooledConnection implements ReadFilter, ConnectionCallbacks, PoolAttachment {
  readonly connection: Connection;
  readonly codec: ClientCodec;
  readonly protocol = 'HTTP/1.1';
  state: PooledState = 'connecting';
  createdConnectionId = 0;
  reused = false;
  /** Requests that it carried, the current one among them. */
  requests = 0;
  /** ms monotonic when it last became idle. */
  idleSince = -1;
  timedOut = false;
  readonly #owner: PoolOwner;
  readonly #settings: ClusterSettings;
  readonly #meter: ByteMeter;
  readonly #connectTimer: Timer;
  #durationTimer: Timer | null = null;
  #dispatching = false;

  constructor(owner: PoolOwner, settings: ClusterSettings, connection: Connection, codec: ClientCodec) {
    this.#owner = owner;
    this.#settings = settings;
    this.connection = connection;
    this.codec = codec;
    this.#meter = new ByteMeter(connection, settings.counters);
    codec.onStreamEnd = () => this.#onStreamEndOutside();
    const { dispatcher } = connection;
    this.#connectTimer = dispatcher.createTimer(() => owner.onConnectTimeout(this));
    if (settings.connectTimeoutMs > 0) this.#connectTimer.enable(settings.connectTimeoutMs);
    if (settings.maxConnectionDurationMs > 0) {
      this.#durationTimer = dispatcher.createTimer(() => owner.onMaxDuration(this));
    }
    connection.addCallbacks(this);
    connection.addReadFilter(this);
  }

  get carriesStream(): boolean {
    return this.state === 'busy' || this.state === 'draining';
  }

  move(transition: PooledTransition): void {
    this.state = nextPooledState(this.state, transition);
  }

  /** The request on it has `created` as the connection that was opened because of it. */
  beginRequest(created: number): void {
    this.move('attach');
    this.createdConnectionId = created;
    this.reused = this.requests > 0;
    this.requests += 1;
  }

  close(reason: PoolCloseReason): void {
    this.connection.close('abort', reason);
  }

  initializeReadFilterCallbacks(): void {
    // The connection is known from the start.
  }

  onNewConnection(): FilterStatus {
    return 'continue';
  }

  onData(data: ByteQueue): FilterStatus {
    this.#meter.update();
    // A response that nobody asked for could be taken for the answer to the next request.
    if (!this.carriesStream) return this.#refuse('unexpected_upstream_data');
    this.#dispatching = true;
    const result = this.codec.dispatch(data);
    this.#dispatching = false;
    if (this.state === 'closed') return 'stop';
    if (!result.ok) return this.#refuse(result.details);
    if (this.codec.activeStreams === 0) {
      if (data.length > 0) return this.#refuse('unexpected_upstream_data');
      this.#owner.onStreamEnded(this);
    }
    return 'stop';
  }

  onEvent(event: ConnectionEvent): void {
    if (event === 'connected') {
      this.#onConnected();
      return;
    }
    this.#connectTimer.disable();
    this.#durationTimer?.disable();
    this.#meter.update();
    this.#owner.onClosed(this, event);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#settings.counters.flowBackedUp.inc();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#settings.counters.flowDrained.inc();
  }

  #onConnected(): void {
    const { connection } = this;
    this.#connectTimer.disable();
    this.#durationTimer?.enable(this.#settings.maxConnectionDurationMs);
    prepareSocket(connection, this.#settings);
    this.#owner.onConnected(this);
  }

  #onStreamEndOutside(): void {
    if (this.#dispatching || !this.carriesStream || this.codec.activeStreams > 0) return;
    this.#owner.onStreamEnded(this);
  }

  #refuse(reason: string): FilterStatus {
    this.#settings.counters.cxProtocolError.inc();
    this.connection.close('abort', reason);
    return 'stop';
  }
}
