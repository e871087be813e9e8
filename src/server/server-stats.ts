/**
 * `server.*`: what the process says about itself, brought up to date before each flush and each scrape. Counts of events (watchdog,
 * worker restarts) are made where they happen; here are the values that exist without an event.
 */
import type { ServerState } from '../api/admin.ts';
import type { Gauge, StatsScope } from '../api/stats.ts';

/** Envoy's numbers of the states. */
const STATE_NUMBER: Readonly<Record<ServerState, number>> = {
  LIVE: 0,
  DRAINING: 1,
  PRE_INITIALIZING: 2,
  INITIALIZING: 3,
};

export interface ServerStatsSource {
  readonly state: () => ServerState;
  readonly uptimeMs: () => number;
  readonly connections: () => number;
  readonly workersStarted: () => number;
}

export class ServerStats {
  readonly #source: ServerStatsSource;
  readonly #live: Gauge;
  readonly #state: Gauge;
  readonly #uptime: Gauge;
  readonly #connections: Gauge;
  readonly #allocated: Gauge;
  readonly #heap: Gauge;
  readonly #physical: Gauge;
  readonly #workers: Gauge;

  constructor(stats: StatsScope, concurrency: number, source: ServerStatsSource) {
    const server = stats.scope('server');
    this.#source = source;
    server.gauge('concurrency').set(concurrency);
    server.gauge('hot_restart_epoch').set(0);
    server.gauge('version').set(0);
    for (const name of ['parent_connections', 'days_until_first_cert_expiring']) server.gauge(name).set(0);
    for (const name of ['debug_assertion_failures', 'envoy_bug_failures', 'static_unknown_fields'])
      server.counter(name);
    this.#live = server.gauge('live');
    this.#state = server.gauge('state');
    this.#uptime = server.gauge('uptime');
    this.#connections = server.gauge('total_connections');
    this.#allocated = server.gauge('memory_allocated');
    this.#heap = server.gauge('memory_heap_size');
    this.#physical = server.gauge('memory_physical_size');
    this.#workers = stats.scope('listener_manager').gauge('workers_started');
  }

  update(): void {
    const state = this.#source.state();
    const memory = process.memoryUsage();
    this.#live.set(state === 'LIVE' ? 1 : 0);
    this.#state.set(STATE_NUMBER[state]);
    this.#uptime.set(Math.floor(this.#source.uptimeMs() / 1000));
    this.#connections.set(this.#source.connections());
    this.#allocated.set(memory.heapUsed + memory.external);
    this.#heap.set(memory.heapTotal + memory.external);
    this.#physical.set(memory.rss);
    this.#workers.set(this.#source.workersStarted() > 0 ? 1 : 0);
  }
}
