/**
 * What all requests of one router filter (one `http_filters` entry, one worker) share: settings, counters, caches.
 */
import type { Router } from '../api/envoy.ts';
import type { Dispatcher } from '../api/event.ts';
import type { HttpFilterContext } from '../api/http.ts';
import type { AccessLogs } from '../api/observe.ts';
import type { Counter, StatsScope } from '../api/stats.ts';
import type { ClusterManager } from '../api/upstream.ts';
import { ClusterStatsCache } from './cluster-stats.ts';
import { TimerCache } from './timer-cache.ts';

export class RouterStats {
  readonly noRoute: Counter;
  readonly noCluster: Counter;
  readonly rqRedirect: Counter;
  readonly rqDirectResponse: Counter;
  readonly rqTotal: Counter;
  readonly rqResetAfterResponseStarted: Counter;

  constructor(scope: StatsScope) {
    this.noRoute = scope.counter('no_route');
    this.noCluster = scope.counter('no_cluster');
    this.rqRedirect = scope.counter('rq_redirect');
    this.rqDirectResponse = scope.counter('rq_direct_response');
    this.rqTotal = scope.counter('rq_total');
    this.rqResetAfterResponseStarted = scope.counter('rq_reset_after_downstream_response_started');
  }
}

export class RouterConfig {
  readonly dispatcher: Dispatcher;
  readonly clusters: ClusterManager;
  readonly stats: RouterStats;
  readonly clusterStats: ClusterStatsCache;
  readonly timers: TimerCache;
  /** The router's own `x-envoy-*` headers are neither added to requests nor to responses. */
  readonly suppressHeaders: boolean;
  readonly respectExpectedTimeout: boolean;
  /** Lower-case names of control headers whose values must be well formed (400 IH otherwise). */
  readonly strictHeaders: readonly string[];
  /** Of attempts; null: there is none. */
  readonly upstreamLogs: AccessLogs | null;

  constructor(config: Router, context: HttpFilterContext) {
    if ((config.upstream_http_filters ?? []).length > 0) {
      throw new Error('router: upstream_http_filters is not supported');
    }
    this.dispatcher = context.dispatcher;
    this.clusters = context.clusters;
    this.stats = new RouterStats(context.stats);
    this.clusterStats = new ClusterStatsCache(config.dynamic_stats ?? true);
    this.timers = new TimerCache(context.dispatcher);
    this.suppressHeaders = config.suppress_envoy_headers ?? false;
    this.respectExpectedTimeout = config.respect_expected_rq_timeout ?? false;
    const logs = config.upstream_log ?? [];
    this.upstreamLogs = logs.length === 0 ? null : context.accessLogs(logs);
    this.strictHeaders = (config.strict_check_headers ?? []).map((name) => name.toLowerCase());
  }
}
