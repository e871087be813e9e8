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
import type { HeaderMap, ResetReason } from '../api/http.ts';
import type { Host } from '../api/upstream.ts';
import { streamMark } from '../base/logger.ts';
import { log } from './attempt-link.ts';
import * as answers from './own-answers.ts';
import { finalizeResponse, renameHost } from './request-headers.ts';
import { RequestSide } from './request-side.ts';
import { detailsOf, flagOf } from './reset-reply.ts';
import type { RetryDecision } from './retry-state.ts';
import type { TimerKind } from './timer-cache.ts';
import type { AttemptOwner, UpstreamRequest } from './upstream-request.ts';

export class Forwarding extends RequestSide implements AttemptOwner {
  protected readonly owner = this;

  onAttemptReady(attempt: UpstreamRequest, host: Host): void {
    const { headers } = this;
    if (this.route.hostRewrite.kind === 'auto' && host.hostname !== '') {
      renameHost(
        headers,
        host.hostname,
        this.route.appendForwardedHost && this.callbacks.info.attemptCount === 1,
      );
    }
    this.state = 'exchange';
    if (this.body === null) attempt.sendHead(headers, true);
    else this.body.sendTo(attempt, headers);
    if (this.attempt !== attempt || !attempt.open) return;
    this.watchDownstream(attempt);
    if (this.clock.complete) attempt.startTimers(this.clock.limits);
    this.callbacks.setUpstreamWait('upstream');
  }

  onAttemptInformational(headers: HeaderMap): void {
    this.informed = true;
    this.callbacks.encodeInformational(headers);
  }

  onAttemptHeaders(attempt: UpstreamRequest, headers: HeaderMap, endStream: boolean): void {
    const { host } = attempt;
    if (this.#retryAnswer(attempt, headers)) return;
    if (headers.status >= 500) host.stats.rqError += 1;
    else host.stats.rqSuccess += 1;
    this.state = 'responding';
    this.retry?.release();
    this.body?.dropKept();
    attempt.stopPerTryTimer();
    this.stats.chargeCode(headers.status);
    const { info } = this.callbacks;
    const timed = this.clock.complete && !this.config.suppressHeaders;
    const serviceMs = timed ? this.clock.since(attempt.lastReadAt) : -1;
    finalizeResponse(headers, this.headers, this.route, info, serviceMs);
    // The proxy may have answered by itself earlier in this very turn: then its details stand.
    if (info.responseCodeDetails === '') info.responseCodeDetails = 'via_upstream';
    if (endStream) this.#finish(attempt);
    else this.callbacks.setUpstreamWait('body');
    this.callbacks.encodeHeaders(headers, endStream);
  }

  onAttemptData(attempt: UpstreamRequest, bytes: Bytes, endStream: boolean): void {
    if (endStream) this.#finish(attempt);
    this.callbacks.encodeData(bytes, endStream);
  }

  onAttemptTrailers(attempt: UpstreamRequest, trailers: HeaderMap): void {
    this.#finish(attempt);
    this.callbacks.encodeTrailers(trailers);
  }

  onAttemptReset(
    attempt: UpstreamRequest,
    reason: ResetReason,
    transportReason: string,
    codecDetails: string,
  ): void {
    if (this.state === 'responding') {
      this.end();
      answers.breakOff(this.callbacks, this.config, flagOf(reason), detailsOf(reason, codecDetails, true));
      return;
    }
    if (reason !== 'overflow') attempt.host.stats.rqError += 1;
    const retry = this.informed ? null : this.retry;
    const breaker = this.cluster.breakers(this.route.priority).retries;
    if (retry?.takeIdleCloseRetry(reason, this.headers.method, attempt, breaker) === true) {
      this.#backOff(0, attempt);
      return;
    }
    const decision = retry?.decideReset(reason, attempt.headersSent, breaker) ?? 'no';
    if (this.#heeds(decision, attempt)) return;
    this.end();
    answers.answerReset(this.callbacks, this.config, this.stats, reason, transportReason, codecDetails);
  }

  onAttemptTimeout(attempt: UpstreamRequest, kind: TimerKind): void {
    const stats = this.stats;
    const responding = this.state === 'responding';
    attempt.abandon(kind === 'max-duration' ? 'UMSDR' : 'UT');
    if (kind === 'max-duration') stats.rqMaxDurationReached.inc();
    else {
      (kind === 'per-try' ? stats.rqPerTryTimeout : stats.rqPerTryIdleTimeout).inc();
      attempt.host.stats.rqTimeout += 1;
    }
    const details = answers.TIMEOUT_DETAILS[kind];
    if (responding) {
      this.end();
      answers.breakOff(this.callbacks, this.config, kind === 'max-duration' ? 'UMSDR' : 'UT', details);
      return;
    }
    attempt.host.stats.rqError += 1;
    const retry = this.informed ? null : this.retry;
    const breaker = this.cluster.breakers(this.route.priority).retries;
    if (this.#heeds(retry?.decideReset('local reset', true, breaker) ?? 'no', attempt)) {
      if (this.route.timeoutRetryHeader) this.headers.set('x-envoy-is-timeout-retry', 'true');
      return;
    }
    this.end();
    if (kind === 'max-duration') answers.answerMaxDuration(this.callbacks, stats, this.clock.complete);
    else answers.answerTimeout(this.callbacks, stats, 504, details);
  }

  /** The timers of the whole request. */
  onTimer(kind: TimerKind): void {
    this.callbacks.enterWork(this.config.dispatcher.clock.now(), 0);
    this.working = true;
    if (kind === 'route') this.#onRouteTimeout();
    else {
      this.clock.endBackOff();
      this.callbacks.info.resetUpstream();
      this.startAttempt();
    }
    this.working = false;
    this.callbacks.leaveWork();
  }

  /** True: the answer is not passed on, a retry is on its way. */
  #retryAnswer(attempt: UpstreamRequest, headers: HeaderMap): boolean {
    if (this.retry === null || this.informed) return false;
    const { clock } = this.config.dispatcher;
    const breaker = this.cluster.breakers(this.route.priority).retries;
    const decision = this.retry.decideHeaders(headers, clock.wallOffset() + clock.now(), breaker);
    if (!this.#heeds(decision, attempt)) return false;
    attempt.host.stats.rqError += 1;
    this.stats.chargeRetriedCode(headers.status);
    return true;
  }

  #heeds(decision: RetryDecision, attempt: UpstreamRequest): boolean {
    if (decision === 'limit') this.callbacks.info.setFlag('URX');
    else if (decision === 'overflow') this.callbacks.info.setFlag('UO');
    if (decision !== 'retry') return false;
    this.#backOff(this.retry?.nextBackOffMs(this.config.dispatcher.random()) ?? 0, attempt);
    return true;
  }

  #backOff(ms: number, attempt: UpstreamRequest): void {
    this.attempt = null;
    if (attempt.requestEnded && attempt.responseEnded) attempt.finish();
    else attempt.abandon();
    this.state = 'backing-off';
    if (log.debugOn) {
      const { connection, streamId } = this.callbacks;
      log.debug(`${streamMark(connection.id, streamId)} performing retry in ${ms} ms`);
    }
    this.callbacks.setUpstreamWait('retry');
    this.clock.startBackOff(ms);
  }

  #onRouteTimeout(): void {
    const responding = this.state === 'responding';
    const attempt = this.end();
    if (attempt !== null) {
      if (!responding) this.stats.rqTimeout.inc();
      if (attempt.open) attempt.host.stats.rqTimeout += 1;
      if (attempt.open && !responding) attempt.host.stats.rqError += 1;
      attempt.abandon('UT');
    }
    if (responding) answers.breakOff(this.callbacks, this.config, 'UT', answers.TIMEOUT_DETAILS.route);
    else {
      const status = this.control?.alternateResponse === true ? 204 : 504;
      answers.answerTimeout(this.callbacks, this.stats, status, answers.TIMEOUT_DETAILS.route);
    }
  }

  /** The answer is complete: before its last part goes down, because the stream may end with that. */
  #finish(attempt: UpstreamRequest): void {
    this.end();
    if (this.clock.complete) this.stats.rqTime.record(this.clock.since(attempt.lastReadAt));
    // An upstream that answered before it had the whole request gets no more of it, and its connection no other request.
    if (attempt.requestEnded) attempt.finish();
    else attempt.abandon();
    this.callbacks.setUpstreamWait(null);
  }
}
