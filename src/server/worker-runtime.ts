/**
 * A worker's life: takes main's messages, runs the drain, and leaves nothing open when it ends, by request or by a crash.
 *
 *   start -> prepared -> listening -> draining -> drained -> stop
 *
 * What the worker consists of is put together in `worker-parts.ts`; here is only what happens to it over time. Descriptors opened
 * by our own system calls outlive a thread, so a dying one closes them: a listening socket left behind would go on taking its
 * share of connections from the kernel, and nobody would serve them.
 */
import type { MessagePort } from 'node:worker_threads';
import type { FromWorker, ToWorker, WorkerOptions } from '../api/server.ts';
import { reopenLog, setLogLevels, logger } from '../base/logger.ts';
import { ListenError } from './listener-set.ts';
import { MemoryReturn } from './memory-return.ts';
import type { WorkerParts } from './worker-parts.ts';
import { loopReport } from './worker-report.ts';
import type { WorkerReport } from './worker-report.ts';

/** How often a drain looks whether the last connection has gone. */
const DRAIN_CHECK_MS = 20;
const log = logger('main');

export class WorkerRuntime {
  readonly #options: WorkerOptions;
  readonly #port: MessagePort;
  readonly #parts: WorkerParts;
  #drainEndsAt = Infinity;
  #draining = false;
  #drained = false;

  constructor(options: WorkerOptions, port: MessagePort, parts: WorkerParts) {
    this.#options = options;
    this.#port = port;
    this.#parts = parts;
  }

  /** Builds everything that needs no port. */
  async start(): Promise<void> {
    this.#beatHeart();
    this.#port.on('message', (message: ToWorker) => {
      this.#parts.dispatcher.run(() => this.#onMessage(message));
    });
    process.on('exit', () => this.#release());
    const { dispatcher, listeners } = this.#parts;
    new MemoryReturn(dispatcher, listeners).start();
    await listeners.prepare();
    this.#send({ kind: 'prepared', tid: dispatcher.tid });
  }

  /** Each turn counts, and a timer makes one when nothing else does: idle is not blocked. */
  #beatHeart(): void {
    const { dispatcher, loopTimes } = this.#parts;
    const beats = new Int32Array(this.#options.heartbeats);
    const { index, heartbeatMs } = this.#options;
    dispatcher.onTurnEnd(() => {
      beats[index] = ((beats[index] ?? 0) + 1) | 0;
    });
    dispatcher.observeTurns(loopTimes);
    let due = dispatcher.clock.now() + heartbeatMs;
    const timer = dispatcher.createTimer(() => {
      const now = dispatcher.clock.now();
      loopTimes.onLate(now - due);
      due = now + heartbeatMs;
      timer.enable(heartbeatMs);
    });
    timer.enable(heartbeatMs);
  }

  #onMessage(message: ToWorker): void {
    const { listeners, slots, clusters, logs } = this.#parts;
    switch (message.kind) {
      case 'listen':
        void this.#listen(message);
        return;
      case 'slot':
        slots[message.slot].set(message.snapshot);
        if (message.slot === 'clusters') clusters.onSnapshot();
        break;
      case 'log-port':
        logs.attach(message.path, message.port);
        return;
      case 'log-level':
        setLogLevels(message.levels);
        break;
      case 'reopen-logs':
        reopenLog();
        break;
      case 'drain':
        this.#drain(message.deadlineMs);
        break;
      case 'wind-down':
        this.#parts.drain.begin(message.rampMs);
        break;
      case 'stop-listening':
        listeners.stopAccepting();
        break;
      case 'adopt':
        listeners.receive(message.listener, message.fd, message.acceptedAt);
        return;
      case 'flush-logs':
        logs.flush();
        break;
      case 'report':
        this.#send({ kind: 'ack', ack: message.ack, value: this.#report() });
        return;
      case 'stop':
        process.exit(0);
    }
    this.#send({ kind: 'ack', ack: message.ack });
  }

  async #listen(message: Extract<ToWorker, { kind: 'listen' }>): Promise<void> {
    if (this.#draining) return;
    try {
      const listeners = await this.#parts.listeners.listen(message.bound);
      this.#send({ kind: 'ready', tid: this.#parts.dispatcher.tid, listeners });
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      const { listener, address, message: reason } = error;
      this.#send({ kind: 'listen-failed', listener, address, error: reason });
    }
    this.#send({ kind: 'ack', ack: message.ack });
  }

  /** A second call with an earlier end hurries the first. */
  #drain(deadlineMs: number): void {
    const { dispatcher, listeners, drain, clusters } = this.#parts;
    this.#drainEndsAt = Math.min(this.#drainEndsAt, dispatcher.clock.now() + deadlineMs);
    if (!this.#draining) {
      this.#draining = true;
      drain.begin(0);
      listeners.stopAccepting();
      clusters.drain(false);
      log.debug(`draining ${listeners.connectionCount} connections`);
      const timer = dispatcher.createTimer(() => {
        this.#checkDrained();
        if (!this.#drained) timer.enable(DRAIN_CHECK_MS);
      });
      timer.enable(DRAIN_CHECK_MS);
    }
    this.#checkDrained();
  }

  #checkDrained(): void {
    const { dispatcher, listeners, clusters } = this.#parts;
    if (this.#drained) return;
    if (dispatcher.clock.now() >= this.#drainEndsAt) {
      if (listeners.connectionCount > 0)
        log.info(`drain time over: closing ${listeners.connectionCount} connections`);
      listeners.closeConnections();
    }
    if (listeners.connectionCount > 0) return;
    this.#drained = true;
    clusters.drain(true);
    this.#send({ kind: 'drained' });
  }

  /** Synchronous: it runs while the thread ends. After a crash parts of it may fail; the rest is still to be done. */
  #release(): void {
    const { dispatcher, connections, listeners, clusters, logs, stats } = this.#parts;
    const steps = [
      () => listeners.stopAccepting(),
      () => dispatcher.run(() => listeners.closeConnections()),
      () => dispatcher.run(() => clusters.drain(true)),
      () => logs.flush(),
      () => stats.announceNow(),
      // Last: readiness that is told to a thread without JavaScript aborts the process.
      () => connections.stop(),
    ];
    for (const step of steps) {
      try {
        step();
      } catch (error) {
        log.error(`${this.#options.name}: while ending: ${String(error)}`);
      }
    }
  }

  #report(): WorkerReport {
    const { dispatcher, listeners, pools, loopTimes } = this.#parts;
    const { heapUsed, heapTotal, external } = process.memoryUsage();
    return {
      connections: listeners.connectionCount,
      heapUsed,
      heapTotal,
      external,
      loop: loopReport(dispatcher.turn, loopTimes),
      pools: pools(),
    };
  }

  #send(message: FromWorker): void {
    this.#port.postMessage(message);
  }
}
