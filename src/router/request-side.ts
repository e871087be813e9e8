/**
 * The request's half of `Forwarding`: from the head that the filter took to the attempt that carries it, and to the end of
 * everything that the request holds.
 *
 * It owns the body, the attempt under way, the clock and the retry state; starts attempts; forwards the client's watermark
 * edges to the attempt. Fields are protected: `forwarding.ts` is the other half of the same object. It is its own
 * `LoadBalancerContext`, so choosing a host allocates nothing.
 */
import type { Bytes } from '../api/bytes.ts';
import type { DecoderFilterCallbacks, DownstreamWatermarkCallbacks, HeaderMap } from '../api/http.ts';
import type { Host, HttpPool, LoadBalancerContext, ThreadLocalCluster } from '../api/upstream.ts';
import { addressText } from '../base/address-text.ts';
import { streamMark } from '../base/logger.ts';
import { log } from './attempt-link.ts';
import type { ClusterStats } from './cluster-stats.ts';
import { takeControlHeaders, type ControlHeaders } from './control-headers.ts';
import { answerIncomplete, answerNoHealthyUpstream, answerRetryBufferFull } from './own-answers.ts';
import { RequestBody } from './request-body.ts';
import { RequestClock } from './request-clock.ts';
import { finalizeRequest, stampAttempt } from './request-headers.ts';
import { RetryState } from './retry-state.ts';
import type { ForwardRoute } from './route.ts';
import type { RouterConfig } from './router-config.ts';
import { limitsFor } from './time-limits.ts';
import type { TimerKind, TimerOwner } from './timer-cache.ts';
import { UpstreamRequest, type AttemptOwner } from './upstream-request.ts';

export interface ForwardingOptions {
  readonly config: RouterConfig;
  readonly callbacks: DecoderFilterCallbacks;
  readonly route: ForwardRoute;
  readonly cluster: ThreadLocalCluster;
  readonly headers: HeaderMap;
}

type ForwardingState = 'waiting' | 'exchange' | 'backing-off' | 'responding' | 'done';

/** Kept at most where the connections have no limit (0): Envoy's default limit, so that nothing here is without one. */
const UNLIMITED_BODY_BYTES = 1024 * 1024;

const NO_HOSTS: readonly Host[] = [];

export abstract class RequestSide implements DownstreamWatermarkCallbacks, LoadBalancerContext, TimerOwner {
  /** See `AttemptOwner`. */
  working = true;
  /** See `LoadBalancerContext`. */
  attempted = NO_HOSTS;
  selectionRetries = 1;
  readonly headers: HeaderMap;
  protected readonly config: RouterConfig;
  protected readonly callbacks: DecoderFilterCallbacks;
  protected readonly route: ForwardRoute;
  protected readonly stats: ClusterStats;
  protected readonly clock: RequestClock;
  protected readonly control: ControlHeaders | null;
  protected cluster: ThreadLocalCluster;
  protected state: ForwardingState = 'waiting';
  protected retry: RetryState | null;
  protected body: RequestBody | null = null;
  protected attempt: UpstreamRequest | null = null;
  /** A 1xx went down: no retry any more. */
  protected informed = false;
  protected watching = false;
  protected downstreamHigh = 0;

  constructor(options: ForwardingOptions) {
    const { config, callbacks, route, cluster, headers } = options;
    this.config = config;
    this.callbacks = callbacks;
    this.route = route;
    this.cluster = cluster;
    this.headers = headers;
    this.stats = config.clusterStats.of(cluster);
    this.control = takeControlHeaders(headers);
    const limits = limitsFor(route.limits, this.control, config.respectExpectedTimeout);
    this.clock = new RequestClock(this, config, limits);
    this.retry = RetryState.of(route.retry, this.control, headers, this.stats);
    if (this.retry !== null) this.selectionRetries = this.retry.policy.hostSelectionAttempts;
    finalizeRequest(headers, route, callbacks.info, config.suppressHeaders);
  }

  begin(endStream: boolean): void {
    if (isIncomplete(this.headers)) {
      this.end();
      answerIncomplete(this.callbacks);
      return;
    }
    if (!endStream) {
      this.body = new RequestBody(this.callbacks, this.#bodyLimit(), this.retry !== null);
    } else this.clock.onComplete(this.isTunnel());
    this.startAttempt();
    this.working = false;
  }

  takeData(bytes: Bytes, endStream: boolean): void {
    if (this.state === 'done') return;
    const { working } = this;
    this.working = true;
    if (endStream) this.clock.onComplete(this.isTunnel());
    if (this.body?.take(bytes, endStream, this.attempt) === 'abandoned') this.#giveUpRetries();
    if (endStream) this.attempt?.startTimers(this.clock.limits);
    this.working = working;
  }

  takeTrailers(trailers: HeaderMap): void {
    if (this.state === 'done') return;
    const { working } = this;
    this.working = true;
    this.clock.onComplete(this.isTunnel());
    this.body?.takeTrailers(trailers, this.attempt);
    this.attempt?.startTimers(this.clock.limits);
    this.working = working;
  }

  /** The stream is over; the client may have gone. */
  destroy(): void {
    this.end()?.abandon();
  }

  onAboveWriteBufferHighWatermark(): void {
    this.downstreamHigh += 1;
    this.attempt?.pauseReads();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.downstreamHigh = Math.max(this.downstreamHigh - 1, 0);
    this.attempt?.resumeReads();
  }

  abstract onTimer(kind: TimerKind): void;

  /** This object as what its attempts report to. */
  protected abstract readonly owner: AttemptOwner;

  #bodyLimit(): number {
    const { bufferLimitBytes } = this.route;
    if (bufferLimitBytes !== -1) return bufferLimitBytes;
    const { decoderBufferLimit } = this.callbacks;
    return decoderBufferLimit > 0 ? decoderBufferLimit : UNLIMITED_BODY_BYTES;
  }

  protected isTunnel(): boolean {
    return this.headers.protocol !== '' || this.headers.method === 'CONNECT';
  }

  protected startAttempt(): void {
    const { info } = this.callbacks;
    const config = this.config;
    const pool = this.#choosePool();
    if (pool === null) {
      this.end();
      answerNoHealthyUpstream(this.callbacks, this.stats);
      return;
    }
    this.state = 'waiting';
    info.attemptCount += 1;
    if (log.traceOn) this.#logHost(pool, info.attemptCount);
    const elapsed = info.attemptCount > 1 ? this.clock.since(config.dispatcher.clock.now()) : 0;
    stampAttempt(
      this.headers,
      this.route,
      this.clock.limits,
      info.attemptCount,
      elapsed,
      config.suppressHeaders,
    );
    const attempt = new UpstreamRequest(
      this.owner,
      this.callbacks,
      config,
      this.stats,
      pool.host,
      this.headers,
    );
    this.attempt = attempt;
    if (this.retry?.policy.avoidPreviousHosts === true) this.attempted = [...this.attempted, pool.host];
    attempt.start(pool);
    if (attempt.pending) this.callbacks.setUpstreamWait('pool');
  }

  #logHost({ host }: HttpPool, attempt: number): void {
    const { connection, streamId } = this.callbacks;
    log.trace(
      `${streamMark(connection.id, streamId)} host ${addressText(host.address)} of cluster '${this.cluster.info.name}' chosen, attempt ${attempt}`,
    );
  }

  /** The cluster is looked up anew for a retry: it may have changed, or gone, during the back-off. */
  #choosePool(): HttpPool | null {
    const { priority } = this.route;
    if (this.callbacks.info.attemptCount > 0) {
      const current = this.config.clusters.get(this.cluster.info.name);
      if (current === undefined) return null;
      this.cluster = current;
    }
    return this.cluster.httpPool(this, priority);
  }

  protected watchDownstream(attempt: UpstreamRequest): void {
    if (this.watching) {
      for (let high = this.downstreamHigh; high > 0; high -= 1) attempt.pauseReads();
      return;
    }
    this.watching = true;
    this.callbacks.addDownstreamWatermarkCallbacks(this);
  }

  /** More body than is kept for a retry. */
  #giveUpRetries(): void {
    this.stats.retryAbandoned.inc();
    this.retry?.release();
    this.retry = null;
    if (this.attempt !== null) return;
    this.end();
    answerRetryBufferFull(this.callbacks);
  }

  /** To `done`, once. Gives the attempt that is still under way: what becomes of it is the caller's decision. */
  protected end(): UpstreamRequest | null {
    const attempt = this.attempt;
    this.attempt = null;
    if (this.state === 'done') return null;
    this.state = 'done';
    this.clock.release();
    this.retry?.release();
    this.body?.release();
    if (this.watching) this.callbacks.removeDownstreamWatermarkCallbacks(this);
    return attempt;
  }
}

/** A filter took away what no request line can do without. */
function isIncomplete({ method, path, authority }: HeaderMap): boolean {
  return method === '' || (method === 'CONNECT' ? authority : path) === '';
}
