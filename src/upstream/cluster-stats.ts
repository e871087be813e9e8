/**
 * Counters of one cluster that pools and balancers move, looked up once when the cluster is built (`cluster.<name>.…`).
 *
 * The router keeps those that need a response (`upstream_rq_<code>`, `upstream_rq_time`, retries, resets, timeouts,
 * `upstream_flow_control_paused_reading_total`); main keeps membership, DNS and circuit-breaker gauges, which are facts of the
 * process and not of a worker.
 */
import type { Counter, Gauge, Histogram, StatsScope } from '../api/stats.ts';

export class ClusterStats {
  readonly cxTotal: Counter;
  readonly cxActive: Gauge;
  readonly cxHttp1Total: Counter;
  readonly cxConnectFail: Counter;
  readonly cxConnectTimeout: Counter;
  readonly cxIdleTimeout: Counter;
  readonly cxMaxDurationReached: Counter;
  readonly cxMaxRequests: Counter;
  readonly cxOverflow: Counter;
  readonly cxProtocolError: Counter;
  readonly cxNoneHealthy: Counter;
  readonly cxDestroy: Counter;
  readonly cxDestroyLocal: Counter;
  readonly cxDestroyRemote: Counter;
  readonly cxDestroyWithActiveRq: Counter;
  readonly cxDestroyLocalWithActiveRq: Counter;
  readonly cxDestroyRemoteWithActiveRq: Counter;
  readonly cxRxBytes: Counter;
  readonly cxTxBytes: Counter;
  readonly cxConnectMs: Histogram;
  readonly cxLengthMs: Histogram;
  readonly rqPerCx: Histogram;
  readonly rqTotal: Counter;
  readonly rqActive: Gauge;
  readonly rqPendingTotal: Counter;
  readonly rqPendingActive: Gauge;
  readonly rqPendingOverflow: Counter;
  readonly rqActiveOverflow: Counter;
  readonly rqPendingFailureEject: Counter;
  readonly rqCancelled: Counter;
  readonly flowBackedUp: Counter;
  readonly flowDrained: Counter;
  readonly lbHealthyPanic: Counter;

  constructor(scope: StatsScope) {
    this.cxTotal = scope.counter('upstream_cx_total');
    this.cxActive = scope.gauge('upstream_cx_active');
    this.cxHttp1Total = scope.counter('upstream_cx_http1_total');
    this.cxConnectFail = scope.counter('upstream_cx_connect_fail');
    this.cxConnectTimeout = scope.counter('upstream_cx_connect_timeout');
    this.cxIdleTimeout = scope.counter('upstream_cx_idle_timeout');
    this.cxMaxDurationReached = scope.counter('upstream_cx_max_duration_reached');
    this.cxMaxRequests = scope.counter('upstream_cx_max_requests');
    this.cxOverflow = scope.counter('upstream_cx_overflow');
    this.cxProtocolError = scope.counter('upstream_cx_protocol_error');
    this.cxNoneHealthy = scope.counter('upstream_cx_none_healthy');
    this.cxDestroy = scope.counter('upstream_cx_destroy');
    this.cxDestroyLocal = scope.counter('upstream_cx_destroy_local');
    this.cxDestroyRemote = scope.counter('upstream_cx_destroy_remote');
    this.cxDestroyWithActiveRq = scope.counter('upstream_cx_destroy_with_active_rq');
    this.cxDestroyLocalWithActiveRq = scope.counter('upstream_cx_destroy_local_with_active_rq');
    this.cxDestroyRemoteWithActiveRq = scope.counter('upstream_cx_destroy_remote_with_active_rq');
    this.cxRxBytes = scope.counter('upstream_cx_rx_bytes_total');
    this.cxTxBytes = scope.counter('upstream_cx_tx_bytes_total');
    this.cxConnectMs = scope.histogram('upstream_cx_connect_ms');
    this.cxLengthMs = scope.histogram('upstream_cx_length_ms');
    this.rqPerCx = scope.histogram('upstream_rq_per_cx');
    this.rqTotal = scope.counter('upstream_rq_total');
    this.rqActive = scope.gauge('upstream_rq_active');
    this.rqPendingTotal = scope.counter('upstream_rq_pending_total');
    this.rqPendingActive = scope.gauge('upstream_rq_pending_active');
    this.rqPendingOverflow = scope.counter('upstream_rq_pending_overflow');
    this.rqActiveOverflow = scope.counter('upstream_rq_active_overflow');
    this.rqPendingFailureEject = scope.counter('upstream_rq_pending_failure_eject');
    this.rqCancelled = scope.counter('upstream_rq_cancelled');
    this.flowBackedUp = scope.counter('upstream_flow_control_backed_up_total');
    this.flowDrained = scope.counter('upstream_flow_control_drained_total');
    this.lbHealthyPanic = scope.counter('lb_healthy_panic');
  }
}
