/**
 * Compiles one `Route` of a virtual host into a `RouteEntry`: which settings win, in what order headers are changed.
 *
 * Runs at configuration only. Anything that this version cannot honour throws with the field's name: a route that silently
 * did less than it says would be worse than none.
 */
import type { Any, Route, RouteAction, VirtualHost, WeightedClusterClusterWeight } from '../api/envoy.ts';
import type { RouteSettings } from '../api/http.ts';
import { targetText } from './config-text.ts';
import { compileHeaderMutation, type FormatCompiler, type HeaderMutation } from './header-mutation.ts';
import { compilePathCondition, type PathCondition } from './path-match.ts';
import { PrefixRewrite, RegexRewrite, type PathRewrite } from './path-rewrite.ts';
import { Redirect } from './redirect.ts';
import { compileRetryPolicy } from './retry-policy.ts';
import { limitsOf } from './time-limits.ts';
import { RouteEntry } from './route-entry.ts';
import type { ForwardRoute, HostRewrite, ResolvedRoute } from './route.ts';
import { WeightedChoice } from './weighted-choice.ts';

/** One level of configuration that may change headers and set up filters: table, virtual host, route, weighted cluster. */
export interface Level {
  readonly request: HeaderMutation | null;
  readonly response: HeaderMutation | null;
  readonly perFilter: Readonly<Record<string, Any>>;
}

/** What the levels above a route give to it. */
export interface RouteScope {
  readonly formats: FormatCompiler;
  readonly table: Level;
  readonly host: Level;
  readonly virtualHost: VirtualHost;
  readonly mostSpecificLast: boolean;
}

/** Envoy's route timeout when none is configured. */
const DEFAULT_TIMEOUT_MS = 15_000;

const NOT_FOUND_CODES = { SERVICE_UNAVAILABLE: 503, NOT_FOUND: 404, INTERNAL_SERVER_ERROR: 500 };
const NO_REWRITE: HostRewrite = { kind: 'none' };

interface LevelConfig {
  readonly request_headers_to_add?: Route['request_headers_to_add'] & {};
  readonly request_headers_to_remove?: readonly string[];
  readonly response_headers_to_add?: Route['request_headers_to_add'] & {};
  readonly response_headers_to_remove?: readonly string[];
  readonly typed_per_filter_config?: { readonly [key: string]: Any };
}

export function compileLevel(config: LevelConfig, formats: FormatCompiler): Level {
  return {
    request: compileHeaderMutation(config.request_headers_to_add, config.request_headers_to_remove, formats),
    response: compileHeaderMutation(
      config.response_headers_to_add,
      config.response_headers_to_remove,
      formats,
    ),
    perFilter: config.typed_per_filter_config ?? {},
  };
}

export function compileRoute(config: Route, scope: RouteScope): RouteEntry {
  const match = config.match ?? {};
  const path = compilePathCondition(match);
  return new RouteEntry(match, path, compileTarget(config, path, scope));
}

function compileTarget(
  config: Route,
  path: PathCondition,
  scope: RouteScope,
): ResolvedRoute | WeightedChoice {
  const levels = [compileLevel(config, scope.formats), scope.host, scope.table];
  if (config.route !== undefined) return compileForward(config, config.route, path, scope, levels);
  const base = { ...names(config, scope), ...mutations(levels, scope), settings: settingsOf({}, levels) };
  if (config.redirect !== undefined) {
    const redirect = new Redirect(config.redirect, path);
    return {
      kind: 'redirect',
      status: redirect.status,
      location: (headers) => redirect.location(headers),
      ...base,
    };
  }
  if (config.direct_response !== undefined) {
    const { status, body } = config.direct_response;
    if (body?.filename !== undefined || body?.environment_variable !== undefined) {
      throw new Error('direct_response.body: only inline_string and inline_bytes are supported');
    }
    const text = body?.inline_string ?? body?.inline_bytes?.toString('utf8') ?? '';
    return { kind: 'direct-response', status: status ?? 200, body: text, ...base };
  }
  throw new Error('a route needs one of route, redirect, direct_response');
}

function compileForward(
  config: Route,
  action: RouteAction,
  path: PathCondition,
  scope: RouteScope,
  levels: readonly Level[],
): ResolvedRoute | WeightedChoice {
  const common = forwardSettings(config, action, path, scope);
  const single: ForwardRoute = {
    ...common,
    ...mutations(levels, scope),
    settings: settingsOf(action, levels),
    cluster: action.cluster ?? '',
    clusterHeader: (action.cluster_header ?? '').toLowerCase(),
  };
  const split = action.weighted_clusters;
  if (split === undefined) {
    if (single.cluster === '' && single.clusterHeader === '') {
      throw new Error('route needs one of cluster, cluster_header, weighted_clusters');
    }
    return single;
  }
  const clusters = split.clusters ?? [];
  const weights = clusters.map((cluster) => cluster.weight ?? 0);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (split.total_weight !== undefined && split.total_weight !== sum) {
    throw new Error(
      `weighted_clusters: the weights add up to ${sum}, total_weight says ${split.total_weight}`,
    );
  }
  const routes = clusters.map((cluster) => forwardTo(cluster, single, action, scope, levels));
  return new WeightedChoice(routes, weights, split.header_name ?? '');
}

function forwardTo(
  cluster: WeightedClusterClusterWeight,
  single: ForwardRoute,
  action: RouteAction,
  scope: RouteScope,
  levels: readonly Level[],
): ForwardRoute {
  const own = [compileLevel(cluster, scope.formats), ...levels];
  const literal = cluster.host_rewrite_literal;
  return {
    ...single,
    ...mutations(own, scope),
    settings: settingsOf(action, own),
    cluster: cluster.name ?? '',
    clusterHeader: (cluster.cluster_header ?? '').toLowerCase(),
    hostRewrite:
      literal === undefined
        ? single.hostRewrite
        : { kind: 'literal', host: targetText(literal, 'host_rewrite_literal') },
  };
}

function forwardSettings(
  config: Route,
  action: RouteAction,
  path: PathCondition,
  scope: RouteScope,
): Omit<ForwardRoute, 'requestMutations' | 'responseMutations' | 'settings' | 'cluster' | 'clusterHeader'> {
  if (action.hedge_policy !== undefined || scope.virtualHost.hedge_policy !== undefined) {
    throw new Error('hedge_policy is not supported');
  }
  if (
    action.request_mirror_policies !== undefined ||
    scope.virtualHost.request_mirror_policies !== undefined
  ) {
    throw new Error('request_mirror_policies is not supported');
  }
  const retry = action.retry_policy ?? scope.virtualHost.retry_policy;
  return {
    kind: 'forward',
    ...names(config, scope),
    clusterNotFoundCode: NOT_FOUND_CODES[action.cluster_not_found_response_code ?? 'SERVICE_UNAVAILABLE'],
    priority: action.priority === 'HIGH' ? 'high' : 'default',
    limits: limitsOf(
      action.timeout ?? DEFAULT_TIMEOUT_MS,
      retry?.per_try_timeout ?? 0,
      retry?.per_try_idle_timeout ?? 0,
    ),
    retry: retry === undefined ? null : compileRetryPolicy(retry),
    pathRewrite: compilePathRewrite(action, path),
    hostRewrite: compileHostRewrite(action),
    appendForwardedHost: action.append_x_forwarded_host ?? false,
    attemptCountInRequest: scope.virtualHost.include_request_attempt_count ?? false,
    attemptCountInResponse: scope.virtualHost.include_attempt_count_in_response ?? false,
    timeoutRetryHeader: scope.virtualHost.include_is_timeout_retry_header ?? false,
    bufferLimitBytes:
      config.per_request_buffer_limit_bytes ?? scope.virtualHost.per_request_buffer_limit_bytes ?? -1,
  };
}

function compilePathRewrite(action: RouteAction, path: PathCondition): PathRewrite | null {
  if (action.path_rewrite_policy !== undefined) throw new Error('path_rewrite_policy is not supported');
  if (action.regex_rewrite !== undefined) return new RegexRewrite(action.regex_rewrite);
  const prefix = action.prefix_rewrite ?? '';
  return prefix === '' ? null : new PrefixRewrite(prefix, path);
}

function compileHostRewrite(action: RouteAction): HostRewrite {
  if (action.host_rewrite_literal !== undefined) {
    return { kind: 'literal', host: targetText(action.host_rewrite_literal, 'host_rewrite_literal') };
  }
  if (action.host_rewrite_header !== undefined) {
    return { kind: 'header', name: action.host_rewrite_header.toLowerCase() };
  }
  if (action.host_rewrite_path_regex !== undefined) {
    return { kind: 'path-regex', rewrite: new RegexRewrite(action.host_rewrite_path_regex) };
  }
  return action.auto_host_rewrite === true ? { kind: 'auto' } : NO_REWRITE;
}

function names(config: Route, scope: RouteScope): { routeName: string; virtualHostName: string } {
  return { routeName: config.name ?? '', virtualHostName: scope.virtualHost.name ?? '' };
}

function mutations(
  levels: readonly Level[],
  scope: RouteScope,
): { requestMutations: readonly HeaderMutation[]; responseMutations: readonly HeaderMutation[] } {
  const order = scope.mostSpecificLast ? levels.toReversed() : levels;
  return {
    requestMutations: order.flatMap((level) => level.request ?? []),
    responseMutations: order.flatMap((level) => level.response ?? []),
  };
}

function settingsOf(action: RouteAction, levels: readonly Level[]): RouteSettings {
  const perFilter = new Map<string, unknown>();
  for (const level of levels.toReversed()) {
    for (const [name, config] of Object.entries(level.perFilter)) perFilter.set(name, config);
  }
  const upgrades = new Map<string, boolean>();
  for (const upgrade of action.upgrade_configs ?? []) {
    upgrades.set((upgrade.upgrade_type ?? '').toLowerCase(), upgrade.enabled ?? true);
  }
  return {
    perFilterConfig: (filterName) => perFilter.get(filterName),
    idleTimeoutMs: action.idle_timeout ?? -1,
    maxStreamDurationMs: action.max_stream_duration?.max_stream_duration ?? -1,
    upgradeEnabled: (token) => upgrades.get(token.toLowerCase()) ?? null,
  };
}
