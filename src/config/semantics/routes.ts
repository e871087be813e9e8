/**
 * What Envoy checks of a route table when it builds it: domains that select one virtual host, clusters that exist, weights that
 * can be drawn from, rewrites that do not contradict each other.
 */
import type { Route, RouteAction, RouteConfiguration, WeightedCluster } from '../../api/envoy.ts';
import type { CheckContext } from './context.ts';

/** Envoy's limit for the body of a direct response. */
const MAX_DIRECT_RESPONSE_BYTES = 4096;
const MAX_WEIGHT_SUM = 2 ** 32 - 1;

export function checkRouteConfiguration(
  config: RouteConfiguration,
  path: string,
  context: CheckContext,
): void {
  const domains = new Map<string, string>();
  for (const [index, host] of (config.virtual_hosts ?? []).entries()) {
    const at = `${path}.virtual_hosts[${index}]`;
    for (const [number, domain] of (host.domains ?? []).entries()) {
      const where = `${at}.domains[${number}]`;
      const key = domain.toLowerCase();
      const owner = domains.get(key);
      if (owner !== undefined) {
        context.report(
          host,
          'domains',
          where,
          `domain "${domain}" is already served by virtual host "${owner}"`,
        );
      } else if (domain.slice(1, -1).includes('*') || domain.length !== domain.trim().length) {
        context.report(host, 'domains', where, `"${domain}": * may stand only at the beginning or the end`);
      } else if (domain === '') {
        context.report(host, 'domains', where, 'a domain must not be empty');
      }
      domains.set(key, owner ?? host.name ?? '');
    }
    for (const [number, route] of (host.routes ?? []).entries()) {
      checkRoute(route, config, `${at}.routes[${number}]`, context);
    }
  }
  const fault = context.checks.routeConfiguration?.(config) ?? null;
  if (fault !== null) context.report(config, '', path, fault);
}

function checkRoute(route: Route, config: RouteConfiguration, path: string, context: CheckContext): void {
  const body = route.direct_response?.body;
  const bytes = body?.inline_bytes?.length ?? Buffer.byteLength(body?.inline_string ?? '');
  const limit = config.max_direct_response_body_size_bytes ?? MAX_DIRECT_RESPONSE_BYTES;
  if (body !== undefined && bytes > limit) {
    const text = `the body has ${bytes} bytes, max_direct_response_body_size_bytes is ${limit}`;
    context.report(body, '', `${path}.direct_response.body`, text);
  }
  // Envoy's default for a table that stands in the file.
  if (route.route === undefined || config.validate_clusters === false) return;
  const action = route.route;
  knownCluster(action, 'cluster', action.cluster, `${path}.route.cluster`, context);
  for (const [index, target] of (action.weighted_clusters?.clusters ?? []).entries()) {
    const at = `${path}.route.weighted_clusters.clusters[${index}].name`;
    knownCluster(target, 'name', target.name, at, context);
  }
}

function knownCluster(
  message: object,
  field: string,
  name: string | undefined,
  path: string,
  context: CheckContext,
): void {
  if (name === undefined || name === '' || (context.clusters?.has(name) ?? true)) return;
  context.report(message, field, path, `unknown cluster "${name}"`);
}

export function checkRouteAction(action: RouteAction, path: string, context: CheckContext): void {
  if ((action.prefix_rewrite ?? '') !== '' && action.regex_rewrite !== undefined) {
    const text = 'cannot be given together with "prefix_rewrite"';
    context.report(action, 'regex_rewrite', `${path}.regex_rewrite`, text);
  }
}

export function checkWeightedCluster(split: WeightedCluster, path: string, context: CheckContext): void {
  const clusters = split.clusters ?? [];
  let sum = 0;
  for (const [index, target] of clusters.entries()) {
    sum += target.weight ?? 0;
    const named = (target.name ?? '') !== '';
    if (named === ((target.cluster_header ?? '') !== '')) {
      context.report(target, '', `${path}.clusters[${index}]`, 'needs either name or cluster_header');
    }
  }
  if (clusters.length > 0 && sum === 0) context.report(split, 'clusters', path, 'the weights add up to 0');
  if (sum > MAX_WEIGHT_SUM)
    context.report(split, 'clusters', path, `the weights add up to more than ${MAX_WEIGHT_SUM}`);
  if (split.total_weight !== undefined && split.total_weight !== sum) {
    const text = `the weights add up to ${sum}, not to ${split.total_weight}`;
    context.report(split, 'total_weight', `${path}.total_weight`, text);
  }
}
