/**
 * What main watches and counts beside its work: the merged statistics and their flush interval, `server.*`, the watchdog, lost
 * workers. Owns main's own slab and the periodic tasks.
 */
import type { Clock } from '../api/event.ts';
import type { Bootstrap } from '../api/envoy.ts';
import { DEFAULT_FLUSH_INTERVAL_MS, MergedStats } from '../observe/stats/merged-stats.ts';
import { SlabStats } from '../observe/stats/slab-stats.ts';
import { LoopTimes } from './loop-times.ts';
import { Periodic } from './periodic.ts';
import { ServerStats } from './server-stats.ts';
import type { ServerStatsSource } from './server-stats.ts';
import { DEFAULT_MEGAMISS_MS, DEFAULT_MISS_MS, Watchdog } from './watchdog.ts';
import type { WatchdogLimits } from './watchdog.ts';
import type { WorkerSeat } from './worker-seat.ts';

const WATCHDOG_INTERVAL_MS = 100;

export interface MonitoringOptions {
  readonly clock: Clock;
  readonly concurrency: number;
  readonly bootstrap: Bootstrap;
  readonly heartbeats: SharedArrayBuffer;
  readonly source: Omit<ServerStatsSource, 'connections'>;
  /** The worker can be watched: not while it starts or is being replaced. */
  readonly watched: (worker: number) => boolean;
}

export class Monitoring {
  readonly merged = new MergedStats();
  /** Main's own. */
  readonly stats: SlabStats;
  readonly #options: MonitoringOptions;
  readonly #serverStats: ServerStats;
  readonly #watchdog: Watchdog;
  readonly #loopTimes: LoopTimes;
  #lookedAt = 0;
  #periodics: readonly Periodic[] = [];

  constructor(options: MonitoringOptions) {
    const { clock, concurrency, bootstrap, heartbeats, watched } = options;
    this.#options = options;
    this.stats = new SlabStats({ announce: (message) => this.merged.adopt('main_thread', message) });
    const source = { ...options.source, connections: this.merged.sumOfGauges(isOpenConnections) };
    this.#serverStats = new ServerStats(this.stats, concurrency, source);
    const limits = {
      main: limitsOf(bootstrap.watchdogs?.main_thread_watchdog),
      worker: limitsOf(bootstrap.watchdogs?.worker_watchdog),
    };
    const stats = this.stats.scope('server');
    const loopStats = bootstrap.enable_dispatcher_stats === true ? stats.scope('dispatcher') : null;
    this.#loopTimes = new LoopTimes(clock, loopStats);
    const intervalMs = WATCHDOG_INTERVAL_MS;
    this.#watchdog = new Watchdog(
      { heartbeats, workers: concurrency, limits, stats, intervalMs, watched },
      clock.now(),
    );
  }

  start(): void {
    const { clock, bootstrap } = this.#options;
    this.#lookedAt = clock.now();
    this.#watchdog.restart(this.#lookedAt);
    this.#periodics = [
      new Periodic(WATCHDOG_INTERVAL_MS, () => this.#look(clock.now())),
      new Periodic(bootstrap.stats_flush_interval ?? DEFAULT_FLUSH_INTERVAL_MS, () => {
        this.updateGauges();
        this.merged.flush();
      }),
    ];
  }

  stop(): void {
    for (const periodic of this.#periodics) periodic.stop();
    this.#periodics = [];
  }

  /** Before a flush or a scrape: `server.*` as of now. */
  updateGauges(): void {
    this.#serverStats.update();
  }

  isBlocked(worker: number): boolean {
    return this.#watchdog.isBlocked(worker);
  }

  /** How late main comes to what is due; ms. */
  lag(): { lagP50Ms: number; lagP99Ms: number } {
    const { lateness } = this.#loopTimes;
    return { lagP50Ms: lateness.quantile(0.5), lagP99Ms: lateness.quantile(0.99) };
  }

  #look(now: number): void {
    this.#loopTimes.onLate(now - this.#lookedAt - WATCHDOG_INTERVAL_MS);
    this.#lookedAt = now;
    this.#watchdog.check(now);
  }

  /** All workers accept on `listeners` listeners. */
  onInitialized(tookMs: number, listeners: number): void {
    this.stats.scope('server').histogram('initialization_time_ms').record(tookMs);
    const manager = this.stats.scope('listener_manager');
    manager.counter('listener_added').add(listeners);
    manager.counter('listener_create_success').add(listeners * this.#options.concurrency);
    manager.gauge('total_listeners_active').set(listeners);
    for (const name of ['warming', 'draining']) manager.gauge(`total_listeners_${name}`).set(0);
  }

  /** Its counts are kept, its gauges end; the loss itself is counted. */
  onWorkerLost(seat: WorkerSeat): void {
    this.merged.retire(seat.name);
    const server = this.stats.scope('server');
    server.counter('worker_restarts').inc();
    server.scope(seat.name).counter('restarts').inc();
  }
}

/** Of the listeners: Envoy's `total_connections` are those of the data path. */
function isOpenConnections(name: string): boolean {
  return name.startsWith('listener.') && name.endsWith('.downstream_cx_active') && !name.includes('.worker_');
}

function limitsOf(config: { miss_timeout?: number; megamiss_timeout?: number } | undefined): WatchdogLimits {
  return {
    missMs: config?.miss_timeout ?? DEFAULT_MISS_MS,
    megamissMs: config?.megamiss_timeout ?? DEFAULT_MEGAMISS_MS,
  };
}
