/**
 * The listeners of one worker: built from the configuration before any port is bound, bound when main says so, drained at the end.
 *
 *   prepare()  filters of every chain are made ready (a plug-in may load modules)     -> main is told `prepared`
 *   listen()   sockets are bound, the first worker's addresses and descriptors reused -> main is told `ready`
 *
 * Owns the `WorkerListener`s. Connections that another worker accepted for this one come in through `receive`.
 */
import type { FilterChain, Listener } from '../api/envoy.ts';
import type { NetworkFilterContext, NetworkFilterFactory, ReadFilter } from '../api/network.ts';
import type { ConnectionLimits, ListenerReport } from '../api/server.ts';
import type { Address } from '../api/socket.ts';
import type { StatsScope } from '../api/stats.ts';
import { addressText } from '../base/address-text.ts';
import type { TurnDispatcher } from '../event/turn-dispatcher.ts';
import { ExactBalance, KERNEL_BALANCE } from '../listener/connection-balance.ts';
import type { ConnectionBalance } from '../listener/connection-balance.ts';
import { ConnectionLimit } from '../listener/connection-limit.ts';
import { WorkerListener } from '../listener/worker-listener.ts';
import type { FilterFactory } from '../listener/worker-listener.ts';
import type { ConnectionFactory } from '../network/connection-factory.ts';
import { addressOf } from '../upstream/endpoint-address.ts';
import type { ConnectionCells } from './connection-cells.ts';

/** Envoy's default of `per_connection_buffer_limit_bytes`. */
const DEFAULT_BUFFER_LIMIT_BYTES = 1024 * 1024;
/** `net.core.somaxconn` caps it: "as long as the system allows". */
const DEFAULT_BACKLOG = 65_535;

export interface ListenerSetOptions {
  readonly configs: readonly Listener[];
  readonly worker: { readonly index: number; readonly name: string };
  readonly dispatcher: TurnDispatcher;
  readonly connections: ConnectionFactory;
  readonly stats: StatsScope;
  readonly cells: ConnectionCells;
  readonly limits: ConnectionLimits;
  readonly networkFilters: readonly NetworkFilterFactory[];
  /** What all filters of the worker share. */
  readonly context: Pick<NetworkFilterContext, 'clusters' | 'routes' | 'accessLogs' | 'drain'>;
  readonly handOver: (worker: number, listener: string, fd: number, acceptedAt: number) => void;
}

/** An address that cannot be had. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly listener: string;
  readonly address: string;

  constructor(listener: string, address: string, cause: unknown) {
    super(reasonOf(cause));
    this.listener = listener;
    this.address = address;
  }
}

interface Prepared {
  readonly config: Listener;
  readonly index: number;
  readonly name: string;
  readonly address: Address;
  readonly stats: StatsScope;
  readonly filters: ReadonlyMap<FilterChain, FilterFactory>;
}

export class ListenerSet {
  readonly #options: ListenerSetOptions;
  readonly #factories: ReadonlyMap<string, NetworkFilterFactory>;
  #prepared: readonly Prepared[] = [];
  readonly #listeners: WorkerListener[] = [];

  constructor(options: ListenerSetOptions) {
    this.#options = options;
    this.#factories = new Map(options.networkFilters.map((factory) => [factory.typeUrl, factory]));
  }

  get connectionCount(): number {
    let count = 0;
    for (const listener of this.#listeners) count += listener.connectionCount;
    return count;
  }

  get hasServed(): boolean {
    return this.#listeners.some((listener) => listener.hasServed);
  }

  async prepare(): Promise<void> {
    const { configs } = this.#options;
    this.#prepared = await Promise.all(configs.map((config, index) => this.#prepareListener(config, index)));
  }

  /** Throws `ListenError`. */
  async listen(bound: readonly ListenerReport[]): Promise<ListenerReport[]> {
    for (const prepared of this.#prepared) {
      const report = bound.find((each) => each.name === prepared.name);
      const listener = this.#create(prepared, report);
      try {
        await listener.start();
      } catch (error) {
        throw new ListenError(prepared.name, addressText(listener.address), error);
      }
      this.#listeners.push(listener);
    }
    return this.#listeners.map((listener) => reportOf(listener));
  }

  receive(name: string, fd: number, acceptedAt: number): void {
    this.#listeners.find((each) => each.name === name)?.receive(fd, acceptedAt);
  }

  stopAccepting(): void {
    for (const listener of this.#listeners) listener.stopAccepting();
  }

  closeConnections(): void {
    for (const listener of this.#listeners) listener.closeConnections();
  }

  async #prepareListener(config: Listener, index: number): Promise<Prepared> {
    const address = addressOf(config.address);
    if (address === null)
      throw new Error(`listener ${config.name ?? index}: its address is not an IP address`);
    const name = config.name ?? addressText(address);
    const stats = this.#options.stats.scope('listener').scope(config.stat_prefix ?? addressText(address));
    const filters = new Map<FilterChain, FilterFactory>();
    const chains = [...(config.filter_chains ?? [])];
    if (config.default_filter_chain !== undefined) chains.push(config.default_filter_chain);
    for (const chain of chains) {
      filters.set(chain, await this.#prepareChain(chain, config, address, stats));
    }
    return { config: { ...config, name }, index, name, address, stats, filters };
  }

  async #prepareChain(
    chain: FilterChain,
    config: Listener,
    address: Address,
    listenerStats: StatsScope,
  ): Promise<FilterFactory> {
    const context: NetworkFilterContext = {
      ...this.#options.context,
      dispatcher: this.#options.dispatcher,
      stats: this.#options.stats,
      listenerStats,
      listenerPort: address.kind === 'ip' ? address.port : 0,
      filterChainName: chain.name ?? '',
      bufferLimitBytes: config.per_connection_buffer_limit_bytes ?? DEFAULT_BUFFER_LIMIT_BYTES,
    };
    const makers: (() => ReadFilter)[] = [];
    for (const { name, typed_config: filter } of chain.filters ?? []) {
      const factory = this.#factories.get(filter?.['@type'] ?? '');
      if (factory === undefined) throw new Error(`network filter ${name}: no such extension`);
      makers.push(await factory.prepare(filter, context));
    }
    return () => makers.map((make) => make());
  }

  #create(prepared: Prepared, report: ListenerReport | undefined): WorkerListener {
    const { config, index, filters, stats } = prepared;
    const { dispatcher, connections, worker, context } = this.#options;
    const logs = context.accessLogs(config.access_log ?? []);
    // The path of a unix socket has one owner: the workers share it.
    const oneSocket = config.enable_reuse_port === false || prepared.address.kind === 'pipe';
    const shared = oneSocket && (report?.fd ?? -1) >= 0;
    const options = {
      config,
      address: withBoundPort(prepared.address, report),
      dispatcher,
      connections,
      filters,
      stats,
      workerName: worker.name,
      limits: this.#limits(prepared),
      balance: this.#balance(config, index, prepared.name),
      bufferLimitBytes: config.per_connection_buffer_limit_bytes ?? DEFAULT_BUFFER_LIMIT_BYTES,
      backlog: config.tcp_backlog_size ?? DEFAULT_BACKLOG,
      ...(logs.empty ? {} : { accessLogs: logs }),
    };
    return new WorkerListener(shared ? { ...options, sharedFd: report?.fd ?? -1 } : options);
  }

  #limits({ config, index, name, stats }: Prepared): ConnectionLimit[] {
    const { cells, limits, worker } = this.#options;
    const own = limits.listeners[name] ?? Infinity;
    const result = [
      new ConnectionLimit(cells.limit(index), worker.index, own, stats.counter('downstream_cx_overflow')),
    ];
    if (config.ignore_global_conn_limit !== true) {
      const overflow = stats.counter('downstream_global_cx_overflow');
      result.push(new ConnectionLimit(cells.total, worker.index, limits.total ?? Infinity, overflow));
    }
    return result;
  }

  #balance(config: Listener, index: number, name: string): ConnectionBalance {
    const { worker, handOver, cells, connections } = this.#options;
    const exact = config.connection_balance_config?.exact_balance !== undefined;
    if (!exact || connections.sockets.name === 'portable') return KERNEL_BALANCE;
    return new ExactBalance(cells.balance(index), worker.index, (to, fd, at) => handOver(to, name, fd, at));
  }
}

/** The code where there is one; else what the error says. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause ? String(cause.code) : cause.message;
}

/** Port 0 became a real one in the first worker; the others bind the same. */
function withBoundPort(address: Address, report: ListenerReport | undefined): Address {
  if (address.kind === 'pipe' || report === undefined) return address;
  return { ...address, port: report.port };
}

function reportOf(listener: WorkerListener): ListenerReport {
  const { address, name, fd } = listener;
  if (address.kind === 'pipe') return { name, address: address.path, port: 0, fd };
  return { name, address: address.ip, port: address.port, fd };
}
