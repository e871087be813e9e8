/**
 * One request being carried to a cluster: attempts one after the other, the body, the route timer, the way back.
 *
 *   waiting --pool ready--> exchange --response head goes down--> responding --> done
 *     ^                        |
 *     `------ backing-off <----'   (failed attempt, nothing sent down yet)
 *
 * Invariant: a response byte that went down ends all retrying; `done` is terminal and holds no timer, no place in a pool, no
 * stream and no pause. It is its own `LoadBalancerContext`, so choosing a host allocates nothing.
 */
import type { Bytes } from '../api/bytes.ts';
import type {
  DecoderFilterCallbacks,
  DownstreamWatermarkCallbacks,
  HeaderMap,
  ResetReason,
} from '../api/http.ts';
import type { Host, HttpPool, LoadBalancerContext, ThreadLocalCluster } from '../api/upstream.ts';
import type { ClusterStats } from './cluster-stats.ts';
import { takeControlHeaders, type ControlHeaders } from './control-headers.ts';
import { choosePool } from './host-choice.ts';
import * as answers from './own-answers.ts';
import { RequestBody } from './request-body.ts';
import { RequestClock } from './request-clock.ts';
import { finalizeRequest, finalizeResponse, renameHost, stampAttempt } from './request-headers.ts';
import { detailsOf, flagOf } from './reset-reply.ts';
import { RetryState, type RetryDecision } from './retry-state.ts';
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

export class Forwarding
  implements AttemptOwner, TimerOwner, DownstreamWatermarkCallbacks, LoadBalancerContext
{
  /** See `AttemptOwner`. */
  working = true;
  /** See `LoadBalancerContext`. */
  attempted = NO_HOSTS;
  readonly headers: HeaderMap;
  readonly #config: RouterConfig;
  readonly #callbacks: DecoderFilterCallbacks;
  readonly #route: ForwardRoute;
  readonly #stats: ClusterStats;
  readonly #clock: RequestClock;
  readonly #control: ControlHeaders | null;
  #cluster: ThreadLocalCluster;
  #state: ForwardingState = 'waiting';
  #retry: RetryState | null;
  #body: RequestBody | null = null;
  #attempt: UpstreamRequest | null = null;
  /** A 1xx went down: no retry any more. */
  #informed = false;
  #watching = false;
  #downstreamHigh = 0;

  constructor(options: ForwardingOptions) {
    const { config, callbacks, route, cluster, headers } = options;
    this.#config = config;
    this.#callbacks = callbacks;
    this.#route = route;
    this.#cluster = cluster;
    this.headers = headers;
    this.#stats = config.clusterStats.of(cluster);
    this.#control = takeControlHeaders(headers);
    const limits = limitsFor(route.limits, this.#control, config.respectExpectedTimeout);
    this.#clock = new RequestClock(this, config, limits);
    this.#retry = RetryState.of(route.retry, this.#control, headers, this.#stats);
    finalizeRequest(headers, route, callbacks.info, config.suppressHeaders);
  }

  begin(endStream: boolean): void {
    if (!endStream) {
      this.#body = new RequestBody(this.#callbacks, this.#bodyLimit(), this.#retry !== null);
    } else this.#clock.onComplete(this.#isTunnel());
    this.#startAttempt();
    this.working = false;
  }

  takeData(bytes: Bytes, endStream: boolean): void {
    if (this.#state === 'done') return;
    const { working } = this;
    this.working = true;
    if (endStream) this.#clock.onComplete(this.#isTunnel());
    if (this.#body?.take(bytes, endStream, this.#attempt) === 'abandoned') this.#giveUpRetries();
    if (endStream) this.#attempt?.startTimers(this.#clock.limits);
    this.working = working;
  }

  takeTrailers(trailers: HeaderMap): void {
    if (this.#state === 'done') return;
    const { working } = this;
    this.working = true;
    this.#clock.onComplete(this.#isTunnel());
    this.#body?.takeTrailers(trailers, this.#attempt);
    this.#attempt?.startTimers(this.#clock.limits);
    this.working = working;
  }

  /** The stream is over; the client may have gone. */
  destroy(): void {
    this.#end()?.abandon();
  }

  onAttemptReady(attempt: UpstreamRequest, host: Host): void {
    const { headers } = this;
    if (this.#route.hostRewrite.kind === 'auto' && host.hostname !== '') {
      renameHost(
        headers,
        host.hostname,
        this.#route.appendForwardedHost && this.#callbacks.info.attemptCount === 1,
      );
    }
    this.#state = 'exchange';
    if (this.#body === null) attempt.sendHead(headers, true);
    else this.#body.sendTo(attempt, headers);
    if (this.#attempt !== attempt || !attempt.open) return;
    this.#watchDownstream(attempt);
    if (this.#clock.complete) attempt.startTimers(this.#clock.limits);
    this.#callbacks.setUpstreamWait('upstream');
  }

  onAttemptInformational(headers: HeaderMap): void {
    this.#informed = true;
    this.#callbacks.encodeInformational(headers);
  }

  onAttemptHeaders(attempt: UpstreamRequest, headers: HeaderMap, endStream: boolean): void {
    const { host } = attempt;
    if (this.#retryAnswer(attempt, headers)) return;
    if (headers.status >= 500) host.stats.rqError += 1;
    else host.stats.rqSuccess += 1;
    this.#state = 'responding';
    this.#retry?.release();
    this.#body?.dropKept();
    attempt.stopPerTryTimer();
    this.#stats.chargeCode(headers.status);
    const { info } = this.#callbacks;
    const timed = this.#clock.complete && !this.#config.suppressHeaders;
    const serviceMs = timed ? this.#clock.since(attempt.lastReadAt) : -1;
    finalizeResponse(headers, this.headers, this.#route, info, serviceMs);
    info.responseCodeDetails = 'via_upstream';
    if (endStream) this.#finish(attempt);
    else this.#callbacks.setUpstreamWait('body');
    this.#callbacks.encodeHeaders(headers, endStream);
  }

  onAttemptData(attempt: UpstreamRequest, bytes: Bytes, endStream: boolean): void {
    if (endStream) this.#finish(attempt);
    this.#callbacks.encodeData(bytes, endStream);
  }

  onAttemptTrailers(attempt: UpstreamRequest, trailers: HeaderMap): void {
    this.#finish(attempt);
    this.#callbacks.encodeTrailers(trailers);
  }

  onAttemptReset(
    attempt: UpstreamRequest,
    reason: ResetReason,
    transportReason: string,
    codecDetails: string,
  ): void {
    if (this.#state === 'responding') {
      this.#end();
      answers.breakOff(this.#callbacks, this.#config, flagOf(reason), detailsOf(reason, codecDetails, true));
      return;
    }
    if (reason !== 'overflow') attempt.host.stats.rqError += 1;
    const retry = this.#informed ? null : this.#retry;
    const breaker = this.#cluster.breakers(this.#route.priority).retries;
    if (retry?.takeIdleCloseRetry(reason, this.headers.method, attempt, breaker) === true) {
      this.#backOff(0, attempt);
      return;
    }
    const decision = retry?.decideReset(reason, attempt.headersSent, breaker) ?? 'no';
    if (this.#heeds(decision, attempt)) return;
    this.#end();
    answers.answerReset(this.#callbacks, this.#config, this.#stats, reason, transportReason, codecDetails);
  }

  onAttemptTimeout(attempt: UpstreamRequest, kind: TimerKind): void {
    const stats = this.#stats;
    const responding = this.#state === 'responding';
    attempt.abandon();
    if (kind === 'max-duration') stats.rqMaxDurationReached.inc();
    else {
      (kind === 'per-try' ? stats.rqPerTryTimeout : stats.rqPerTryIdleTimeout).inc();
      attempt.host.stats.rqTimeout += 1;
    }
    const details = answers.TIMEOUT_DETAILS[kind];
    if (responding) {
      this.#end();
      answers.breakOff(this.#callbacks, this.#config, kind === 'max-duration' ? 'UMSDR' : 'UT', details);
      return;
    }
    attempt.host.stats.rqError += 1;
    const retry = this.#informed ? null : this.#retry;
    const breaker = this.#cluster.breakers(this.#route.priority).retries;
    if (this.#heeds(retry?.decideReset('local reset', true, breaker) ?? 'no', attempt)) {
      if (this.#route.timeoutRetryHeader) this.headers.set('x-envoy-is-timeout-retry', 'true');
      return;
    }
    this.#end();
    if (kind === 'max-duration') answers.answerMaxDuration(this.#callbacks, stats, this.#clock.complete);
    else answers.answerTimeout(this.#callbacks, stats, 504, details);
  }

  /** The timers of the whole request. */
  onTimer(kind: TimerKind): void {
    this.#callbacks.enterWork(this.#config.dispatcher.clock.now(), 0);
    this.working = true;
    if (kind === 'route') this.#onRouteTimeout();
    else {
      this.#clock.endBackOff();
      this.#callbacks.info.resetUpstream();
      this.#startAttempt();
    }
    this.working = false;
    this.#callbacks.leaveWork();
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#downstreamHigh += 1;
    this.#attempt?.pauseReads();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#downstreamHigh = Math.max(this.#downstreamHigh - 1, 0);
    this.#attempt?.resumeReads();
  }

  #bodyLimit(): number {
    const { bufferLimitBytes } = this.#route;
    if (bufferLimitBytes !== -1) return bufferLimitBytes;
    const { decoderBufferLimit } = this.#callbacks;
    return decoderBufferLimit > 0 ? decoderBufferLimit : UNLIMITED_BODY_BYTES;
  }

  #isTunnel(): boolean {
    return this.headers.protocol !== '' || this.headers.method === 'CONNECT';
  }

  #startAttempt(): void {
    const { info } = this.#callbacks;
    const config = this.#config;
    const pool = this.#choosePool();
    if (pool === null) {
      this.#end();
      answers.answerNoHealthyUpstream(this.#callbacks, this.#stats);
      return;
    }
    this.#state = 'waiting';
    info.attemptCount += 1;
    const elapsed = info.attemptCount > 1 ? this.#clock.since(config.dispatcher.clock.now()) : 0;
    stampAttempt(
      this.headers,
      this.#route,
      this.#clock.limits,
      info.attemptCount,
      elapsed,
      config.suppressHeaders,
    );
    const attempt = new UpstreamRequest(this, this.#callbacks, config, this.#stats, pool.host);
    this.#attempt = attempt;
    if (this.#retry?.policy.avoidPreviousHosts === true) this.attempted = [...this.attempted, pool.host];
    attempt.start(pool);
    if (attempt.pending) this.#callbacks.setUpstreamWait('pool');
  }

  /** The cluster is looked up anew for a retry: it may have changed, or gone, during the back-off. */
  #choosePool(): HttpPool | null {
    const { priority } = this.#route;
    if (this.#callbacks.info.attemptCount > 0) {
      const current = this.#config.clusters.get(this.#cluster.info.name);
      if (current === undefined) return null;
      this.#cluster = current;
    }
    return choosePool(this.#cluster, this, priority, this.#retry?.policy.hostSelectionAttempts ?? 0);
  }

  #watchDownstream(attempt: UpstreamRequest): void {
    if (this.#watching) {
      for (let high = this.#downstreamHigh; high > 0; high -= 1) attempt.pauseReads();
      return;
    }
    this.#watching = true;
    this.#callbacks.addDownstreamWatermarkCallbacks(this);
  }

  /** True: the answer is not passed on, a retry is on its way. */
  #retryAnswer(attempt: UpstreamRequest, headers: HeaderMap): boolean {
    if (this.#retry === null || this.#informed) return false;
    const { clock } = this.#config.dispatcher;
    const breaker = this.#cluster.breakers(this.#route.priority).retries;
    const decision = this.#retry.decideHeaders(headers, clock.wallOffset() + clock.now(), breaker);
    if (!this.#heeds(decision, attempt)) return false;
    attempt.host.stats.rqError += 1;
    this.#stats.chargeRetriedCode(headers.status);
    return true;
  }

  #heeds(decision: RetryDecision, attempt: UpstreamRequest): boolean {
    if (decision === 'limit') this.#callbacks.info.setFlag('URX');
    else if (decision === 'overflow') this.#callbacks.info.setFlag('UO');
    if (decision !== 'retry') return false;
    this.#backOff(this.#retry?.nextBackOffMs(this.#config.dispatcher.random()) ?? 0, attempt);
    return true;
  }

  #backOff(ms: number, attempt: UpstreamRequest): void {
    this.#attempt = null;
    if (attempt.requestEnded && attempt.responseEnded) attempt.finish();
    else attempt.abandon();
    this.#state = 'backing-off';
    this.#callbacks.setUpstreamWait('retry');
    this.#clock.startBackOff(ms);
  }

  /** More body than is kept for a retry. */
  #giveUpRetries(): void {
    this.#stats.retryAbandoned.inc();
    this.#retry?.release();
    this.#retry = null;
    if (this.#attempt !== null) return;
    this.#end();
    answers.answerRetryBufferFull(this.#callbacks);
  }

  #onRouteTimeout(): void {
    const responding = this.#state === 'responding';
    const attempt = this.#end();
    if (attempt !== null) {
      if (!responding) this.#stats.rqTimeout.inc();
      if (attempt.open) attempt.host.stats.rqTimeout += 1;
      if (attempt.open && !responding) attempt.host.stats.rqError += 1;
      attempt.abandon();
    }
    if (responding) answers.breakOff(this.#callbacks, this.#config, 'UT', answers.TIMEOUT_DETAILS.route);
    else {
      const status = this.#control?.alternateResponse === true ? 204 : 504;
      answers.answerTimeout(this.#callbacks, this.#stats, status, answers.TIMEOUT_DETAILS.route);
    }
  }

  /** The answer is complete: before its last part goes down, because the stream may end with that. */
  #finish(attempt: UpstreamRequest): void {
    this.#end();
    if (this.#clock.complete) this.#stats.rqTime.record(this.#clock.since(attempt.lastReadAt));
    // An upstream that answered before it had the whole request gets no more of it, and its connection no other request.
    if (attempt.requestEnded) attempt.finish();
    else attempt.abandon();
    this.#callbacks.setUpstreamWait(null);
  }

  /** To `done`, once. Gives the attempt that is still under way: what becomes of it is the caller's decision. */
  #end(): UpstreamRequest | null {
    const attempt = this.#attempt;
    this.#attempt = null;
    if (this.#state === 'done') return null;
    this.#state = 'done';
    this.#clock.release();
    this.#retry?.release();
    this.#body?.release();
    if (this.#watching) this.#callbacks.removeDownstreamWatermarkCallbacks(this);
    return attempt;
  }
}
