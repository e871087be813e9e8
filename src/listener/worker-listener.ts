/**
 * A listener as one worker has it: accepts, counts, chooses the filter chain, starts the connection.
 *
 *   accept -> limits -> (exact_balance: maybe another worker's) -> filter chain -> connection with its filters -> onNewConnection
 *
 * Owns its listening socket and the set of its connections. The filters of a connection are those of the chain at accept time
 * and stay so. A limit that is reached closes the new connection at once and counts it, as Envoy does; so does a kernel that has
 * no room to watch it (`downstream_cx_watch_failed`, ours).
 */
import type { Connection, ConnectionCallbacks, ReadFilter } from '../api/network.ts';
import type { FilterChain, Listener } from '../api/envoy.ts';
import type { AccessLogs } from '../api/observe.ts';
import type { AcceptedSocket, Address, ListenSocket } from '../api/socket.ts';
import type { Counter, Gauge, Histogram, StatsScope } from '../api/stats.ts';
import { addressText } from '../base/address-text.ts';
import { logger } from '../base/logger.ts';
import type { TurnDispatcher } from '../event/turn-dispatcher.ts';
import type { ConnectionFactory } from '../network/connection-factory.ts';
import type { StreamConnection } from '../network/stream-connection.ts';
import { SocketError } from '../network/syscall-sockets.ts';
import { ChainMatcher } from './chain-matcher.ts';
import { ConnectionLog } from './connection-log.ts';
import type { ConnectionBalance } from './connection-balance.ts';
import type { ConnectionLimit } from './connection-limit.ts';

const log = logger('conn_handler');

/** Makes the read filters of one connection, in order; built once per chain and worker. */
export type FilterFactory = () => ReadFilter[];

export interface WorkerListenerOptions {
  readonly config: Listener;
  readonly address: Address;
  readonly dispatcher: TurnDispatcher;
  readonly connections: ConnectionFactory;
  readonly filters: ReadonlyMap<FilterChain, FilterFactory>;
  readonly stats: StatsScope;
  readonly workerName: string;
  readonly limits: readonly ConnectionLimit[];
  readonly balance: ConnectionBalance;
  readonly bufferLimitBytes: number;
  readonly backlog: number;
  /** Absent: the listener has no access log. */
  readonly accessLogs?: AccessLogs;
  /** Shared socket of another worker. */
  readonly sharedFd?: number;
}

export class WorkerListener {
  readonly name: string;
  readonly #options: WorkerListenerOptions;
  readonly #matcher: ChainMatcher;
  readonly #stats: ListenerStats;
  readonly #log: ConnectionLog | null;
  readonly #open = new Set<StreamConnection>();
  #hasServed = false;
  #socket: ListenSocket | null = null;

  constructor(options: WorkerListenerOptions) {
    this.name = options.config.name ?? '';
    this.#options = options;
    this.#matcher = new ChainMatcher(
      options.config.filter_chains ?? [],
      options.config.default_filter_chain ?? null,
    );
    this.#stats = new ListenerStats(options.stats, options.workerName);
    const { accessLogs, dispatcher } = options;
    this.#log = accessLogs === undefined ? null : new ConnectionLog(accessLogs, dispatcher);
  }

  /** Where it listens; before `start` where it was asked to. */
  get address(): Address {
    return this.#socket?.address ?? this.#options.address;
  }

  get fd(): number {
    return this.#socket?.fd ?? -1;
  }

  get connectionCount(): number {
    return this.#open.size;
  }

  /** A connection has begun since the start. */
  get hasServed(): boolean {
    return this.#hasServed;
  }

  /** Begins to accept. Rejects when the address cannot be had. */
  async start(): Promise<void> {
    const { config, address, backlog, connections, sharedFd } = this.#options;
    const acceptsPerEvent = config.max_connections_to_accept_per_socket_event;
    const mode = config.address?.pipe?.mode;
    const options = {
      address,
      backlog,
      reusePort: address.kind === 'ip' && (config.enable_reuse_port ?? true),
      transparent: config.transparent ?? false,
      ...(acceptsPerEvent === undefined ? {} : { acceptsPerEvent }),
      ...(mode === undefined ? {} : { mode }),
      ...(sharedFd === undefined ? {} : { fd: sharedFd }),
    };
    this.#socket = connections.sockets.listen(options, (accepted) => this.#onAccept(accepted));
    await this.#socket.ready;
  }

  /** A connection that another worker accepted and gave to this one. */
  receive(fd: number, acceptedAt: number): void {
    this.#begin(this.#options.connections.sockets.received(fd, acceptedAt));
  }

  stopAccepting(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  /** Ends all connections now: the drain time is over. */
  closeConnections(): void {
    for (const connection of this.#open) connection.close('abort', 'deferred_close_on_drained_connection');
  }

  #onAccept(accepted: AcceptedSocket): void {
    for (const limit of this.#options.limits) {
      if (limit.tryTake()) continue;
      for (const taken of this.#options.limits) {
        if (taken === limit) break;
        taken.give();
      }
      limit.overflow.inc();
      accepted.discard();
      return;
    }
    if (this.#options.balance.handOver(accepted)) return;
    this.#begin(accepted);
  }

  #begin(accepted: AcceptedSocket): void {
    const chain = this.#matcher.match({
      local: accepted.localAddress,
      remote: accepted.remoteAddress,
      serverName: '',
      transportProtocol: 'raw_buffer',
      applicationProtocols: [],
    });
    const filters = chain === null ? undefined : this.#options.filters.get(chain);
    if (filters === undefined) {
      this.#stats.noChain.inc();
      this.#log?.refused(accepted);
      accepted.discard();
      this.#release();
      return;
    }
    const connection = this.#adopt(accepted);
    if (connection === null) return;
    if (log.debugOn)
      log.debug(`[C${connection.id}] new connection from ${addressText(connection.remoteAddress)}`);
    this.#track(connection, chain?.name ?? '');
    const readFilters = filters();
    if (log.traceOn) this.#logMatch(connection, chain, readFilters.length);
    for (const filter of readFilters) connection.addReadFilter(filter);
    connection.startFilters();
  }

  #logMatch(connection: Connection, chain: FilterChain | null, count: number): void {
    const { name } = this;
    const own = chain?.name ?? '';
    const which =
      chain === this.#options.config.default_filter_chain ? 'default filter chain' : 'filter chain';
    log.trace(
      `[C${connection.id}] listener '${name}' accepted it on ${addressText(connection.localAddress)}`,
    );
    log.trace(
      `[C${connection.id}] ${which}${own === '' ? '' : ` '${own}'`} matched: ${count} network ${count === 1 ? 'filter' : 'filters'}`,
    );
  }

  /** Null: there is no room for it, and it is closed. */
  #adopt(accepted: AcceptedSocket): StreamConnection | null {
    try {
      return this.#options.connections.accept(accepted, this.#options.bufferLimitBytes);
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      log.debug(`${this.name}: connection closed at once: ${error.message}`);
      this.#stats.watchFailed.inc();
      accepted.discard();
      this.#release();
      return null;
    }
  }

  #track(connection: StreamConnection, chainName: string): void {
    this.#hasServed = true;
    this.#open.add(connection);
    this.#stats.onOpen();
    const callbacks: ConnectionCallbacks = {
      onEvent: (event) => {
        if (event === 'connected') return;
        this.#open.delete(connection);
        this.#stats.onClose(this.#options.dispatcher.clock.now() - connection.createdAt);
        this.#log?.ended(connection, chainName);
        this.#release();
      },
      onAboveWriteBufferHighWatermark: () => undefined,
      onBelowWriteBufferLowWatermark: () => undefined,
    };
    connection.addCallbacks(callbacks);
  }

  #release(): void {
    for (const limit of this.#options.limits) limit.give();
    this.#options.balance.onClosed();
  }

  /** For the drain: connections that are still open. */
  openConnections(): Iterable<Connection> {
    return this.#open;
  }
}

class ListenerStats {
  readonly #total: Counter;
  readonly #destroyed: Counter;
  readonly #active: Gauge;
  readonly #length: Histogram;
  readonly #workerTotal: Counter;
  readonly #workerActive: Gauge;
  readonly noChain: Counter;
  readonly watchFailed: Counter;

  constructor(scope: StatsScope, workerName: string) {
    const worker = scope.scope(workerName);
    this.#total = scope.counter('downstream_cx_total');
    this.#destroyed = scope.counter('downstream_cx_destroy');
    this.#active = scope.gauge('downstream_cx_active');
    this.#length = scope.histogram('downstream_cx_length_ms');
    this.#workerTotal = worker.counter('downstream_cx_total');
    this.#workerActive = worker.gauge('downstream_cx_active');
    this.noChain = scope.counter('no_filter_chain_match');
    this.watchFailed = scope.counter('downstream_cx_watch_failed');
  }

  onOpen(): void {
    this.#total.inc();
    this.#active.add(1);
    this.#workerTotal.inc();
    this.#workerActive.add(1);
  }

  onClose(lengthMs: number): void {
    this.#destroyed.inc();
    this.#active.add(-1);
    this.#length.record(lengthMs);
    this.#workerActive.add(-1);
  }
}
