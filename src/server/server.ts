/**
 * The main thread: configuration, workers, the merged view, the admin, the end. It never sees a proxied byte.
 *
 *   initialise -> admin -> clusters resolved -> workers prepared, then bound -> LIVE -> drain -> logs flushed -> exit
 *
 * Composition root of the main thread, as `worker-parts.ts` is of a worker. Invariant: whatever was started is ended by `#end`,
 * whether the start failed half-way or a signal came in the middle of it.
 */
import { writeFileSync } from 'node:fs';
import type { DrainOptions } from '../api/admin.ts';
import type { FromWorker } from '../api/server.ts';
import { addressText } from '../base/address-text.ts';
import { AdminServer } from '../admin/admin-server.ts';
import { SystemClock, afterMs, delay } from '../base/clock.ts';
import { logger, reopenLog } from '../base/logger.ts';
import { TurnDispatcher } from '../event/turn-dispatcher.ts';
import { threadId } from '../os/thread.ts';
import { ClusterFigures } from '../upstream/cluster-figures.ts';
import { addressOf } from '../upstream/endpoint-address.ts';
import { ClusterResolver } from '../upstream/resolver.ts';
import { ServerAdminContext } from './admin-context.ts';
import { ClusterPublisher } from './cluster-publisher.ts';
import { clusterStatuses } from './cluster-status.ts';
import { configSections } from './config-sections.ts';
import { LogFiles } from './log-files.ts';
import { LifeCycle } from './life-cycle.ts';
import { MainMemory } from './main-memory.ts';
import { Monitoring } from './monitoring.ts';
import { commandLineOptions } from './server-options.ts';
import type { ServerOptions } from './server-options.ts';
import { detached, PackedBootstrap } from './packed-bootstrap.ts';
import { onSignals } from './signals.ts';
import { chooseSocketInterface } from './socket-choice.ts';
import { versionText } from './version.ts';
import { StartError, WorkerPool } from './worker-pool.ts';
import type { WorkerSeat } from './worker-seat.ts';
import { nodeOf, WorkerSetup } from './worker-setup.ts';

/** A few beats within the shortest sensible miss time of the watchdog. */
const HEARTBEAT_MS = 50;
/** An admin answer under way when the process ends (that of `/quitquitquit`) gets this long. */
const ADMIN_GRACE_MS = 100;
/** A worker that is blocked loses its last lines, not the others theirs. */
const FLUSH_LIMIT_MS = 2000;
/** What reading the configuration left is several times what stays of it; the start itself does not wait for its collection. */
const PACK_AFTER_MS = 1000;
const log = logger('main');

export class Server {
  /** Its bootstrap has no resources. */
  readonly #options: ServerOptions;
  readonly #bootstrap: PackedBootstrap;
  readonly #memory = new MainMemory();
  readonly #clock = new SystemClock();
  readonly #startedAt = this.#clock.now();
  readonly #loadedAt = new Date(this.#startedAt + this.#clock.wallOffset()).toISOString();
  readonly #socketInterface: 'syscall' | 'portable';
  readonly #setup: WorkerSetup;
  readonly #pool: WorkerPool;
  readonly #lifeCycle: LifeCycle;
  readonly #monitoring: Monitoring;
  readonly #resolver: ClusterResolver;
  readonly #logFiles: LogFiles;
  #admin: AdminServer | null = null;

  /** Throws `SocketInterfaceError` where the machine lacks what was asked for. */
  constructor(options: ServerOptions) {
    const { concurrency } = options;
    const { static_resources: _, ...rest } = options.bootstrap;
    const bootstrap = detached(rest);
    this.#options = { ...options, bootstrap };
    this.#bootstrap = new PackedBootstrap(options.bootstrap);
    this.#socketInterface = chooseSocketInterface(options.socketInterface);
    this.#setup = new WorkerSetup(options, this.#socketInterface, HEARTBEAT_MS);
    this.#pool = new WorkerPool({
      concurrency,
      entry: workerEntry(),
      clock: this.#clock,
      workerData: (index) => this.#setup.workerData(index),
      onMessage: (seat, message) => this.#onMessage(seat, message),
      onLost: (seat) => this.#onLost(seat),
      rest: delay,
    });
    this.#lifeCycle = new LifeCycle(options.drainTimeMs, {
      drain: (deadlineMs) => this.#pool.drain(deadlineMs),
      end: () => this.#end(),
    });
    this.#monitoring = new Monitoring({
      clock: this.#clock,
      concurrency,
      bootstrap,
      heartbeats: this.#setup.heartbeats,
      source: {
        state: () => this.#lifeCycle.state,
        uptimeMs: () => this.#clock.now() - this.#startedAt,
        workersStarted: () => this.#pool.serving,
      },
      watched: (worker) => this.#pool.seats[worker]?.state === 'serving',
    });
    this.#resolver = this.#createResolver();
    this.#logFiles = this.#createLogFiles();
  }

  #createResolver(): ClusterResolver {
    const publisher = new ClusterPublisher(this.#setup.clusters, (snapshot) => {
      void this.#pool.runOnAllThreads({ kind: 'slot', slot: 'clusters', snapshot });
    });
    const figures = new ClusterFigures(this.#setup.counts);
    this.#monitoring.merged.addComputed(figures);
    return new ClusterResolver({
      figures,
      timers: new TurnDispatcher({ name: 'main_thread', clock: this.#clock, tid: threadId() }),
      stats: this.#monitoring.stats,
      onChange: (name, snapshot) => publisher.onChange(name, snapshot),
      published: (name) => publisher.get(name),
      onFailure: (cluster, name, error) => {
        logger('dns').warning(`cluster ${cluster}: ${name} is not resolved: ${String(error)}`);
      },
    });
  }

  #createLogFiles(): LogFiles {
    return new LogFiles({
      stats: this.#monitoring.stats,
      onProblem: ({ path, error }) => {
        if (error === '') logger('file').info(`access log ${path} is written again`);
        else
          logger('file').error(
            `access log ${path} cannot be written (${error}): its lines are lost until it can`,
          );
      },
    });
  }

  /** Resolves when the process is to end. Rejects when it could not start; nothing is left running then. */
  async run(): Promise<void> {
    const offSignals = onSignals({
      end: (signal) => this.#lifeCycle.onSignal(signal),
      reopenLogs: () => void this.#reopenLogs(),
    });
    try {
      // A signal may come in the middle of the start: the end does not wait for it.
      await Promise.race([this.#start(), this.#lifeCycle.ended]);
      await this.#lifeCycle.ended;
    } catch (error) {
      // A signal during the start ends it: the workers that were to come are not missed.
      if (this.#lifeCycle.ending === 'none') {
        await this.#end();
        throw error;
      }
      await this.#lifeCycle.ended;
    } finally {
      offSignals();
    }
  }

  async #start(): Promise<void> {
    const { concurrency, onLive } = this.#options;
    log.info(
      `${versionText()}: ${concurrency} ${concurrency === 1 ? 'worker' : 'workers'}, ${this.#socketInterface} sockets`,
    );
    this.#lifeCycle.enter('INITIALIZING');
    await this.#startAdmin();
    for (const cluster of this.#bootstrap.get().static_resources?.clusters ?? []) this.#resolver.add(cluster);
    await this.#resolver.ready();
    await this.#pool.start();
    this.#monitoring.start();
    this.#monitoring.onInitialized(this.#clock.now() - this.#startedAt, this.#pool.listeners.length);
    this.#lifeCycle.enter('LIVE');
    log.info('all workers accept');
    afterMs(PACK_AFTER_MS, () => void this.#afterStart()).unref();
    onLive?.({
      listeners: this.#pool.listeners,
      adminAddress: this.#adminAddress(),
      socketInterface: this.#socketInterface,
      threads: this.#pool.seats.map(({ name, tid }) => ({ name, tid })),
    });
  }

  async #afterStart(): Promise<void> {
    await this.#bootstrap.pack();
    this.#memory.onStarted();
  }

  async #startAdmin(): Promise<void> {
    const { admin } = this.#options.bootstrap;
    const address = addressOf(admin?.address);
    if (address === null) return;
    const mode = admin?.address?.pipe?.mode;
    const server = new AdminServer({
      address,
      context: this.#adminContext(),
      onAnswered: () => this.#memory.onWork(),
      ...(mode === undefined ? {} : { mode }),
      onError: (error, target) => logger('admin').error(`${target}: ${String(error)}`),
    });
    try {
      await server.listen();
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      throw new StartError(`cannot listen on ${addressText(address)}: ${reason} (admin)`);
    }
    this.#admin = server;
    const { adminAddressPath } = this.#options;
    if (adminAddressPath !== undefined) writeFileSync(adminAddressPath, this.#adminAddress());
    logger('admin').info(`admin address: ${this.#adminAddress()}`);
  }

  #adminAddress(): string {
    const bound = this.#admin?.address ?? null;
    return bound === null ? '' : addressText(bound);
  }

  #adminContext(): ServerAdminContext {
    const { bootstrap } = this.#options;
    return new ServerAdminContext({
      clock: this.#clock,
      startedAt: this.#startedAt,
      mainTid: threadId(),
      pool: this.#pool,
      lifeCycle: this.#lifeCycle,
      monitoring: this.#monitoring,
      info: {
        version: versionText(),
        commandLineOptions: commandLineOptions(this.#options),
        node: { ...bootstrap.node, ...nodeOf(bootstrap, this.#options) },
      },
      configDump: () => configSections(this.#bootstrap.get(), this.#loadedAt),
      clusters: () => clusterStatuses(this.#resolver.snapshots(), this.#monitoring.merged),
      logPaths: () => this.#logFiles.paths,
      reopenLogs: () => this.#reopenLogs(),
      drainListeners: (options) => this.#drainListeners(options),
    });
  }

  #onMessage(seat: WorkerSeat, message: FromWorker): void {
    if (message.kind === 'stats') this.#monitoring.merged.adopt(seat.name, message);
    if (message.kind !== 'log-open') return;
    const port = this.#logFiles.open(message.path);
    if (port !== null) seat.post({ kind: 'log-port', path: message.path, port }, [port]);
  }

  #onLost(seat: WorkerSeat): void {
    this.#setup.onLost(seat.index);
    this.#monitoring.onWorkerLost(seat);
  }

  /** Plain: listeners close, connections stay. Graceful: connections wind down over the drain time, then all ends. */
  async #drainListeners({ graceful, skipExit }: DrainOptions): Promise<void> {
    const { drainTimeMs, drainStrategy } = this.#options;
    this.#lifeCycle.noteListenersDrained();
    if (!graceful) {
      await this.#pool.runOnAllThreads({ kind: 'stop-listening' });
      return;
    }
    await this.#pool.runOnAllThreads({
      kind: 'wind-down',
      rampMs: drainStrategy === 'gradual' ? drainTimeMs : 0,
    });
    afterMs(drainTimeMs, () => {
      if (skipExit) void this.#pool.runOnAllThreads({ kind: 'stop-listening' });
      else this.#lifeCycle.quit();
    }).unref();
  }

  async #reopenLogs(): Promise<void> {
    log.info('reopening log files');
    reopenLog();
    await this.#pool.askAll({ kind: 'flush-logs' }, FLUSH_LIMIT_MS);
    await this.#pool.askAll({ kind: 'reopen-logs' }, FLUSH_LIMIT_MS);
    await this.#logFiles.reopenAll();
    log.info('log files reopened');
  }

  /** In this order: no traffic, then no lines to come, then no files; the admin answers to the last. */
  async #end(): Promise<void> {
    await this.#pool.askAll({ kind: 'flush-logs' }, FLUSH_LIMIT_MS);
    await this.#pool.stop();
    await this.#logFiles.close();
    this.#monitoring.stop();
    this.#resolver.stop();
    await this.#admin?.close(ADMIN_GRACE_MS);
    log.info('exiting');
  }
}

/** Beside this folder, in the sources and in what is built from them. */
function workerEntry(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`../worker.${extension}`, import.meta.url);
}
