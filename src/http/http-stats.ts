/**
 * The statistics `http.<stat_prefix>.*` and `listener.<address>.http.<stat_prefix>.*` of one configuration
 * (`envoy-reference.md` section 7). Each is looked up once, here; an update is one array store.
 */
import type { Counter, Gauge, Histogram, StatsScope } from '../api/stats.ts';

/** Names that Envoy has and that stay 0 until the feature behind them exists; made so that dashboards find them. */
const UNUSED_COUNTERS = [
  'downstream_cx_http2_total',
  'downstream_cx_http3_total',
  'downstream_cx_overload_disable_keepalive',
  'downstream_rq_http2_total',
  'downstream_rq_http3_total',
  'downstream_rq_rejected_via_ip_detection',
  'downstream_rq_overload_close',
];
const UNUSED_GAUGES = ['downstream_cx_http2_active', 'downstream_cx_http3_active'];

export class ConnectionCounters {
  readonly total: Counter;
  readonly sslTotal: Counter;
  readonly http1Total: Counter;
  readonly upgradesTotal: Counter;
  readonly destroy: Counter;
  readonly destroyRemote: Counter;
  readonly destroyLocal: Counter;
  readonly destroyActiveRq: Counter;
  readonly destroyLocalActiveRq: Counter;
  readonly destroyRemoteActiveRq: Counter;
  readonly protocolError: Counter;
  readonly rxBytes: Counter;
  readonly txBytes: Counter;
  readonly drainClose: Counter;
  readonly idleTimeout: Counter;
  readonly maxDurationReached: Counter;
  readonly maxRequestsReached: Counter;
  readonly delayedCloseTimeout: Counter;
  readonly pausedReading: Counter;
  readonly resumedReading: Counter;
  readonly active: Gauge;
  readonly sslActive: Gauge;
  readonly http1Active: Gauge;
  readonly upgradesActive: Gauge;
  readonly lengthMs: Histogram;

  constructor(scope: StatsScope) {
    const counter = (name: string) => scope.counter(`downstream_cx_${name}`);
    const gauge = (name: string) => scope.gauge(`downstream_cx_${name}`);
    this.total = counter('total');
    this.sslTotal = counter('ssl_total');
    this.http1Total = counter('http1_total');
    this.upgradesTotal = counter('upgrades_total');
    this.destroy = counter('destroy');
    this.destroyRemote = counter('destroy_remote');
    this.destroyLocal = counter('destroy_local');
    this.destroyActiveRq = counter('destroy_active_rq');
    this.destroyLocalActiveRq = counter('destroy_local_active_rq');
    this.destroyRemoteActiveRq = counter('destroy_remote_active_rq');
    this.protocolError = counter('protocol_error');
    this.rxBytes = counter('rx_bytes_total');
    this.txBytes = counter('tx_bytes_total');
    this.drainClose = counter('drain_close');
    this.idleTimeout = counter('idle_timeout');
    this.maxDurationReached = counter('max_duration_reached');
    this.maxRequestsReached = counter('max_requests_reached');
    this.delayedCloseTimeout = counter('delayed_close_timeout');
    this.pausedReading = scope.counter('downstream_flow_control_paused_reading_total');
    this.resumedReading = scope.counter('downstream_flow_control_resumed_reading_total');
    this.active = gauge('active');
    this.sslActive = gauge('ssl_active');
    this.http1Active = gauge('http1_active');
    this.upgradesActive = gauge('upgrades_active');
    this.lengthMs = scope.histogram('downstream_cx_length_ms');
  }
}

export class RequestCounters {
  readonly total: Counter;
  readonly http1Total: Counter;
  readonly responseBeforeComplete: Counter;
  readonly rxReset: Counter;
  readonly txReset: Counter;
  readonly nonRelativePath: Counter;
  readonly tooLarge: Counter;
  readonly failedPathNormalization: Counter;
  readonly redirectedWithNormalizedPath: Counter;
  readonly wsOnNonWsRoute: Counter;
  readonly idleTimeout: Counter;
  readonly maxDurationReached: Counter;
  readonly timeout: Counter;
  readonly headerTimeout: Counter;
  readonly responseTooLarge: Counter;
  readonly active: Gauge;
  readonly time: Histogram;

  constructor(scope: StatsScope) {
    const counter = (name: string) => scope.counter(`downstream_rq_${name}`);
    this.total = counter('total');
    this.http1Total = counter('http1_total');
    this.responseBeforeComplete = counter('response_before_rq_complete');
    this.rxReset = counter('rx_reset');
    this.txReset = counter('tx_reset');
    this.nonRelativePath = counter('non_relative_path');
    this.tooLarge = counter('too_large');
    this.failedPathNormalization = counter('failed_path_normalization');
    this.redirectedWithNormalizedPath = counter('redirected_with_normalized_path');
    this.wsOnNonWsRoute = counter('ws_on_non_ws_route');
    this.idleTimeout = counter('idle_timeout');
    this.maxDurationReached = counter('max_duration_reached');
    this.timeout = counter('timeout');
    this.headerTimeout = counter('header_timeout');
    this.responseTooLarge = scope.counter('rs_too_large');
    this.active = scope.gauge('downstream_rq_active');
    this.time = scope.histogram('downstream_rq_time');
  }
}

/** Answers by class: kept per HCM and once more per listener. */
export class ResponseCounters {
  readonly #completed: Counter;
  readonly #classes: readonly Counter[];

  constructor(scope: StatsScope) {
    this.#completed = scope.counter('downstream_rq_completed');
    this.#classes = [1, 2, 3, 4, 5].map((digit) => scope.counter(`downstream_rq_${digit}xx`));
  }

  /** `code` 0: no response was begun. */
  record(code: number): void {
    this.#completed.inc();
    this.#classes[Math.trunc(code / 100) - 1]?.inc();
  }
}

export class HttpStats {
  readonly cx: ConnectionCounters;
  readonly rq: RequestCounters;
  readonly responses: ResponseCounters;
  readonly listenerResponses: ResponseCounters;

  /** `scope` is `http.<prefix>`, `listenerScope` is `listener.<address>.http.<prefix>`. */
  constructor(scope: StatsScope, listenerScope: StatsScope) {
    this.cx = new ConnectionCounters(scope);
    this.rq = new RequestCounters(scope);
    this.responses = new ResponseCounters(scope);
    this.listenerResponses = new ResponseCounters(listenerScope);
    for (const name of UNUSED_COUNTERS) scope.counter(name);
    for (const name of UNUSED_GAUGES) scope.gauge(name);
  }
}
