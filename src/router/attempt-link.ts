/**
 * An attempt's hold on its connection: flow control both ways, the ledger's brackets, timers, and letting go of it all.
 *
 *   connection to the upstream above high  -> downstream reads paused
 *   connection to the client above high    -> upstream reads paused
 *
 * `UpstreamRequest` is the other half of the same object: the request and the answer themselves. Invariant: whatever was paused,
 * borrowed or observed is given back in `close()`, once.
 */
import type { DecoderFilterCallbacks, RequestEncoder, ResetReason, StreamCallbacks } from '../api/http.ts';
import type { Connection } from '../api/network.ts';
import type { IoObserver } from '../api/observe.ts';
import { logger, streamMark } from '../base/logger.ts';
import { AttemptTimers } from './attempt-timers.ts';
import type { ClusterStats } from './cluster-stats.ts';
import type { TimeLimits } from './route.ts';
import type { RouterConfig } from './router-config.ts';
import type { TimerKind, TimerOwner } from './timer-cache.ts';

export const log = logger('router');

/** Whose code the brackets stand around. */
export interface WorkOwner {
  /** Whether code runs for the stream already: then the bracket around it stands. */
  working: boolean;
}

export abstract class AttemptLink implements StreamCallbacks, TimerOwner {
  protected readonly callbacks: DecoderFilterCallbacks;
  protected readonly config: RouterConfig;
  protected readonly stats: ClusterStats;
  protected state: 'pending' | 'open' | 'closed' = 'pending';
  protected encoder: RequestEncoder | null = null;
  protected connection: Connection | null = null;
  protected writes: IoObserver | null = null;
  readonly #work: WorkOwner;
  #timers: AttemptTimers | null = null;
  #readSerial = -1;
  #backedUp = false;
  #pausedReads = 0;
  requestEnded = false;
  responseEnded = false;

  constructor(work: WorkOwner, callbacks: DecoderFilterCallbacks, config: RouterConfig, stats: ClusterStats) {
    this.#work = work;
    this.callbacks = callbacks;
    this.config = config;
    this.stats = stats;
  }

  abstract onResetStream(reason: ResetReason, details: string): void;

  protected abstract onTimeout(kind: TimerKind): void;

  /** The connection to the upstream takes no more for now: the client is to stop sending. */
  onAboveWriteBufferHighWatermark(): void {
    if (this.state !== 'open' || this.#backedUp || this.requestEnded) return;
    this.#backedUp = true;
    this.callbacks.onDecoderFilterAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    if (!this.#backedUp) return;
    this.#backedUp = false;
    this.callbacks.onDecoderFilterBelowWriteBufferLowWatermark();
  }

  /** The client takes no more for now: the upstream is to stop sending. Counted. */
  pauseReads(): void {
    if (this.state !== 'open' || this.responseEnded) return;
    this.#pausedReads += 1;
    this.stats.flowPausedReading.inc();
    if (log.debugOn) this.log('Disabling upstream stream due to downstream stream watermark.');
    this.encoder?.stream.readDisable(true);
  }

  resumeReads(): void {
    if (this.#pausedReads === 0) return;
    this.#pausedReads -= 1;
    this.stats.flowResumedReading.inc();
    if (log.debugOn) this.log('Enabling upstream stream due to downstream stream watermark.');
    this.encoder?.stream.readDisable(false);
  }

  onTimer(kind: TimerKind): void {
    const entered = this.enter(this.config.dispatcher.clock.now(), 0);
    this.onTimeout(kind);
    this.leave(entered);
  }

  /** The request is complete and this attempt has a connection: its own time limits begin. */
  startTimers(limits: TimeLimits): void {
    if (this.state !== 'open' || (limits.perTryMs <= 0 && limits.perTryIdleMs <= 0)) return;
    this.#ownTimers().startTry(limits.perTryMs, limits.perTryIdleMs);
  }

  /** The answer goes down: only idle and route limits still hold. */
  stopPerTryTimer(): void {
    this.#timers?.stopPerTry();
  }

  /** A debug line; callers ask `log.debugOn` first. */
  protected log(text: string): void {
    log.debug(`${streamMark(this.callbacks.connection.id, this.callbacks.streamId)} ${text}`);
  }

  protected startMaxDuration(): void {
    const ms = this.stats.maxStreamDurationMs;
    if (ms > 0) this.#ownTimers().startMaxDuration(ms);
  }

  protected endRequest(): void {
    if (this.requestEnded || this.state !== 'open') return;
    this.requestEnded = true;
    if (log.traceOn)
      log.trace(
        `${streamMark(this.callbacks.connection.id, this.callbacks.streamId)} request complete: all of it is encoded`,
      );
    if (this.writes !== null) this.connection?.endObserveWrites(this.writes);
    this.onBelowWriteBufferLowWatermark();
  }

  protected activity(): void {
    this.#timers?.active();
  }

  /** Lets go of everything that was paused or borrowed. */
  protected close(): void {
    this.state = 'closed';
    this.#timers?.release();
    this.#timers = null;
    this.onBelowWriteBufferLowWatermark();
    while (this.#pausedReads > 0) this.resumeReads();
    if (this.writes !== null && !this.requestEnded) {
      this.connection?.endObserveWrites(this.writes);
    }
    this.encoder?.stream.removeCallbacks(this);
  }

  protected enterRead(): boolean {
    const read = this.connection?.lastRead;
    if (read === undefined) return false;
    const late = read.serial === this.#readSerial ? 0 : Math.max(read.waited, 0);
    this.#readSerial = read.serial;
    return this.enter(read.at, late);
  }

  /** False: code ran for the stream already, the bracket around it stands. */
  protected enter(at: number, lateMs: number): boolean {
    if (this.#work.working) return false;
    this.#work.working = true;
    this.callbacks.enterWork(at, lateMs);
    return true;
  }

  protected leave(entered: boolean): void {
    if (!entered) return;
    this.#work.working = false;
    this.callbacks.leaveWork();
  }

  #ownTimers(): AttemptTimers {
    return (this.#timers ??= new AttemptTimers(this.config.timers, this));
  }
}
