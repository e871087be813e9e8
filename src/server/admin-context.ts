/**
 * The running proxy as the admin server asks for it. Questions about workers go to their threads and are answered with what came
 * within a short time: an admin page must work best when a worker hangs.
 */
import type {
  AdminContext,
  ClusterStatus,
  ConfigDumpSection,
  DispatcherStatus,
  DrainOptions,
  ListenerStatus,
  MemoryStatus,
  PoolStatus,
  ServerInfo,
  ServerState,
  ThreadState,
  ThreadStatus,
} from '../api/admin.ts';
import type { Address } from '../api/socket.ts';
import { unreachable } from '../base/invariant.ts';
import { LEVELS, logLevels, setLogLevels } from '../base/logger.ts';
import type { Clock } from '../api/event.ts';
import type { MergedStats } from '../observe/stats/merged-stats.ts';
import type { Monitoring } from './monitoring.ts';
import { ipAddress } from '../upstream/endpoint-address.ts';
import type { LifeCycle } from './life-cycle.ts';
import type { LoopReport, WorkerReport } from './worker-report.ts';
import type { WorkerPool } from './worker-pool.ts';
import type { WorkerSeat } from './worker-seat.ts';

/** How long a page waits for a worker's answer. */
const ANSWER_LIMIT_MS = 500;

/** Main works in no turns; a worker that hangs does not answer. */
const UNMEASURED: LoopReport = { turns: 0, lagP50Ms: NaN, lagP99Ms: NaN, turnP50Ms: NaN, turnP99Ms: NaN };

export interface AdminContextOptions {
  readonly clock: Clock;
  /** `clock.now()` at the start of the process. */
  readonly startedAt: number;
  readonly mainTid: number;
  readonly pool: WorkerPool;
  readonly lifeCycle: LifeCycle;
  readonly monitoring: Monitoring;
  readonly info: Pick<ServerInfo, 'version' | 'commandLineOptions' | 'node'>;
  readonly configDump: () => readonly ConfigDumpSection[];
  readonly clusters: () => readonly ClusterStatus[];
  /** Log files that have a thread. */
  readonly logPaths: () => readonly string[];
  readonly reopenLogs: () => Promise<void>;
  readonly drainListeners: (options: DrainOptions) => Promise<void>;
}

export class ServerAdminContext implements AdminContext {
  readonly #options: AdminContextOptions;
  readonly logLevelNames = LEVELS;
  #utilization = performance.eventLoopUtilization();

  constructor(options: AdminContextOptions) {
    this.#options = options;
  }

  get stats(): MergedStats {
    const { monitoring } = this.#options;
    monitoring.updateGauges();
    return monitoring.merged;
  }

  state(): ServerState {
    return this.#options.lifeCycle.state;
  }

  serverInfo(): ServerInfo {
    const { clock, startedAt, info } = this.#options;
    const uptimeMs = clock.now() - startedAt;
    return {
      ...info,
      state: this.state(),
      uptimeMs,
      uptimeAllEpochsMs: uptimeMs,
      hotRestartVersion: 'disabled',
    };
  }

  resetCounters(): void {
    this.#options.monitoring.merged.resetCounters();
  }

  configDump(): readonly ConfigDumpSection[] {
    return this.#options.configDump();
  }

  clusters(): Promise<readonly ClusterStatus[]> {
    return Promise.resolve(this.#options.clusters());
  }

  listeners(): readonly ListenerStatus[] {
    return this.#options.pool.listeners.map(({ name, address, port }) => ({
      name,
      address: boundAddress(address, port),
      additionalAddresses: [],
    }));
  }

  async memory(): Promise<MemoryStatus> {
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    const reports = await this.#reports();
    const workers = reports.map(({ seat, report }) => ({
      name: seat.name,
      heapUsed: report?.heapUsed ?? 0,
      heapTotal: report?.heapTotal ?? 0,
      external: report?.external ?? 0,
    }));
    return { rss, threads: [{ name: 'main_thread', heapUsed, heapTotal, external }, ...workers] };
  }

  logLevels(): Readonly<Record<string, string>> {
    return logLevels();
  }

  async setLogLevels(levels: Readonly<Record<string, string>>): Promise<void> {
    setLogLevels(levels);
    await this.#options.pool.askAll({ kind: 'log-level', levels }, ANSWER_LIMIT_MS);
  }

  reopenLogs(): Promise<void> {
    return this.#options.reopenLogs();
  }

  quit(): void {
    this.#options.lifeCycle.quit();
  }

  drainListeners(options: DrainOptions): Promise<void> {
    return this.#options.drainListeners(options);
  }

  setHealthcheck(result: 'ok' | 'fail'): void {
    this.#options.lifeCycle.setHealthcheck(result);
  }

  async threads(): Promise<readonly ThreadStatus[]> {
    const { mainTid, monitoring, logPaths } = this.#options;
    const main: ThreadStatus = {
      name: 'main_thread',
      role: 'main',
      tid: mainTid,
      busy: this.#mainBusy(),
      turns: 0,
      state: 'running',
      connections: 0,
      restarts: 0,
    };
    const workers = (await this.#reports()).map(({ seat, report }): ThreadStatus => {
      const hung = monitoring.isBlocked(seat.index) || (report === null && seat.state === 'serving');
      return {
        name: seat.name,
        role: 'worker',
        tid: seat.tid,
        busy: seat.busy(),
        turns: report?.loop.turns ?? 0,
        state: hung && seat.state === 'serving' ? 'hung' : stateOf(seat),
        connections: report?.connections ?? 0,
        restarts: seat.restarts,
      };
    });
    return [main, ...workers, ...logPaths().map(logThread)];
  }

  async pools(): Promise<readonly PoolStatus[]> {
    return (await this.#reports()).flatMap(({ report }) => report?.pools ?? []);
  }

  async dispatchers(): Promise<readonly DispatcherStatus[]> {
    const main = { name: 'main_thread', ...UNMEASURED, ...this.#options.monitoring.lag() };
    const workers = (await this.#reports()).map(({ seat, report }) => ({
      name: seat.name,
      ...(report?.loop ?? UNMEASURED),
    }));
    return [main, ...workers];
  }

  #mainBusy(): number {
    const { utilization } = performance.eventLoopUtilization(this.#utilization);
    this.#utilization = performance.eventLoopUtilization();
    return utilization;
  }

  async #reports(): Promise<{ seat: WorkerSeat; report: WorkerReport | null }[]> {
    const { pool } = this.#options;
    const answers = await pool.askAll({ kind: 'report' }, ANSWER_LIMIT_MS);
    return pool.seats.map((seat, index) => {
      const answer = answers[index];
      return {
        seat,
        report: typeof answer === 'object' && answer !== null ? (answer as WorkerReport) : null,
      };
    });
  }
}

function boundAddress(address: string, port: number): Address {
  return ipAddress(address, port) ?? { kind: 'pipe', path: address };
}

/** Its thread says nothing of itself: it only writes. */
/** A worker's state by its seat alone. */
export function stateOf({ state, restarts }: Pick<WorkerSeat, 'state' | 'restarts'>): ThreadState {
  switch (state) {
    case 'serving':
      return 'running';
    case 'stopping':
    case 'stopped':
      return 'stopping';
    case 'resting':
      return 'restarting';
    case 'vacant':
    case 'starting':
    case 'prepared':
      return restarts > 0 ? 'restarting' : 'starting';
    default:
      return unreachable(state);
  }
}

function logThread(path: string): ThreadStatus {
  return {
    name: `log ${path}`,
    role: 'log',
    tid: 0,
    busy: 0,
    turns: 0,
    state: 'running',
    connections: 0,
    restarts: 0,
  };
}
